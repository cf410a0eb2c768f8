/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vsock: rows of <vsock>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/vsock.h"

static int vsock_finish(struct xt_parse *parse, void *object)
{
    struct vsock *vsock = object;

    if (vsock->cid && vsock->cid < 3)
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "guest CIDs must be >= 3");
    if (!vsock->auto_cid)
        vsock->auto_cid = tri(!vsock->cid);
    /* a CID that was chosen belongs to the run */
    if (vsock->auto_cid == TRI_YES && parse->flags & XT_PARSE_INACTIVE)
        vsock->cid = 0;
    return 0;
}

/* clang-format off */
#define T struct vsock
XT_DEFINE(vsock_table, "vsock", vsock_finish,
    XT_ENUM(T, model, "model", virtio_model_names, XT_ABI),
    XT_GROUP("cid", 0,
        XT_ATTR(T, auto_cid, "auto", yesno, 0),
        XT_ATTR(T, cid, "address", u32, 0)),
    XT_EMBED(T, info, NULL, device_info_table, 0),
    XT_GROUP("driver", 0, XT_EMBED(T, virtio, NULL, virtio_options_table, 0)));
#undef T
