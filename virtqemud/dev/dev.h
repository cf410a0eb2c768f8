/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dev: device kinds of the qemu driver. One file a kind makes what QEMU is told about it, as pairs of an
 * option and its argument: on the command line at start; -device, -blockdev, -netdev and -object carry the
 * same JSON that device_add and its kin take when a device is plugged later.
 */
#pragma once

#include "base/err.h"
#include "model/domain/domain.h"
#include "virtqemud/build.h"
#include "virtqemud/caps.h"
#include "virtqemud/dev/props.h"

/*
 * A kind of device: where its list is in struct devices, and what is done with each device of it. Members may
 * be NULL. The table of kinds (kinds.c) is in the order of the command line.
 */
struct dev_kind {
    const char *name;
    uint32_t list;  /* offset of the vector, or of the only pointer */
    uint32_t count; /* offset of the count; 0: there is one at the most */
    /* The host's side: what must be there before QEMU runs. May wait. */
    int (*prepare)(struct req *rq, struct build *build, void *device);
    /* Options; nothing on the host is touched. Negative with err set. */
    int (*command)(struct build *build, void *device, struct err *err);
};
extern const struct dev_kind kind_disk, kind_controller, kind_ccid, kind_iface, kind_serial, kind_parallel,
    kind_channel, kind_console, kind_graphics, kind_video, kind_input, kind_sound, kind_audio, kind_balloon,
    kind_rng, kind_watchdog, kind_tpm, kind_panic, kind_vsock, kind_redirdev, kind_hub, kind_filesystem,
    kind_hostdev, kind_smartcard, kind_shmem, kind_memdev, kind_iommu, kind_crypto, kind_pstore;

