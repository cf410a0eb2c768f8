/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events whose callbacks take more than numbers and texts. */
#include "libvirt/events.h"

#include "protocol/qemu.h"

static void address(const struct wire_graphics_address *from, virDomainEventGraphicsAddress *to)
{
    to->family = from->family;
    to->node = from->node;
    to->service = from->service;
}

void event_domain_event_callback_graphics(virConnectPtr conn, void *object, const void *message,
                                          void *callback, void *opaque)
{
    const struct remote_domain_event_graphics_msg *in =
        &((const struct remote_domain_event_callback_graphics_msg *)message)->msg;
    virDomainEventGraphicsAddress local, remote;
    auto_free virDomainEventGraphicsSubjectIdentity *identities =
        NEW_ARRAY(virDomainEventGraphicsSubjectIdentity, in->subject.n + 1);
    virDomainEventGraphicsSubject subject = {.nidentity = (int)in->subject.n, .identities = identities};

    address(&in->local, &local);
    address(&in->remote, &remote);
    for (uint32_t i = 0; i < in->subject.n; i++) {
        identities[i].type = in->subject.v[i].type;
        identities[i].name = in->subject.v[i].name;
    }
    ((virConnectDomainEventGraphicsCallback)callback)(conn, object, in->phase, &local, &remote,
                                                      in->auth_scheme, &subject, opaque);
}

static void call_monitor(virConnectPtr conn, void *object, const void *message, void *callback, void *opaque)
{
    const struct qemu_domain_monitor_event_msg *in = message;

    ((virConnectDomainQemuMonitorEventCallback)callback)(conn, object, in->event, in->seconds, in->micros,
                                                         in->details, opaque);
}

const struct event_row monitor_row = {FAMILY_MONITOR, 0, QEMU_DOMAIN_MONITOR_EVENT, call_monitor};
