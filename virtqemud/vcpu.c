/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vcpu: see vcpu.h. */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "base/file.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/iothread.h"
#include "virtqemud/limits.h"
#include "virtqemud/process.h"
#include "virtqemud/qmp.h"
#include "virtqemud/status.h"

#define UNPLUG_USEC SECONDS(5) /* a guest that gave no CPU back by then may do so later, or never */

void vcpu_learn(struct run *run, struct json_object *list)
{
    size_t count = json_count(list);
    unsigned max = run->domain->vcpus.max;

    if (run->count_vcpus != max) {
        run->vcpus = ARENA_ARRAY(&run->arena, struct run_vcpu, max);
        run->count_vcpus = max;
    }
    for (unsigned i = 0; i < max; i++)
        run->vcpus[i].online = false;
    for (size_t i = 0; i < count; i++) {
        struct json_object *cpu = json_object_array_get_idx(list, i);
        uint64_t index = json_uint(cpu, "cpu-index", UINT64_MAX);

        if (index >= max)
            continue;
        run->vcpus[index].online = true;
        run->vcpus[index].thread = process_thread(run->pid, json_int(cpu, "thread-id", 0));
    }
}

/* Row: a policy's number in the kernel. */
static const int policies[SCHED_POLICY_MAX] = {
    [SCHED_POLICY_BATCH] = SCHED_BATCH,
    [SCHED_POLICY_IDLE] = SCHED_IDLE,
    [SCHED_POLICY_FIFO] = SCHED_FIFO,
    [SCHED_POLICY_RR] = SCHED_RR,
};

static int set_policy(struct req *rq, pid_t thread, const struct sched *sched)
{
    struct sched_param param = {.sched_priority = sched->priority.value};

    if (sched_setscheduler(thread, policies[sched->policy], &param) < 0 && errno != ESRCH)
        return err_system(&rq->err, errno, "Cannot set scheduler parameters for pid %d", thread);
    return 0;
}

