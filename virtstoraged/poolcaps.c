/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtstoraged/poolcaps.h"

#include "virtstoraged/backend.h"

static void format_options(struct buf *text, const char *element, const char *name,
                           const char *const *formats, const char *default_format)
{
    if (!formats)
        return;
    buf_printf(text, "    <%s>\n      <defaultFormat type='%s'/>\n      <enum name='%s'>\n", element,
               default_format, name);
    for (; *formats; formats++)
        buf_printf(text, "        <value>%s</value>\n", *formats);
    buf_printf(text, "      </enum>\n    </%s>\n", element);
}

void poolcaps_format(struct buf *text)
{
    buf_add_string(text, "<storagepoolCapabilities>\n");
    for (int type = POOL_UNSET + 1; type < POOL_TYPE_MAX; type++) {
        const struct pool_kind *kind = &pool_kinds[type];

        buf_printf(text, "  <pool type='%s' supported='%s'>\n", pool_type_names[type],
                   backends[type] ? "yes" : "no");
        format_options(text, "poolOptions", "sourceFormatType", kind->formats, kind->default_format);
        format_options(text, "volOptions", "targetFormatType", kind->volume_formats,
                       kind->default_volume_format);
        buf_add_string(text, "  </pool>\n");
    }
    buf_add_string(text, "</storagepoolCapabilities>\n");
}
