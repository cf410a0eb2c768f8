/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moment: lists of points in a machine's life, and their documents. */
#include "virsh/moment.h"

#include <time.h>

/* ---- lists ----------------------------------------------------------------------------------------------
 */

int moment_check_tree(struct cmd *cmd)
{
    static const char *const words[] = {"leaves", "no-leaves"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (cmd_has(cmd, "tree") && cmd_has(cmd, words[i]))
            return say_error(cmd, "--%s and --tree are mutually exclusive", words[i]);
    return 0;
}

static void list_tree(struct cmd *cmd, const struct moment *moments, size_t count)
{
    auto_free const char **names = NEW_ARRAY(const char *, count);
    auto_free const char **parent_names = NEW_ARRAY(const char *, count);
    auto_free int *parents = NEW_ARRAY(int, count);

    for (size_t i = 0; i < count; i++) {
        names[i] = moments[i].name;
        parent_names[i] = moments[i].parent;
    }
    find_parents(names, parent_names, count, parents);
    print_tree(cmd, names, parents, count);
}

void moment_list(struct cmd *cmd, const struct moment *moments, size_t count, bool with_state)
{
    bool parents = cmd_has(cmd, "parent");

    if (cmd_has(cmd, "tree")) {
        list_tree(cmd, moments, count);
        return;
    }
    if (cmd_has(cmd, "name")) {
        layout(cmd, LAYOUT_VALUE);
        open_array(cmd, NULL);
        for (size_t i = 0; i < count; i++)
            field(cmd, NULL, NULL, moments[i].name);
        return;
    }
    struct table *table =
        table_new(cmd, "name:Name", "created:Creation Time", with_state ? "state:State" : "!state:State",
                  parents ? "parent:Parent" : "!parent:Parent");

    for (size_t i = 0; i < count; i++) {
        time_t created = (time_t)moments[i].created;
        struct tm tm;
        char text[64] = "";

        if (created)
            strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", localtime_r(&created, &tm));
        table_row(table, moments[i].name, text, moments[i].state, moments[i].parent);
    }
    table_print(table, NULL);
}

/* ---- documents ------------------------------------------------------------------------------------------
 */

int moment_parse(struct cmd *cmd, const char *text, const char **ret_first, const struct moment_key *keys,
                 size_t count)
{
    auto_strv char **words = split_list(text);

    for (size_t i = 0; words[i]; i++) {
        const char *value = NULL, **slot = NULL;

        for (size_t k = 0; k < count && !value; k++)
            if ((i || !ret_first) && (value = str_after(words[i], keys[k].key))) {
                value = *keys[k].key == '/' ? words[i] : value;
                slot = keys[k].value;
            }
        if (!value && i == 0) {
            value = words[i];
            slot = ret_first;
        }
        if (!slot || *slot || !*value)
            return -1;
        *slot = cmd_printf(cmd, "%s", value);
    }
    return 0;
}

const char *moment_document(struct cmd *cmd, const char *root, int (*add_memory)(struct cmd *, struct buf *),
                            int (*add_disk)(struct cmd *, struct buf *, const char *spec))
{
    const char *name = NULL, *description = NULL;
    const char *const *disks = cmd_strings(cmd, "diskspec");
    auto_buf struct buf xml = {0};

    if (cmd_string(cmd, "name", &name) < 0 || cmd_string(cmd, "description", &description) < 0)
        return NULL;
    buf_printf(&xml, "<%s>\n", root);
    if (name)
        xml_text(&xml, "  ", "name", name);
    if (description)
        xml_text(&xml, "  ", "description", description);
    if (add_memory && add_memory(cmd, &xml) < 0)
        return NULL;
    if (*disks)
        buf_add_string(&xml, "  <disks>\n");
    for (const char *const *disk = disks; *disk; disk++)
        if (add_disk(cmd, &xml, *disk) < 0)
            return NULL;
    if (*disks)
        buf_add_string(&xml, "  </disks>\n");
    buf_printf(&xml, "</%s>\n", root);
    return cmd_printf(cmd, "%s", buf_text(&xml));
}

const char *moment_file(struct cmd *cmd, const char *empty)
{
    const char *file = NULL;

    if (cmd_string(cmd, "xmlfile", &file) < 0)
        return NULL;
    return file ? cmd_file(cmd, "xmlfile") : empty;
}
