/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/iothread.h"

#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/process.h"
#include "virtqemud/qmp.h"

struct pin *iothread_pin(const struct vcpus *vcpus, uint32_t id)
{
    for (size_t i = 0; i < vcpus->tune.n_iothreadpins; i++)
        if (vcpus->tune.iothreadpins[i]->id.value == id)
            return vcpus->tune.iothreadpins[i];
    return NULL;
}

const struct run_iothread *iothread_running(const struct run *run, uint32_t id)
{
    for (unsigned i = 0; i < run->count_iothreads; i++)
        if (run->iothreads[i].id == id)
            return &run->iothreads[i];
    return NULL;
}

int iothread_learn(struct req *rq, struct vm *vm)
{
    auto_json struct json_object *list = NULL;
    struct run *run = vm->run;
    struct qmp *qmp;
    size_t count;

    run->count_iothreads = 0;
    if (!run->domain->vcpus.n_iothreads)
        return 0;
    qmp = vm_monitor(rq, vm);
    if (!qmp || qmp_call(rq, qmp, "query-iothreads", NULL, &list, SECONDS(30)) < 0)
        return -1;
    if (vm->run != run)
        return vm_check_active(rq, vm);
    count = json_count(list);
    run->iothreads = ARENA_ARRAY(&run->arena, struct run_iothread, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct json_object *thread = json_object_array_get_idx(list, i);
        const char *number = str_after(json_string(thread, "id"), "iothread");
        struct run_iothread *place = &run->iothreads[run->count_iothreads];

        if (!number || str_to_u32(number, &place->id) < 0)
            continue; /* of the qemu namespace: not ours */
        place->thread = process_thread(run->pid, json_int(thread, "thread-id", 0));
        run->count_iothreads++;
    }
    return 0;
}
