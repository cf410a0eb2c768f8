/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roff: pieces of manual pages, printed on stdout, from plain text. */
#pragma once

/* ".TH": what the page is about and its section, 1 or 8. */
void roff_title(const char *name, int section);
/* Text that is shown as it is. */
void roff_text(const char *text);
/* A term, and what is to be said of it. */
void roff_item(const char *term, const char *text);
