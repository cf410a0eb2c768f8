/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/roff.h"

#include <ctype.h>
#include <stdio.h>

#include "config.h"

void roff_title(const char *name, int section)
{
    fputs(".TH ", stdout);
    for (const char *at = name; *at; at++)
        putchar(toupper((unsigned char)*at));
    printf(" %d \"\" \"%s %s\"\n", section, PACKAGE_NAME, PACKAGE_VERSION);
}

void roff_text(const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '\\')
            fputs("\\e", stdout);
        else if (*at == '-')
            fputs("\\-", stdout);
        else if (at == text && (*at == '.' || *at == '\''))
            printf("\\&%c", *at);
        else
            putchar(*at);
    }
}

void roff_item(const char *term, const char *text)
{
    fputs(".TP\n.B ", stdout);
    roff_text(term);
    putchar('\n');
    roff_text(text);
    putchar('\n');
}
