/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Heap memory. One rule: when the system has no memory left the process stops with a message; no caller
 * checks for NULL. Sizes that come from outside are checked against a limit before they get here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CLEANUP(function) __attribute__((cleanup(function)))
#define PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#define UNUSED __attribute__((unused))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* A name that no other line of the file uses: for hidden variables of macros. */
#define UNIQUE(name) CONCAT_(name, __LINE__)
#define CONCAT_(a, b) CONCAT__(a, b)
#define CONCAT__(a, b) a##_##b

/* Local that is free()d at the end of its scope: `auto_free char *path = NULL;` */
#define auto_free CLEANUP(mem_freep)

/* A zeroed object; owned by the caller, released with free(). */
#define NEW(type) ((type *)mem_zalloc(sizeof(type)))
#define NEW_ARRAY(type, count) ((type *)mem_zalloc_array((count), sizeof(type)))

/* Hand ownership on: yields the pointer and leaves NULL behind. */
#define TAKE(pointer)                                                                                        \
    __extension__({                                                                                          \
        __typeof__(pointer) taken_ = (pointer);                                                              \
        (pointer) = NULL;                                                                                    \
        taken_;                                                                                              \
    })

void *mem_zalloc(size_t size);
void *mem_zalloc_array(size_t count, size_t size);
void *mem_resize_array(void *array, size_t count, size_t size);

/* Copies; NULL stays NULL. */
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t max);
void *mem_dup(const void *data, size_t size);
char *mem_printf(const char *format, ...) PRINTF(1, 2);

/* Give memory that is free back to the system (after many objects went away). */
void mem_trim(void);

/* Overwrite with zeros in a way that the compiler keeps. */
void mem_wipe(void *data, size_t size);
/*
 * While true, buffers and arenas overwrite what they give back or use again: for a process through whose
 * frames and requests secrets pass. Set once, before there is any.
 */
extern bool mem_wiping;

static inline void mem_freep(void *pointer)
{
    free(*(void **)pointer);
}
