/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volume: making, copying, resizing and wiping them. Their bytes: volume-data.c. */
#include <errno.h>

#include "base/enum.h"
#include "base/size.h"
#include "virsh/volume.h"

/* "16", "16M": bytes; -1 after telling, in the two lines that stock prints. */
static int to_size(struct cmd *cmd, const char *text, unsigned long long *ret)
{
    char *end;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);

    if (errno || end == text || strchr(text, '-'))
        return say_error(cmd, "Malformed size %s", text);
    uint64_t unit = size_unit(end, 1);

    if (unit && number <= UINT64_MAX / unit) {
        *ret = number * unit;
        return 0;
    }
    say_error(cmd, "Malformed size %s", text);
    if (!unit)
        return say_error(cmd, "invalid argument: unknown suffix '%s'", end);
    return say_error(cmd, "numerical overflow: value too large: %llu%s", number, end);
}

/* ---- new ones -------------------------------------------------------------------------------------------
 */

static int vol_create(struct cmd *cmd)
{
    virStoragePoolPtr pool = cmd_pool(cmd);
    const char *xml = pool ? cmd_file(cmd, "file") : NULL, *file = cmd_raw(cmd, "file");

    if (!xml)
        return -1;
    virStorageVolPtr volume = own_volume(cmd, virStorageVolCreateXML(pool, xml, cmd_flags(cmd)));

    if (!volume)
        return say_error(cmd, "Failed to create vol from %s", file);
    say(cmd, "Vol %s created from %s\n", virStorageVolGetName(volume), file);
    return 0;
}

const struct command cmd_vol_create = {
    "vol-create",
    "create a vol from an XML file",
    "Create a vol.",
    OPTIONS(ARG("pool", "pool name", VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, complete_pool),
            FILE_ARG("file containing an XML vol description"), PREALLOCATE,
            VALIDATE(VIR_STORAGE_VOL_CREATE_VALIDATE)),
    .run = vol_create,
};

/* The path of the volume that lies behind a new one; owned by cmd, NULL after telling. */
static const char *backing_path(struct cmd *cmd, virStoragePoolPtr pool, const char *name)
{
    virStorageVolPtr volume = virStorageVolLookupByName(pool, name);

    if (!volume)
        volume = virStorageVolLookupByKey(cmd_conn(cmd), name);
    if (!volume)
        volume = virStorageVolLookupByPath(cmd_conn(cmd), name);
    if (!volume) {
        say_error(cmd, "failed to get vol '%s'", name);
        return NULL;
    }
    forget_error();
    return cmd_own_text(cmd, virStorageVolGetPath(own_volume(cmd, volume)));
}

static int vol_create_as(struct cmd *cmd)
{
    const char *name = NULL, *size = NULL, *format = NULL, *backing = NULL, *backing_format = NULL;
    unsigned long long capacity = 0, allocation = 0;
    virStoragePoolPtr pool = cmd_pool(cmd);
    struct buf xml = {0};

    if (!pool || cmd_string(cmd, "name", &name) < 0 || cmd_string(cmd, "capacity", &size) < 0 ||
        to_size(cmd, size, &capacity) < 0)
        return -1;
    size = cmd_raw(cmd, "allocation");
    if (str_empty(size))
        size = NULL; /* as if it weren't there */
    if ((size && to_size(cmd, size, &allocation) < 0) || cmd_string(cmd, "format", &format) < 0 ||
        cmd_string(cmd, "backing-vol", &backing) < 0 ||
        cmd_string(cmd, "backing-vol-format", &backing_format) < 0)
        return -1;
    buf_add_string(&xml, "<volume>\n");
    xml_text(&xml, "  ", "name", name);
    buf_printf(&xml, "  <capacity>%llu</capacity>\n", capacity);
    if (size)
        buf_printf(&xml, "  <allocation>%llu</allocation>\n", allocation);
    if (format) {
        buf_add_string(&xml, "  <target>\n    <format");
        xml_attribute(&xml, "type", format);
        buf_add_string(&xml, "/>\n  </target>\n");
    }
    if (backing) {
        const char *path = backing_path(cmd, pool, backing);

        if (!path) {
            buf_done(&xml);
            return -1;
        }
        buf_add_string(&xml, "  <backingStore>\n");
        xml_text(&xml, "    ", "path", path);
        if (backing_format) {
            buf_add_string(&xml, "    <format");
            xml_attribute(&xml, "type", backing_format);
            buf_add_string(&xml, "/>\n");
        }
        buf_add_string(&xml, "  </backingStore>\n");
    }
    buf_add_string(&xml, "</volume>\n");
    const char *document = cmd_own_text(cmd, buf_steal(&xml));

    if (cmd_has(cmd, "print-xml")) {
        field_verbatim(cmd, "xml", document);
        return 0;
    }
    if (!own_volume(cmd, virStorageVolCreateXML(pool, document, cmd_flags(cmd))))
        return say_error(cmd, "Failed to create vol %s", name);
    say(cmd, "Vol %s created\n", name);
    return 0;
}

