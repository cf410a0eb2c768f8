/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPU map: lists of host CPUs as text ("0-3,^2") and as the bitmaps of the API. */
#include <limits.h>

#include "base/bitmap.h"
#include "virsh/domain.h"

int host_cpus(struct cmd *cmd)
{
    int count = virNodeGetCPUMap(cmd_conn(cmd), NULL, NULL, 0);
    virNodeInfo info;
    if (count >= 0)
        return count;
    return virNodeGetInfo(cmd_conn(cmd), &info) < 0 ? -1 : (int)VIR_NODEINFO_MAXCPUS(info);
}

/* Set or clear first..last; -1 when that is out of range. */
static int map_range(unsigned char *map, unsigned first, unsigned last, bool on)
{
    if (first > last)
        return -1;
    for (unsigned cpu = first; cpu <= last; cpu++)
        if (on)
            VIR_USE_CPU(map, cpu);
        else
            VIR_UNUSE_CPU(map, cpu);
    return 0;
}

/* "0-3,^2,7" into a map of MAP_MAX bits. The highest CPU that is set, or -1 when the list is malformed. */
enum { MAP_MAX = 16384 };
static int map_parse(const char *list, unsigned char *map)
{
    int highest = -1;
    while (true) {
        bool on = *list != '^';
        uint64_t first, last;
        list += !on;
        if (str_take_u64(&list, &first) < 0)
            return -1;
        last = first;
        if (*list == '-' && on) {
            list++;
            if (str_take_u64(&list, &last) < 0)
                return -1;
        }
        if (last >= MAP_MAX || map_range(map, (unsigned)first, (unsigned)last, on) < 0)
            return -1;
        if (!*list)
            break;
        if (*list++ != ',')
            return -1;
    }
    for (int cpu = 0; cpu < MAP_MAX; cpu++)
        if (VIR_CPU_USED(map, cpu))
            highest = cpu;
    return highest;
}

unsigned char *cpu_map(struct cmd *cmd, const char *list, int count, int *ret_length)
{
    unsigned char *map = cmd_own(cmd, mem_zalloc(MAP_MAX / 8), free);
    if (str_eq(list, "r")) {
        if (count > 0)
            map_range(map, 0, (unsigned)count - 1, true);
    } else {
        int highest = map_parse(list, map);
        if (highest < 0) {
            say_error(cmd, "Invalid cpulist '%s'", list);
            keep_text(cmd, "invalid argument: Failed to parse bitmap '%s'", list);
            return NULL;
        }
        if (highest >= count) {
            say_error(cmd, "CPU %d in cpulist '%s' exceed the maxcpu %d", highest, list, count);
            return NULL;
        }
    }
    *ret_length = VIR_CPU_MAPLEN(count);
    return map;
}

char *cpu_list(struct cmd *cmd, const unsigned char *map, int length, int count)
{
    struct buf text = {0};
    buf_add_string(&text, "");
    for (int cpu = 0; cpu < count && cpu < length * 8; cpu++) {
        if (!VIR_CPU_USED(map, cpu))
            continue;
        int last = cpu;
        while (last + 1 < count && last + 1 < length * 8 && VIR_CPU_USED(map, last + 1))
            last++;
        buf_printf(&text, last > cpu ? "%s%d-%d" : "%s%d", text.length ? "," : "", cpu, last);
        cpu = last;
    }
    return cmd_own_text(cmd, text.data ? buf_steal(&text) : mem_strdup(""));
}
