/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attach: what commands share that give a domain a device, take it away or change it. */
#pragma once

#include "virsh/domain.h"

#define PERSISTENT_CONFLICTS "persistent current, current live, current config"

/* The change that the options ask for. --persistent: live if it runs, and its configuration. */
int device_change_flags(struct cmd *cmd, virDomainPtr domain, unsigned *ret);
int device_attach(struct cmd *cmd, virDomainPtr domain, const char *xml);
int device_detach(struct cmd *cmd, virDomainPtr domain, const char *xml);
/* --print-xml: the element instead of the change; 0. */
int device_print(struct cmd *cmd, const char *xml);
/* The domain's document; of the inactive configuration where that is to be changed, or when nothing runs. */
const char *device_xml(struct cmd *cmd, virDomainPtr domain);
/* ` name='value'`; nothing where there is no value. */
void device_attribute(struct buf *xml, const char *name, const char *value);
/* An element with nothing but an option's value in it, between these texts. */
void device_element(struct cmd *cmd, struct buf *xml, const char *option, const char *open,
                    const char *close);
