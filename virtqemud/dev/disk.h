/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disk: what the files of drives and images share. */
#pragma once

#include "virtqemud/dev/dev.h"

/* disk-prepare.c: overlays, helpers and secrets of a drive. Waits. Negative with rq->err set. */
int disk_prepare(struct req *rq, struct build *build, void *device);
/* The object that sends reservations of this drive to the helper; its id, or NULL: there are none. */
const char *disk_reservations(struct build *build, const struct disk *disk);
