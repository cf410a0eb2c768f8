/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients can do with volumes. */
#define ERR_FROM ERR_FROM_STORAGE
#include <libvirt/libvirt.h>

#include "protocol/remote.h"
#include "rpc/client.h"
#include "virtstoraged/pool.h"
#include "virtstoraged/storaged.h"
#include "virtstoraged/volume-life.h"

static int m_storage_vol_create_xml(struct req *rq, struct pool *pool,
                                    const struct remote_storage_vol_create_xml_in *in,
                                    struct remote_storage_vol_create_xml_out *out)
{
    auto_volume struct volume *volume = NULL;

    if (method_flags(rq, in->flags,
                     VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA | VIR_STORAGE_VOL_CREATE_VALIDATE) < 0 ||
        volume_create(rq, pool, in->xml, /* from= */ NULL, in->flags, &volume) < 0)
        return -1;
    out->vol = wire_of_volume(rq, volume);
    return 0;
}

static int m_storage_vol_create_xml_from(struct req *rq, struct pool *pool,
                                         const struct remote_storage_vol_create_xml_from_in *in,
                                         struct remote_storage_vol_create_xml_from_out *out)
{
    auto_volume struct volume *from = NULL;
    auto_volume struct volume *volume = NULL;
    struct volume *source;

    if (method_flags(rq, in->flags,
                     VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA | VIR_STORAGE_VOL_CREATE_REFLINK |
                         VIR_STORAGE_VOL_CREATE_VALIDATE) < 0)
        return -1;
    from = volume_type.find(rq, &in->clonevol, &rq->err);
    if (!from)
        return -1;
    source = from;
    if (volume_use(rq, &source) < 0 || volume_look(rq, source) < 0 ||
        volume_create(rq, pool, in->xml, source, in->flags, &volume) < 0)
        return -1;
    out->vol = wire_of_volume(rq, volume);
    return 0;
}

static int m_storage_vol_delete(struct req *rq, struct volume *volume,
                                const struct remote_storage_vol_delete_in *in,
                                struct remote_storage_vol_delete_out *out)
{
    return volume_use(rq, &volume) < 0 ? -1 : volume_delete(rq, volume, in->flags);
}

static int get_info(struct req *rq, struct volume *volume, bool physical, char *type, uint64_t *capacity,
                    uint64_t *allocation)
{
    if (volume_use(rq, &volume) < 0 || volume_look(rq, volume) < 0)
        return -1;
    /* the API's numbers begin with 0 */
    *type = (char)(volume->def->type - 1);
    *capacity = volume->def->capacity.value;
    *allocation = physical ? volume->def->physical.value : volume->def->allocation.value;
    return 0;
}

static int m_storage_vol_get_info(struct req *rq, struct volume *volume,
                                  const struct remote_storage_vol_get_info_in *in,
                                  struct remote_storage_vol_get_info_out *out)
{
    return get_info(rq, volume, /* physical= */ false, &out->type, &out->capacity, &out->allocation);
}

static int m_storage_vol_get_info_flags(struct req *rq, struct volume *volume,
                                        const struct remote_storage_vol_get_info_flags_in *in,
                                        struct remote_storage_vol_get_info_flags_out *out)
{
    if (method_flags(rq, in->flags, VIR_STORAGE_VOL_GET_PHYSICAL) < 0)
        return -1;
    return get_info(rq, volume, in->flags & VIR_STORAGE_VOL_GET_PHYSICAL, &out->type, &out->capacity,
                    &out->allocation);
}

static int m_storage_vol_get_xml_desc(struct req *rq, struct volume *volume,
                                      const struct remote_storage_vol_get_xml_desc_in *in,
                                      struct remote_storage_vol_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};

    if (method_flags(rq, in->flags, 0) < 0 || volume_use(rq, &volume) < 0 || volume_look(rq, volume) < 0)
        return -1;
    volume_format(volume->def, &text);
    out->xml = arena_strdup(&rq->arena, buf_text(&text));
    return 0;
}

