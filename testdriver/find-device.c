/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_DOMAIN
#include "testdriver/find-device.h"

struct disk *find_disk(const struct domain *domain, const char *name)
{
    for (size_t i = 0; i < domain->devices.n_disks; i++) {
        struct disk *disk = domain->devices.disks[i];

        if (str_eq(disk->dst, name) || (disk->src.path && str_eq(disk->src.path, name)))
            return disk;
    }
    return NULL;
}

struct iface *find_iface(struct req *rq, const struct domain *domain, const char *name)
{
    for (size_t i = 0; i < domain->devices.n_ifaces; i++) {
        struct iface *iface = domain->devices.ifaces[i];
        struct mac mac;

        if (str_eq(iface->target, name) ||
            (mac_parse(name, &mac) == 0 && memcmp(&mac, &iface->mac, sizeof(mac)) == 0))
            return iface;
    }
    err_set(rq->err, ERR_INVALID_ARG, "'%s' is not a known interface", name);
    return NULL;
}
