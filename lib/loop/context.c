/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/context.h"

#include <stdint.h>

/*
 * Only what the calling convention says a function must preserve is saved; the rest is dead across the call.
 * The floating point control words count as preserved too, but nothing in this project changes them.
 */
#if CONTEXT_ASSEMBLY && defined(__x86_64__)

/* clang-format off */
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl context_switch\n"
    ".hidden context_switch\n"
    ".type context_switch, @function\n"
    "context_switch:\n"
    "    pushq %rbp\n"
    "    pushq %rbx\n"
    "    pushq %r12\n"
    "    pushq %r13\n"
    "    pushq %r14\n"
    "    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq (%rsi), %rsp\n"
    "    popq %r15\n"
    "    popq %r14\n"
    "    popq %r13\n"
    "    popq %r12\n"
    "    popq %rbx\n"
    "    popq %rbp\n"
    "    ret\n"
    ".size context_switch, .-context_switch\n");
/* clang-format on */

enum { SAVED = 6 }; /* registers above */

void context_make(struct context *ret, void *stack, size_t size, void (*entry)(void))
{
    uintptr_t *top = (uintptr_t *)((char *)stack + size);

    /* entry's return address: the end for whoever unwinds; also makes the alignment that of a call */
    *--top = 0;
    *--top = (uintptr_t)entry;
    for (int i = 0; i < SAVED; i++)
        *--top = 0;
    ret->stack_pointer = top;
}

#elif CONTEXT_ASSEMBLY && defined(__aarch64__)

/* clang-format off */
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl context_switch\n"
    ".hidden context_switch\n"
    ".type context_switch, %function\n"
    "context_switch:\n"
    "    stp x29, x30, [sp, #-160]!\n"
    "    stp x19, x20, [sp, #16]\n"
    "    stp x21, x22, [sp, #32]\n"
    "    stp x23, x24, [sp, #48]\n"
    "    stp x25, x26, [sp, #64]\n"
    "    stp x27, x28, [sp, #80]\n"
    "    stp d8, d9, [sp, #96]\n"
    "    stp d10, d11, [sp, #112]\n"
    "    stp d12, d13, [sp, #128]\n"
    "    stp d14, d15, [sp, #144]\n"
    "    mov x9, sp\n"
    "    str x9, [x0]\n"
    "    ldr x9, [x1]\n"
    "    mov sp, x9\n"
    "    ldp x19, x20, [sp, #16]\n"
    "    ldp x21, x22, [sp, #32]\n"
    "    ldp x23, x24, [sp, #48]\n"
    "    ldp x25, x26, [sp, #64]\n"
    "    ldp x27, x28, [sp, #80]\n"
    "    ldp d8, d9, [sp, #96]\n"
    "    ldp d10, d11, [sp, #112]\n"
    "    ldp d12, d13, [sp, #128]\n"
    "    ldp d14, d15, [sp, #144]\n"
    "    ldp x29, x30, [sp], #160\n"
    "    ret\n"
    ".size context_switch, .-context_switch\n");
/* clang-format on */

enum { SAVED = 20 }; /* eight-byte slots above; the first two are the frame pointer and the return address */

void context_make(struct context *ret, void *stack, size_t size, void (*entry)(void))
{
    uintptr_t *top = (uintptr_t *)((char *)stack + size);

    for (int i = 0; i < SAVED; i++)
        *--top = 0;
    top[1] = (uintptr_t)entry;
    ret->stack_pointer = top;
}

#else

#include <stdlib.h>

void context_make(struct context *ret, void *stack, size_t size, void (*entry)(void))
{
    if (getcontext(&ret->ucontext) < 0)
        abort();
    ret->ucontext.uc_stack.ss_sp = stack;
    ret->ucontext.uc_stack.ss_size = size;
    ret->ucontext.uc_link = NULL;
    makecontext(&ret->ucontext, entry, 0);
}

void context_switch(struct context *from, struct context *to)
{
    if (swapcontext(&from->ucontext, &to->ucontext) < 0)
        abort();
}

#endif
