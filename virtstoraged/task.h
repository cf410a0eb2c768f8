/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Task: what a worker thread does to files, with everything that it needs and finds. The first member of its
 * struct. The worker and whoever waits both hold it: when the wait ends early, the worker finishes alone and
 * what it found is dropped. Between task_run's begin and its success only the worker touches the struct.
 */
#pragma once

#include "loop/work.h"

struct task {
    int (*run)(struct task *task);   /* any thread; 0 or negative with err set */
    void (*free)(struct task *task); /* the loop's thread */
    struct err err;                  /* why it failed */
    unsigned references;
};

/* Starts with one reference, the caller's. */
void task_init(struct task *task, int (*run)(struct task *task), void (*free)(struct task *task));
/* Run and wait; what says for people what may hang ("the files of pool 'a'"). Negative with rq->err set. */
int task_run(struct req *rq, struct task *task, uint64_t usec, const char *what);
void task_unref(struct task *task);
