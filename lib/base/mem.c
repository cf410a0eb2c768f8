/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

bool mem_wiping;

static _Noreturn void out_of_memory(void)
{
    static const char text[] = "out of memory\n";
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    abort();
}

static void *check(void *pointer)
{
    if (!pointer)
        out_of_memory();
    return pointer;
}

void *mem_zalloc(size_t size)
{
    return check(calloc(1, size ? size : 1));
}

void *mem_zalloc_array(size_t count, size_t size)
{
    return check(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize_array(void *array, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory();
    return check(realloc(array, bytes ? bytes : 1));
}

char *mem_strdup(const char *text)
{
    return text ? check(strdup(text)) : NULL;
}

char *mem_strndup(const char *text, size_t max)
{
    return text ? check(strndup(text, max)) : NULL;
}

void *mem_dup(const void *data, size_t size)
{
    void *copy = mem_zalloc(size);

    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        out_of_memory();
    va_end(args);
    return text;
}

void mem_wipe(void *data, size_t size)
{
    if (data)
        explicit_bzero(data, size);
}

void mem_trim(void)
{
    malloc_trim(0);
}