/* One thread of a kind: the processors that it may use (NULL: any), and how it is scheduled there. */
static int settle(struct req *rq, const struct run *run, const char *group, pid_t thread, uint32_t id,
                  const struct bitmap *cpus, struct sched *const *scheds, size_t count)
{
    if (!thread)
        return 0;
    if (cpus && limits_pin(run, group, thread, cpus, &rq->err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if ((!scheds[i]->ids || bitmap_get(scheds[i]->ids, id)) && set_policy(rq, thread, scheds[i]) < 0)
            return -1;
    return 0;
}

static bool is_emulator(const struct run *run, pid_t thread)
{
    for (unsigned i = 0; i < run->count_vcpus; i++)
        if (run->vcpus[i].thread == thread)
            return false;
    for (unsigned i = 0; i < run->count_iothreads; i++)
        if (run->iothreads[i].thread == thread)
            return false;
    return true;
}

/* All that is nobody else's: QEMU's own threads were there before anybody could pin their parent. */
static int settle_emulator(struct req *rq, const struct run *run)
{
    const struct vcpus *vcpus = &run->domain->vcpus;
    const struct bitmap *cpus = vcpus->tune.emulatorpin ? vcpus->tune.emulatorpin : vcpus->cpus;
    auto_free char *path = mem_printf("/proc/%d/task", run->pid);
    auto_strv char **threads = NULL;
    uint32_t thread;

    if (settle(rq, run, "emulator", run->pid, 0, cpus, &vcpus->tune.emulatorsched,
               vcpus->tune.emulatorsched != NULL) < 0)
        return -1;
    if (!cpus || file_list(AT_FDCWD, path, &threads) < 0)
        return 0;
    for (char **name = threads; *name; name++)
        if (str_to_u32(*name, &thread) == 0 && is_emulator(run, (pid_t)thread) &&
            limits_pin(run, "emulator", (pid_t)thread, cpus, &rq->err) < 0)
            return -1;
    return 0;
}

int vcpu_settle(struct req *rq, struct vm *vm)
{
    struct run *run = vm->run;
    const struct vcpus *vcpus = &run->domain->vcpus;
    const struct cputune *tune = &vcpus->tune;
    char group[32];

    if (settle_emulator(rq, run) < 0)
        return -1;
    for (unsigned i = 0; i < run->count_vcpus; i++) {
        const struct pin *pin = vcpus_pin(vcpus, i);

        snprintf(group, sizeof(group), "vcpu%u", i);
        if (run->vcpus[i].online &&
            settle(rq, run, group, run->vcpus[i].thread, i, pin ? pin->cpus : vcpus->cpus, tune->vcpuscheds,
                   tune->n_vcpuscheds) < 0)
            return -1;
    }
    for (unsigned i = 0; i < run->count_iothreads; i++) {
        const struct pin *pin = iothread_pin(vcpus, run->iothreads[i].id);

        snprintf(group, sizeof(group), "iothread%u", run->iothreads[i].id);
        if (settle(rq, run, group, run->iothreads[i].thread, run->iothreads[i].id,
                   pin ? pin->cpus : vcpus->cpus, tune->iothreadscheds, tune->n_iothreadscheds) < 0)
            return -1;
    }
    return 0;
}

/* One place for a CPU, as query-hotpluggable-cpus gives it. */
static int plug_one(struct req *rq, struct qmp *qmp, struct json_object *slot, unsigned number)
{
    struct json_object *props = json_get(slot, "props");
    auto_buf struct buf args = {0};

    if (!json_string(slot, "type") || !json_object_is_type(props, json_type_object))
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "QEMU does not say how processor %u is plugged", number);
    json_add(&args, "{'driver':%s,'id':%s", json_string(slot, "type"),
             arena_printf(&rq->arena, "vcpu%u", number));
    json_object_object_foreach(props, key, value)
    {
        json_add(&args, ",%s:", key);
        buf_add_string(&args, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
    }
    buf_add_char(&args, '}');
    return qmp_call(rq, qmp, "device_add", buf_text(&args), NULL, SECONDS(30));
}

static int learn_again(struct req *rq, struct vm *vm)
{
    auto_json struct json_object *list = NULL;
    struct qmp *qmp = vm_monitor(rq, vm);

    if (!qmp || qmp_call(rq, qmp, "query-cpus-fast", NULL, &list, SECONDS(30)) < 0)
        return -1;
    if (vm_check_active(rq, vm) < 0)
        return -1;
    vcpu_learn(vm->run, list);
    return 0;
}

unsigned vcpu_count_online(const struct run *run)
{
    unsigned count = 0;

    for (unsigned i = 0; i < run->count_vcpus; i++)
        count += run->vcpus[i].online;
    return count;
}

/* QEMU lists the places from the last to the first. */
static struct json_object *slot_of(struct json_object *slots, unsigned id)
{
    size_t count = json_count(slots);

    return id < count ? json_object_array_get_idx(slots, count - 1 - id) : NULL;
}

static int plug(struct req *rq, struct vm *vm, struct json_object *slots, unsigned count)
{
    unsigned online = vcpu_count_online(vm->run);

    for (unsigned id = 0; id < json_count(slots) && online < count; id++) {
        struct json_object *slot = slot_of(slots, id);
        struct qmp *qmp = vm_monitor(rq, vm);

        if (json_string(slot, "qom-path"))
            continue;
        if (!qmp || plug_one(rq, qmp, slot, id) < 0)
            return -1;
        online++;
    }
    if (online < count)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "the machine has no place for more than %u vCPUs",
                       online);
    return 0;
}

/* Only what was plugged has an id that can be unplugged. */
static const char *plugged_id(struct json_object *slot)
{
    const char *path = json_string(slot, "qom-path");

    return str_after(path, "/machine/peripheral/");
}

/* The guest decides when. */
static int await_count(struct req *rq, struct vm *vm, unsigned count)
{
    for (unsigned turn = 0; turn < 50; turn++) {
        if (learn_again(rq, vm) < 0)
            return -1;
        if (vcpu_count_online(vm->run) <= count)
            return 0;
        if (fiber_sleep(rq, UNPLUG_USEC / 50, "the guest to give back a vCPU") < 0 ||
            vm_check_active(rq, vm) < 0)
            return -1;
    }
    return err_set(&rq->err, ERR_OPERATION_TIMEOUT,
                   "vcpu unplug request timed out. Unplug result must be manually inspected in the domain");
}

static int unplug_one(struct req *rq, struct vm *vm, const char *id)
{
    struct qmp *qmp = vm_monitor(rq, vm);

    return qmp ? qmp_call(rq, qmp, "device_del", json_text(&rq->arena, "{'id': %s}", id), NULL, SECONDS(30))
               : -1;
}

static int unplug(struct req *rq, struct vm *vm, struct json_object *slots, unsigned count)
{
    unsigned online = vcpu_count_online(vm->run);

    for (unsigned id = (unsigned)json_count(slots); id-- > 0 && online > count;) {
        const char *name = plugged_id(slot_of(slots, id));

        if (!name)
            continue;
        if (unplug_one(rq, vm, name) < 0)
            return -1;
        online--;
    }
    if (online > count)
        return err_set(
            &rq->err, ERR_CONFIG_UNSUPPORTED,
            "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count");
    return await_count(rq, vm, count);
}

/* ---- what the definition says ---- */

void vcpu_tell_apart(struct domain *domain, struct arena *arena)
{
    struct vcpus *vcpus = &domain->vcpus;

    if (vcpus->n_each)
        return;
    vcpus->each = ARENA_ARRAY(arena, struct vcpu *, vcpus->max);
    vcpus->n_each = vcpus->max;
    for (unsigned i = 0; i < vcpus->max; i++) {
        bool on = i < vcpus_online(vcpus);

        vcpus->each[i] = ARENA_NEW(arena, struct vcpu);
        *vcpus->each[i] = (struct vcpu){
            .id = {i, true}, .enabled = on ? TRI_YES : TRI_NO, .hotpluggable = on ? TRI_NO : TRI_YES};
    }
}

/* The live definition after a change: who is online, and in which order they came. */
static void note(struct vm *vm)
{
    struct run *run = vm->run;
    struct vcpus *vcpus = &run->domain->vcpus;
    unsigned online = vcpu_count_online(run), order = 0;

    vcpu_tell_apart(run->domain, &run->arena);
    for (unsigned i = 0; i < vcpus->n_each; i++) /* those of the start come first */
        if (vcpus->each[i]->enabled == TRI_YES && !vcpus->each[i]->order)
            vcpus->each[i]->order = ++order;
        else if (vcpus->each[i]->order > order)
            order = vcpus->each[i]->order;
    for (unsigned i = 0; i < vcpus->n_each; i++) {
        struct vcpu *vcpu = vcpus->each[i];
        bool on = run->vcpus[i].online;

        if (on && vcpu->enabled != TRI_YES)
            vcpu->order = ++order;
        if (!on)
            vcpu->order = 0;
        vcpu->enabled = on ? TRI_YES : TRI_NO;
    }
    vcpus->current = online == vcpus->max ? 0 : online;
    status_save(vm);
}

/* Threads that came get their groups, groups of those that left go. */
static int settle_change(struct req *rq, struct vm *vm, const bool *before)
{
    struct run *run = vm->run;

    for (unsigned i = 0; i < run->count_vcpus; i++) {
        char group[32];

        snprintf(group, sizeof(group), "vcpu%u", i);
        if (before[i] && !run->vcpus[i].online)
            limits_remove_thread(run, group);
        if (!before[i] && run->vcpus[i].online &&
            limits_add_thread(run, LIMITS_VCPU, group, run->vcpus[i].thread, &rq->err) < 0)
            return -1;
    }
    note(vm);
    return vcpu_settle(rq, vm);
}

static bool *online_now(struct req *rq, const struct run *run)
{
    bool *now = ARENA_ARRAY(&rq->arena, bool, run->count_vcpus + 1);

    for (unsigned i = 0; i < run->count_vcpus; i++)
        now[i] = run->vcpus[i].online;
    return now;
}

int vcpu_set_one(struct req *rq, struct vm *vm, unsigned id, bool on)
{
    auto_json struct json_object *slots = NULL;
    struct qmp *qmp = vm_monitor(rq, vm);
    struct json_object *slot;
    const bool *before;
    unsigned online;

    if (!qmp || qmp_call(rq, qmp, "query-hotpluggable-cpus", NULL, &slots, SECONDS(30)) < 0 ||
        vm_check_active(rq, vm) < 0)
        return -1;
    slot = slot_of(slots, id);
    if (!slot || json_uint(slot, "vcpus-count", 1) != 1)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "vcpu '%u' can't be changed alone", id);
    if (!on && !plugged_id(slot))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "vcpu '%u' can't be unplugged", id);
    before = online_now(rq, vm->run);
    online = vcpu_count_online(vm->run);
    if ((on ? plug_one(rq, qmp, slot, id) : unplug_one(rq, vm, plugged_id(slot))) < 0 ||
        vm_check_active(rq, vm) < 0)
        return -1;
    if ((on ? learn_again(rq, vm) : await_count(rq, vm, online - 1)) < 0)
        return -1;
    return settle_change(rq, vm, before);
}

int vcpu_set_count(struct req *rq, struct vm *vm, unsigned count)
{
    auto_json struct json_object *slots = NULL;
    struct qmp *qmp = vm_monitor(rq, vm);
    const bool *before;
    unsigned online;
    int r;

    if (!qmp || qmp_call(rq, qmp, "query-hotpluggable-cpus", NULL, &slots, SECONDS(30)) < 0 ||
        vm_check_active(rq, vm) < 0)
        return -1;
    online = vcpu_count_online(vm->run);
    if (count == online)
        return 0;
    before = online_now(rq, vm->run);
    r = count > online ? plug(rq, vm, slots, count) : unplug(rq, vm, slots, count);
    if (r < 0 || learn_again(rq, vm) < 0)
        return -1;
    return settle_change(rq, vm, before);
}