#define DEV_LIST(member)                                                                                     \
    .list = offsetof(struct devices, member), .count = offsetof(struct devices, n_##member)
#define DEV_ONE(member) .list = offsetof(struct devices, member)

/* ---- the command line ---- */

void build_arg(struct build *build, const char *option,
               const char *value); /* copied; NULL: an option alone */
void build_argf(struct build *build, const char *option, const char *format, ...) PRINTF(3, 4);
void build_json(struct build *build, const char *option, struct props *props);
/* QEMU inherits fd and closes nothing; the build owns it now. Returns fd. */
int build_pass_fd(struct build *build, int fd);
/* How options name such a descriptor: by its number, or on the monitor by a name. In the arena. */
const char *build_fd_name(const struct build *build, int fd);
void build_close_fds(struct build *build);
void build_env(struct build *build, const char *name, const char *value);
/* Nothing more follows: both vectors end with NULL. */
void build_terminate(struct build *build);
/* ",name=value" with commas in value doubled, as option lists (not JSON) want it; NULL: nothing. */
void option_add(struct buf *option, const char *name, const char *value);
/* The first part of an option list: value alone, escaped. */
void option_value(struct buf *option, const char *value);

/* ---- what devices have in common ---- */

/* bus, addr (or port, unit ...), id, bootindex, acpi-index, rom. Negative with err set. */
int props_info(struct build *build, struct props *props, const struct device_info *info, struct err *err);
/* Only the address. */
int props_address(struct build *build, struct props *props, const struct device_info *info, struct err *err);
void props_virtio(struct props *props, const struct virtio_options *virtio);
/* Which threads serve which queues; nothing when it isn't said. */
void props_iothreads(struct props *props, struct iothread_map *const *maps, size_t count);
/* "virtio-net-pci", "-transitional" ... for the bus that the device sits on. In the build's arena. */
const char *virtio_driver(struct build *build, const char *name, enum virtio_model model);
/* Place in the boot order, from the device or from <os><boot>; 0: none. The latter is given to the first who
 * asks. */
uint32_t build_boot_index(struct build *build, const struct device_info *info, enum boot_device device);
/* Alias of the controller, which is also the name of its bus ("scsi0" -> "scsi0.0"); NULL with err set. */
const char *controller_bus(struct build *build, enum controller_type type, uint32_t index, struct err *err);

/* A chardev backend with id "char" + alias. */
int build_chardev(struct build *build, const char *id, const struct chardev_source *source, struct err *err);
/* ",reconnect..." where something is said about it. */
void reconnect_options(const struct build *build, struct buf *option, const struct reconnect *reconnect);
int prepare_chardev(struct req *rq, struct build *build, const char *alias, struct chardev_source *source,
                    const char *auto_name);

/* A socket of ours that QEMU serves: bound, owned by QEMU's user, listening. -1 with err set. */
int build_listen(struct build *build, const char *path, struct err *err);

/* -blockdev for a layer and all below it; name of the node on top in *ret_node. */
int build_storage(struct build *build, const struct disk *disk, struct storage *storage, bool readonly,
                  const char **ret_node, struct err *err);

/* "id": the name by which commands about block devices know the drive. */
void disk_qdev(const struct disk *disk, struct props *props);

/* ---- what QEMU says and is told once it runs (learn.c); negative with rq->err set ---- */

struct qmp;
int learn_cpu(struct req *rq, struct build *build, struct qmp *qmp);
int learn_chardevs(struct req *rq, struct build *build, struct qmp *qmp);
int learn_memory(struct req *rq, struct build *build, struct qmp *qmp);
/* Password of a display and how long it is valid. */
int graphics_set_password(struct req *rq, struct qmp *qmp, const struct graphics *graphics);
/* The limits of <iotune>. */
int disk_set_iotune(struct req *rq, struct qmp *qmp, const struct disk *disk);

/* ---- the machine itself ---- */

int build_machine(struct build *build, struct err *err);
int build_cpu(struct build *build, struct err *err);
/* host-model becomes the model that QEMU can show of this host. */
void cpu_choose(struct build *build);
int build_memory(struct build *build, struct err *err);
int build_boot(struct build *build, struct err *err);
int build_sysinfo(struct build *build, struct err *err);
/* The user's own options, and what goes with them. */
void build_native(struct build *build);
/* The JSON of a device with the properties that the user wants otherwise. */
const char *native_override(struct build *build, const char *device);

/* ---- what has to be given back ---- */

enum undo_kind { UNDO_FILE, UNDO_DIR, UNDO_TAP, UNDO_PROCESS, UNDO_COMMAND, UNDO_OWNER, UNDO_PCI, UNDO_PORT };
/* Remember something that build_prepare made: a file to remove, a network device, a helper (its pidfd is
 * taken). */
void build_remember(struct build *build, enum undo_kind kind, const char *name, int pidfd);
/* A command that takes something back; nobody waits for its end. */
void build_remember_command(struct build *build, const char *const *argv);
/* Undo what belongs to one device, and forget it. */
void build_undo_of(struct build *build, const void *owner);
/* What `from` remembers becomes build's own, as belonging to this device. */
void build_adopt(struct build *build, struct build *from, const void *owner);
/* Nodes of an image: each layer gets the next number. */
void build_number_storage(struct storage *layer, uint32_t *next);
/* Run a helper that lives as long as the machine; its output goes to log. Negative with err set. */
int build_spawn(struct build *build, const char *const *argv, const int *keep, unsigned count_keep,
                const char *log, struct err *err);
/*
 * Run a helper that goes to the background when it is ready; keep are descriptors that it inherits. Waits.
 * Negative with rq->err set, with the helper's own words.
 */
int helper_run(struct req *rq, const char *const *argv, const int *keep, unsigned count_keep, uint64_t usec);
/* Start a command and forget it. */
void helper_run_aside(const char *const *argv);
/* After a restart of the daemon: remember what an earlier one made. */
void graphics_found(struct build *build, const struct graphics *graphics);
/* QEMU listens, or never will. */
void graphics_unlock_ports(struct build *build);
void chardev_found(struct build *build, const struct chardev_source *source);
void tpm_found(struct build *build, const struct tpm *tpm);
/* An open file for QEMU: "/dev/fdset/N" for its options. */
const char *build_fdset(struct build *build, int fd);
