/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domcaps: the <domainCapabilities> and <capabilities> documents. */
#pragma once

#include "base/buf.h"
#include "virtqemud/caps.h"

struct req;

/* What a <domainCapabilities> document is about; all resolved. */
struct domcaps_question {
    const struct qemu_caps *caps;
    enum qemu_accel accel;
    const struct qemu_machine *machine;
    const char *arch; /* of the guest: a 64-bit QEMU runs 32-bit ones, too */
};
/*
 * From what a client gave (each may be NULL) to the binary, the accelerator and the machine, by libvirt's
 * rules. *ret_caps gets a reference. Negative with rq->err set.
 */
int domcaps_resolve(struct req *rq, const char *binary, const char *arch, const char *machine,
                    const char *virt, const struct qemu_caps **ret_caps, struct domcaps_question *ret);
void domcaps_format(struct req *rq, const struct domcaps_question *question, struct buf *xml);

/* <capabilities> of this host with all installed QEMU binaries. May wait for probes. */
int hostcaps_format(struct req *rq, struct buf *xml);
