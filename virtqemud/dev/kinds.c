/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kinds: every kind of device, in the order of the command line; and the walk over a machine's devices. */
#define ERR_FROM ERR_FROM_QEMU

#include "virtqemud/dev/kinds.h"

#include "virtqemud/dev/dev.h"

/* Buses come before what sits on them; backends of sound before displays and cards that use them. */
static const struct dev_kind *const kinds[] = {
    &kind_iommu,    &kind_controller, &kind_hub,     &kind_ccid,     &kind_disk,    &kind_filesystem,
    &kind_iface,    &kind_smartcard,  &kind_serial,  &kind_parallel, &kind_channel, &kind_console,
    &kind_tpm,      &kind_input,      &kind_audio,   &kind_graphics, &kind_video,   &kind_sound,
    &kind_watchdog, &kind_redirdev,   &kind_hostdev, &kind_balloon,  &kind_rng,     &kind_panic,
    &kind_shmem,    &kind_memdev,     &kind_vsock,   &kind_crypto,   &kind_pstore,
};

/* Where the devices of a kind are, as a vector. */
static size_t devices_of(struct build *build, const struct dev_kind *kind, void ***ret_list)
{
    char *devices = (char *)&build->domain->devices;

    if (!kind->count) {
        *ret_list = (void **)(devices + kind->list);
        return **ret_list ? 1 : 0;
    }
    *ret_list = *(void ***)(devices + kind->list);
    return *(size_t *)(devices + kind->count);
}

int kinds_prepare(struct req *rq, struct build *build)
{
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        void **list;
        size_t count = devices_of(build, kinds[k], &list);

        for (size_t i = 0; kinds[k]->prepare && i < count; i++) {
            build->owner = list[i];
            if (kinds[k]->prepare(rq, build, list[i]) < 0)
                return -1;
        }
    }
    build->owner = NULL;
    return 0;
}

int kinds_command(struct build *build, struct err *err)
{
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        void **list;
        size_t count = devices_of(build, kinds[k], &list);

        for (size_t i = 0; i < count; i++) {
            build->owner = list[i];
            if (kinds[k]->command(build, list[i], err) < 0)
                return -1;
        }
    }
    build->owner = NULL;
    return 0;
}

const struct dev_kind *kind_by_name(const char *name)
{
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
        if (!strcmp(kinds[k]->name, name))
            return kinds[k];
    return NULL;
}
