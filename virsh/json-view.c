/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Json view: somebody else's JSON (QEMU's, an agent's) cut and laid out without being understood further than
 * its brackets and strings; what isn't JSON comes out as it went in.
 */
#include "virsh/virsh.h"

/* Behind the string that begins here. */
static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    return *at ? at + 1 : at;
}

/* Behind the value that begins here. */
static const char *skip_value(const char *at)
{
    int depth = 0;
    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        if (strchr("{[", *at))
            depth++;
        else if (strchr("}]", *at) && --depth < 0)
            return at;
        else if (depth == 0 && strchr(", \t\n\r", *at))
            return at;
        at++;
    } while (*at && (depth > 0 || !strchr(",}] \t\n\r", *at)));
    return at;
}

static const char *skip_blank(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* The value of a member of the outermost object; NULL: there is none. */
static const char *find_member(const char *document, const char *member, size_t *ret_length)
{
    const char *at = skip_blank(document);
    if (*at++ != '{')
        return NULL;
    while (*(at = skip_blank(at)) == '"') {
        const char *end = skip_string(at);
        bool found = (size_t)(end - at) == strlen(member) + 2 && !strncmp(at + 1, member, strlen(member));
        at = skip_blank(end);
        if (*at++ != ':')
            return NULL;
        at = skip_blank(at);
        end = skip_value(at);
        *ret_length = (size_t)(end - at);
        if (found)
            return at;
        at = skip_blank(end);
        at += *at == ',';
    }
    return NULL;
}

/* A line for each member; an empty container has an empty line, as stock prints it. */
static void lay_out(const char *at, struct buf *out)
{
    bool fresh = false; /* a line was begun and has nothing yet */
    for (int depth = 0; *(at = skip_blank(at));) {
        const char *end = *at == '"' ? skip_string(at) : at + 1;
        if (strchr("}]", *at) && depth)
            buf_printf(out, "\n%*s", --depth * 2, "");
        else if (fresh)
            buf_printf(out, "%*s", depth * 2, "");
        buf_add(out, at, (size_t)(end - at));
        depth += strchr("{[", *at) != NULL;
        fresh = strchr("{[,", *at) != NULL;
        if (fresh)
            buf_add_char(out, '\n');
        else if (*at == ':')
            buf_add_char(out, ' ');
        at = end;
    }
}

char *json_view(struct cmd *cmd, const char *document, const char *member, bool pretty)
{
    size_t length = strlen(document);
    const char *value = member ? find_member(document, member, &length) : document;
    if (!value)
        return NULL;
    char *plain = cmd_printf(cmd, "%.*s", (int)length, value);
    if (!pretty)
        return plain;
    struct buf out = {0};
    lay_out(plain, &out);
    return cmd_own_text(cmd, buf_steal(&out));
}
