/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events: from QEMU's words to the happenings of life.c and to the messages that clients get. */
#pragma once

#include "virtqemud/vm.h"

void event_lifecycle(const struct vm *vm, int event, int detail);
void event_reboot(const struct vm *vm);
void event_pmsuspend(const struct vm *vm);
void event_pmsuspend_disk(const struct vm *vm);
void event_pmwakeup(const struct vm *vm);
void event_metadata_change(const struct vm *vm, int type, const char *nsuri);
struct params;
void event_tunable(const struct vm *vm, const struct params *params); /* nothing when there are none */
/* A medium that may be missing at a start, and is. */
void event_medium_missing(const struct vm *vm, const char *path, const char *alias);
void event_device_added(const struct vm *vm, const char *alias);
void event_device_removed(const struct vm *vm, const char *alias);
void event_control_error(const struct vm *vm);
