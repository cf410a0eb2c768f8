/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Context: a stack and where execution stands on it. A few lines of assembly where we have them (a switch
 * costs a dozen instructions and no system call), ucontext elsewhere (two system calls a switch). Used by
 * fiber.c alone.
 */
#pragma once

#include <stddef.h>

/* glibc's makecontext knows about shadow stacks, the assembly doesn't */
#if (defined(__x86_64__) && !(defined(__CET__) && (__CET__ & 2))) || defined(__aarch64__)
#define CONTEXT_ASSEMBLY 1
struct context {
    void *stack_pointer;
};
#else
#define CONTEXT_ASSEMBLY 0
#include <ucontext.h>
struct context {
    ucontext_t ucontext;
};
#endif

/*
 * The first switch to ret calls entry(), which must never return, on the given stack (16-byte aligned
 * ends). /
 */
void context_make(struct context *ret, void *stack, size_t size, void (*entry)(void));
/* Store where we are in `from`, go on at `to`; returns when somebody switches to `from`. */
void context_switch(struct context *from, struct context *to);
