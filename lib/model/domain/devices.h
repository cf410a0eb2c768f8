/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices: everything below <devices>, in the order that libvirt prints it. `struct domain` embeds one.
 */
#pragma once

#include "model/domain/balloon.h"
#include "model/domain/chardev.h"
#include "model/domain/controller.h"
#include "model/domain/disk.h"
#include "model/domain/filesystem.h"
#include "model/domain/graphics.h"
#include "model/domain/hostdev.h"
#include "model/domain/iface.h"
#include "model/domain/input.h"
#include "model/domain/iommu.h"
#include "model/domain/memdev.h"
#include "model/domain/misc.h"
#include "model/domain/redir.h"
#include "model/domain/rng.h"
#include "model/domain/shmem.h"
#include "model/domain/smartcard.h"
#include "model/domain/sound.h"
#include "model/domain/tpm.h"
#include "model/domain/video.h"
#include "model/domain/vsock.h"
#include "model/domain/watchdog.h"

/* A list is (vector of pointers, count); all of it in the document's arena. */
#define DEVICE_LIST(type, name)                                                                              \
    struct type **name;                                                                                      \
    size_t n_##name

struct devices {
    char *emulator;
    DEVICE_LIST(disk, disks);
    DEVICE_LIST(controller, controllers);
    DEVICE_LIST(lease, leases);
    DEVICE_LIST(filesystem, filesystems);
    DEVICE_LIST(iface, ifaces);
    DEVICE_LIST(smartcard, smartcards);
    DEVICE_LIST(chardev, serials);
    DEVICE_LIST(chardev, parallels);
    DEVICE_LIST(chardev, consoles);
    DEVICE_LIST(chardev, channels);
    DEVICE_LIST(input, inputs);
    DEVICE_LIST(tpm, tpms);
    DEVICE_LIST(graphics, graphics);
    DEVICE_LIST(sound, sounds);
    DEVICE_LIST(audio, audios);
    DEVICE_LIST(video, videos);
    DEVICE_LIST(hostdev, hostdevs);
    DEVICE_LIST(redirdev, redirdevs);
    struct redirfilter *redirfilter;
    DEVICE_LIST(hub, hubs);
    DEVICE_LIST(watchdog, watchdogs);
    struct balloon *balloon;
    DEVICE_LIST(rng, rngs);
    struct nvram *nvram;
    DEVICE_LIST(panic, panics);
    DEVICE_LIST(shmem, shmems);
    DEVICE_LIST(memdev, memdevs);
    DEVICE_LIST(crypto, cryptos);
    struct iommu *iommu;
    struct vsock *vsock;
    struct pstore *pstore;
};
XT_DECLARE_ROWS(devices_table, struct devices); /* embedded: the table of rows is needed */

/*
 * After the table parse, before any driver's defaults: fixed rules of the format itself that need more than one
 * element (indices of controllers and ports, a MAC for every interface, order of disks). Returns negative with err set.
 */
struct arena;
struct err;
int devices_settle(struct devices *devices, struct arena *arena, struct err *err);
