/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices: the rows of <devices>, in the order in which they are printed. */
#include "model/domain/devices.h"

/* clang-format off */
#define T struct devices
#define DEVICES(list, element, table) XT_LIST(T, list, n_##list, element, table, XT_ABI)
XT_DEFINE_ROWS(devices_table, "devices", NULL,
    XT_TEXT(T, emulator, "emulator", str, 0),
    DEVICES(disks, "disk", disk_table),
    DEVICES(controllers, "controller", controller_table),
    XT_LIST(T, leases, n_leases, "lease", lease_table, 0),
    DEVICES(filesystems, "filesystem", filesystem_table),
    DEVICES(ifaces, "interface", iface_table),
    DEVICES(smartcards, "smartcard", smartcard_table),
    DEVICES(serials, "serial", serial_table),
    DEVICES(parallels, "parallel", parallel_table),
    DEVICES(consoles, "console", console_table),
    DEVICES(channels, "channel", channel_table),
    DEVICES(inputs, "input", input_table),
    DEVICES(tpms, "tpm", tpm_table),
    XT_LIST(T, graphics, n_graphics, "graphics", graphics_table, 0),
    DEVICES(sounds, "sound", sound_table),
    XT_LIST(T, audios, n_audios, "audio", audio_table, 0),
    DEVICES(videos, "video", video_table),
    DEVICES(hostdevs, "hostdev", hostdev_table),
    XT_LIST(T, redirdevs, n_redirdevs, "redirdev", redirdev_table, XT_ABI | XT_SPREAD),
    XT_CHILD(T, redirfilter, "redirfilter", redirfilter_table, XT_ABI),
    DEVICES(hubs, "hub", hub_table),
    DEVICES(watchdogs, "watchdog", watchdog_table),
    XT_CHILD(T, balloon, "memballoon", balloon_table, XT_ABI),
    DEVICES(rngs, "rng", rng_table),
    XT_CHILD(T, nvram, "nvram", nvram_table, XT_ABI),
    DEVICES(panics, "panic", panic_table),
    DEVICES(shmems, "shmem", shmem_table),
    DEVICES(memdevs, "memory", memdev_table),
    DEVICES(cryptos, "crypto", crypto_table),
    XT_CHILD(T, iommu, "iommu", iommu_table, XT_ABI),
    XT_CHILD(T, vsock, "vsock", vsock_table, XT_ABI),
    XT_CHILD(T, pstore, "pstore", pstore_table, XT_ABI));
#undef T