static int m_storage_vol_get_path(struct req *rq, struct volume *volume,
                                  const struct remote_storage_vol_get_path_in *in,
                                  struct remote_storage_vol_get_path_out *out)
{
    if (volume_use(rq, &volume) < 0)
        return -1;
    out->name = arena_strdup(&rq->arena, volume->def->target.path);
    return 0;
}

static int m_storage_vol_resize(struct req *rq, struct volume *volume,
                                const struct remote_storage_vol_resize_in *in,
                                struct remote_storage_vol_resize_out *out)
{
    if (method_flags(rq, in->flags,
                     VIR_STORAGE_VOL_RESIZE_ALLOCATE | VIR_STORAGE_VOL_RESIZE_DELTA |
                         VIR_STORAGE_VOL_RESIZE_SHRINK) < 0 ||
        volume_use(rq, &volume) < 0)
        return -1;
    return volume_resize(rq, volume, in->capacity, in->flags);
}

static int m_storage_vol_wipe(struct req *rq, struct volume *volume,
                              const struct remote_storage_vol_wipe_in *in,
                              struct remote_storage_vol_wipe_out *out)
{
    if (method_flags(rq, in->flags, 0) < 0 || volume_use(rq, &volume) < 0)
        return -1;
    return volume_wipe(rq, volume, VIR_STORAGE_VOL_WIPE_ALG_ZERO);
}

static int m_storage_vol_wipe_pattern(struct req *rq, struct volume *volume,
                                      const struct remote_storage_vol_wipe_pattern_in *in,
                                      struct remote_storage_vol_wipe_pattern_out *out)
{
    if (method_flags(rq, in->flags, 0) < 0 || volume_use(rq, &volume) < 0)
        return -1;
    return volume_wipe(rq, volume, in->algorithm);
}

static int m_storage_vol_upload(struct req *rq, struct volume *volume,
                                const struct remote_storage_vol_upload_in *in,
                                struct remote_storage_vol_upload_out *out)
{
    if (method_flags(rq, in->flags, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM) < 0 || volume_use(rq, &volume) < 0)
        return -1;
    return volume_upload(rq, volume, in->offset, in->length);
}

static int m_storage_vol_download(struct req *rq, struct volume *volume,
                                  const struct remote_storage_vol_download_in *in,
                                  struct remote_storage_vol_download_out *out)
{
    if (method_flags(rq, in->flags, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM) < 0 ||
        volume_use(rq, &volume) < 0)
        return -1;
    return volume_download(rq, volume, in->offset, in->length);
}

const struct method volume_methods[] = {
    METHOD(remote, STORAGE_VOL_CREATE_XML, m_storage_vol_create_xml),
    METHOD(remote, STORAGE_VOL_CREATE_XML_FROM, m_storage_vol_create_xml_from),
    METHOD(remote, STORAGE_VOL_DELETE, m_storage_vol_delete),
    METHOD(remote, STORAGE_VOL_GET_INFO, m_storage_vol_get_info),
    METHOD(remote, STORAGE_VOL_GET_INFO_FLAGS, m_storage_vol_get_info_flags),
    METHOD(remote, STORAGE_VOL_GET_XML_DESC, m_storage_vol_get_xml_desc),
    METHOD(remote, STORAGE_VOL_GET_PATH, m_storage_vol_get_path),
    METHOD(remote, STORAGE_VOL_RESIZE, m_storage_vol_resize),
    METHOD(remote, STORAGE_VOL_WIPE, m_storage_vol_wipe),
    METHOD(remote, STORAGE_VOL_WIPE_PATTERN, m_storage_vol_wipe_pattern),
    METHOD(remote, STORAGE_VOL_UPLOAD, m_storage_vol_upload),
    METHOD(remote, STORAGE_VOL_DOWNLOAD, m_storage_vol_download),
    {0},
};
