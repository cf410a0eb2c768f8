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
XT_DECLARE_ROWS(devices_table, struct devices);

/*
 * After the table parse, before any driver's defaults: rules of the format itself that need more than one
 * element: order of disks and controllers, indices and ports that weren't given, drive addresses that follow
 * from the names of disks, a MAC for every interface, the serial port that is the first console. Returns
 * negative with err set.
 */
int devices_settle(struct devices *devices, struct arena *arena, struct err *err);

/* Every controller that a drive, virtio-serial or ccid address names exists afterwards. For drivers'
 * defaults. */
void devices_add_implicit_controllers(struct devices *devices, struct arena *arena);
/* The first console is the first serial port: make it show what that one is (call again when it changes). */
void devices_sync_console(struct devices *devices, struct arena *arena);

/* By type and index; NULL: there is none. */
struct controller *devices_controller(const struct devices *devices, enum controller_type type,
                                      uint32_t index);
/* A new one behind all others; index -1: the first that is free. */
struct controller *devices_add_controller(struct devices *devices, struct arena *arena,
                                          enum controller_type type, int index, enum controller_model model);

/* Append to a list of devices, remove from it: DEVICE_ADD(arena, devices, disks, disk). */
#define DEVICE_ADD(arena, devices, list, item)                                                               \
    do {                                                                                                     \
        (devices)->list =                                                                                    \
            arena_grow((arena), (devices)->list, (devices)->n_##list, sizeof(*(devices)->list));             \
        (devices)->list[(devices)->n_##list++] = (item);                                                     \
    } while (0)
#define DEVICE_REMOVE(devices, list, at)                                                                     \
    memmove((devices)->list + (at), (devices)->list + (at) + 1,                                              \
            (--(devices)->n_##list - (at)) * sizeof(*(devices)->list))

/*
 * What no machine reaches, and what keeps the search for free places and names from taking long: each device
 * is compared with all others.
 */
enum { DEVICES_MAX = 2048 };

/*
 * Every device that has an info, in the order of the struct above: for aliases, address sets, searches by
 * alias. visit returns nonzero to stop, which devices_foreach returns.
 */
struct device_visit {
    const char *kind; /* name of its element */
    void *device;
    struct device_info *info;
};
int devices_foreach(struct devices *devices, int (*visit)(void *data, const struct device_visit *device),
                    void *data);