const struct command cmd_vol_create_as = {
    "vol-create-as",
    "create a volume from a set of args",
    "Create a vol.",
    OPTIONS(ARG("pool", "pool name", VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, complete_pool),
            ARG("name", "name of the volume"),
            ARG("capacity", "size of the vol, as scaled integer (default bytes)"),
            STRING("allocation", "initial allocation size, as scaled integer (default bytes)"),
            STRING("format", "file format type raw,bochs,qcow,qcow2,qed,vmdk",
                   .words = "raw,bochs,qcow,qcow2,qed,vmdk"),
            STRING("backing-vol", "the backing volume if taking a snapshot"),
            STRING("backing-vol-format", "format of backing volume if taking a snapshot"), PREALLOCATE,
            FLAG("print-xml", 0, "print XML document, but don't define/create")),
    .run = vol_create_as,
    .json = "{message: string?, xml: string?}",
};

static int vol_create_from(struct cmd *cmd)
{
    virStoragePoolPtr pool = cmd_pool(cmd);
    const char *file = NULL;

    if (!pool || cmd_string(cmd, "file", &file) < 0)
        return -1;
    virStorageVolPtr input = cmd_volume_by(cmd, "inputpool", VOLUME_NAME | VOLUME_KEY | VOLUME_PATH);
    const char *xml = input ? cmd_file(cmd, "file") : NULL;

    if (!xml)
        return -1;
    virStorageVolPtr volume = own_volume(cmd, virStorageVolCreateXMLFrom(pool, xml, input, cmd_flags(cmd)));

    if (!volume)
        return say_error(cmd, "Failed to create vol from %s", cmd_raw(cmd, "file"));
    say(cmd, "Vol %s created from input vol %s\n", virStorageVolGetName(volume), virStorageVolGetName(input));
    return 0;
}

const struct command cmd_vol_create_from = {
    "vol-create-from",
    "create a vol, using another volume as input",
    "Create a vol from an existing volume.",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE), FILE_ARG("file containing an XML vol description"),
            VOLUME,
            STRING("inputpool", "pool name or uuid of the input volume's pool",
                   VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, complete_pool),
            PREALLOCATE, REFLINK, VALIDATE(VIR_STORAGE_VOL_CREATE_VALIDATE)),
    .run = vol_create_from,
};

static int vol_clone(struct cmd *cmd)
{
    virStorageVolPtr volume = cmd_volume(cmd);
    const char *name = NULL;

    if (!volume)
        return -1;
    virStoragePoolPtr pool = own_pool(cmd, virStoragePoolLookupByVolume(volume));

    if (!pool)
        return say_error(cmd, "failed to get parent pool");
    if (cmd_string(cmd, "newname", &name) < 0)
        return -1;
    const char *from = virStorageVolGetName(volume);
    char *document = cmd_own_text(cmd, virStorageVolGetXMLDesc(volume, 0));
    const struct xml_change rename = {"name", NULL, name};
    char *xml = document ? xml_changed(cmd, document, &rename, 1) : NULL;

    if (!xml)
        return -1;
    if (cmd_has(cmd, "print-xml")) {
        field_verbatim(cmd, "xml", xml);
        return 0;
    }
    virStorageVolPtr clone = own_volume(cmd, virStorageVolCreateXMLFrom(pool, xml, volume, cmd_flags(cmd)));

    if (!clone)
        return say_error(cmd, "Failed to clone vol from %s", from);
    say(cmd, "Vol %s cloned from %s\n", virStorageVolGetName(clone), from);
    return 0;
}

