/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/enum.h"

#include <string.h>

int enum_find(const char *const *names, const char *name)
{
    if (!name || !*name)
        return -1;
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

const char *enum_name(const char *const *names, int value)
{
    /* walk: the table's length is known only by its end */
    for (int i = 0; names[i]; i++)
        if (i == value)
            return names[i];
    return "";
}

int enum_count(const char *const *names)
{
    int n = 0;

    while (names[n])
        n++;
    return n;
}
