/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device: changes of a running machine's devices, between the methods (method-device.c) and dev/plug.c. */
#pragma once

#include "model/domain/fragment.h"
#include "virtqemud/vm.h"

/* All wait; the caller holds the vm's job. Negative with rq->err set. */
int device_attach_live(struct req *rq, struct vm *vm, const char *xml);
/* The guest may take its time: then this succeeds, and the device goes when the guest lets it go. */
int device_detach_live(struct req *rq, struct vm *vm, const struct fragment *live);
int device_update_live(struct req *rq, struct vm *vm, const char *xml, bool force);

/* QEMU says that a device is gone. Never waits. */
void device_gone(struct vm *vm, const char *alias);
/* The run ends: whoever waits for one of its devices to go waits no longer. */
void device_let_go(struct run *run);

/* Complete a model with a device that is new in it: addresses, models, what it needs beside it. */
int device_settle(struct req *rq, struct arena *arena, struct domain *domain, bool inactive);
/* What a device adds (1) to or takes (-1) from the rest of the model. */
void device_account(struct domain *domain, const struct fragment *device, int sign);
/* It goes, with what only stood for it. */
void device_remove(struct domain *domain, const struct fragment *device);