const struct command cmd_vol_clone = {
    "vol-clone",
    "clone a volume.",
    "Clone an existing volume within the parent pool.",
    OPTIONS(VOLUME, ARG("newname", "clone name"), IN_POOL, PREALLOCATE, REFLINK,
            FLAG("print-xml", 0, "print XML document rather than clone the volume")),
    .run = vol_clone,
    .json = "{message: string?, xml: string?}",
};

/* ---- changed ones ---------------------------------------------------------------------------------------
 */

static int vol_resize(struct cmd *cmd)
{
    unsigned flags = cmd_flags(cmd);
    unsigned long long capacity;
    virStorageVolPtr volume = cmd_volume(cmd);
    const char *size = NULL;

    if (!volume || cmd_string(cmd, "capacity", &size) < 0)
        return -1;
    if (*size == '-') {
        if (!cmd_has(cmd, "shrink"))
            return say_error(cmd, "negative size requires --shrink");
        size++;
        flags |= VIR_STORAGE_VOL_RESIZE_DELTA;
    }
    if (to_size(cmd, size, &capacity) < 0)
        return -1;
    const char *how = flags & VIR_STORAGE_VOL_RESIZE_DELTA ? "by" : "to";
    const char *name = virStorageVolGetName(volume);

    if (virStorageVolResize(volume, capacity, flags) < 0)
        return say_error(cmd, "Failed to change size of volume '%s' %s %s", name, how, size);
    say(cmd, "Size of volume '%s' successfully changed %s %s\n", name, how, size);
    return 0;
}

const struct command cmd_vol_resize = {
    "vol-resize",
    "resize a vol",
    "Resizes a storage volume. This is safe only for storage volumes not in use by an active guest.\n"
    "See blockresize for live resizing.",
    OPTIONS(VOLUME, ARG("capacity", "new capacity for the vol, as scaled integer (default bytes)"), IN_POOL,
            FLAG("allocate", VIR_STORAGE_VOL_RESIZE_ALLOCATE,
                 "allocate the new capacity, rather than leaving it sparse"),
            FLAG("delta", VIR_STORAGE_VOL_RESIZE_DELTA,
                 "use capacity as a delta to current size, rather than the new size"),
            FLAG("shrink", VIR_STORAGE_VOL_RESIZE_SHRINK, "allow the resize to shrink the volume")),
    .run = vol_resize,
};

/* By VIR_STORAGE_VOL_WIPE_ALG_*. */
static const char *const wipe_names[] = {"zero",      "nnsa",       "dod",    "bsi",  "gutmann", "schneier",
                                         "pfitzner7", "pfitzner33", "random", "trim", NULL};

static int vol_wipe(struct cmd *cmd)
{
    virStorageVolPtr volume = cmd_volume(cmd);
    const char *word = NULL;
    int algorithm = VIR_STORAGE_VOL_WIPE_ALG_ZERO;

    if (!volume || cmd_string(cmd, "algorithm", &word) < 0)
        return -1;
    if (word && (algorithm = enum_find(wipe_names, word)) < 0)
        return say_error(cmd, "Unsupported algorithm '%s'", word);
    const char *name = virStorageVolGetName(volume);

    if ((algorithm ? virStorageVolWipePattern(volume, (unsigned)algorithm, 0)
                   : virStorageVolWipe(volume, 0)) < 0)
        return say_error(cmd, "Failed to wipe vol %s", name);
    say(cmd, "Vol %s wiped\n", name);
    return 0;
}

const struct command cmd_vol_wipe = {
    "vol-wipe",
    "wipe a vol",
    "Ensure data previously on a volume is not accessible to future reads",
    OPTIONS(VOLUME, IN_POOL,
            STRING("algorithm", "perform selected wiping algorithm",
                   .words = "zero,nnsa,dod,bsi,gutmann,schneier,pfitzner7,pfitzner33,random,trim")),
    .run = vol_wipe,
};
