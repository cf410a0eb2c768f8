/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_PERF
#include "virtqemud/perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/fd.h"
#include "model/domain/domain.h"

/* Row: the kernel's type and number of an event. The first three are resctrl's today: no kernel has them
 * here.
 */
static const struct {
    uint32_t type;
    uint64_t config;
} events[PERF_EVENT_COUNT] = {
    [0] = {UINT32_MAX, 0},
    [1] = {UINT32_MAX, 0},
    [2] = {UINT32_MAX, 0},
    [3] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    [4] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    [5] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
    [6] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    [7] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    [8] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    [9] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES},
    [10] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
    [11] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
    [12] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES},
    [13] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK},
    [14] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
    [15] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
    [16] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
    [17] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
    [18] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN},
    [19] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    [20] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS},
    [21] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS},
};

bool perf_is_open(const struct run *run, unsigned event)
{
    return run->perf && run->perf[event] >= 0;
}

int perf_set(struct run *run, const char *name, bool on, struct err *err)
{
    int event = enum_find(perf_names, name);
    struct perf_event_attr attr = {.size = sizeof(attr), .inherit = 1, .exclude_guest = 0};

    if (event < 0)
        return err_set_from(err, ERR_FROM_QEMU, ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' not supported",
                            name);
    if (!on && perf_is_open(run, (unsigned)event))
        fd_close(&run->perf[event]);
    if (!on || perf_is_open(run, (unsigned)event))
        return 0;
    if (events[event].type == UINT32_MAX)
        return err_set(err, ERR_ARGUMENT_UNSUPPORTED, "unable to enable host cpu perf event for %s", name);
    if (!run->perf) {
        run->perf = ARENA_ARRAY(&run->arena, int, PERF_EVENT_COUNT);
        for (unsigned i = 0; i < PERF_EVENT_COUNT; i++)
            run->perf[i] = -1;
    }
    attr.type = events[event].type;
    attr.config = events[event].config;
    run->perf[event] = (int)syscall(SYS_perf_event_open, &attr, run->pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (run->perf[event] < 0)
        return err_system(err, errno, "unable to open host cpu perf event for %s", name);
    return 0;
}

int perf_read(const struct run *run, unsigned event, uint64_t *ret)
{
    ssize_t n = perf_is_open(run, event) ? read(run->perf[event], ret, sizeof(*ret)) : -1;

    return n == sizeof(*ret) ? 0 : -errno;
}

int perf_begin(struct run *run, struct err *err)
{
    for (size_t i = 0; i < run->domain->n_perf; i++)
        if (run->domain->perf[i]->enabled == TRI_YES &&
            perf_set(run, run->domain->perf[i]->name, true, err) < 0)
            return -1;
    return 0;
}

void perf_end(struct run *run)
{
    for (unsigned i = 0; run->perf && i < PERF_EVENT_COUNT; i++)
        fd_close(&run->perf[i]);
}
