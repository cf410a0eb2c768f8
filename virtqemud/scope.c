/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_SYSTEMD
#include "virtqemud/scope.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/bus.h"
#include "loop/fiber.h"
#include "virtqemud/qemud.h"

#define ANSWER_USEC SECONDS(10)

#define MACHINED "org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager"

/* The system bus, where there is a systemd to ask; NULL: this host has none. */
static sd_bus *system_bus(void)
{
    sd_bus *bus;

    if (access("/run/systemd/seats", F_OK) < 0 && access("/run/systemd/system", F_OK) < 0)
        return NULL;
    return bus_system(&bus) < 0 ? NULL : bus;
}

/* What systemd accepts in a machine's name: letters, digits, dots and dashes, 64 at most. */
static const char *machine_name(struct run *run, const struct vm *vm)
{
    char *name = arena_printf(&run->arena, "qemu-%d-%s", vm->id, vm->name),
         *to = strchr(strchr(name, '-') + 1, '-') + 1;

    for (const char *from = to; *from && to - name < 64; from++)
        if ((*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z') ||
            (*from >= '0' && *from <= '9') || (strchr("-.", *from) && to[-1] != *from))
            *to++ = *from;
    while (strchr("-.", to[-1]))
        to--;
    *to = 0;
    return name;
}

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct vm *vm = userdata;
    struct run *run = vm->run;

    if (!run || !run->scope_slot)
        return 0;
    if (sd_bus_message_is_method_error(message, NULL)) {
        const sd_bus_error *why = sd_bus_message_get_error(message);

        log_debug("domain '%s' is not registered with machined: %s", vm->name, why->message);
        run->machine_name = NULL;
    }
    run->scope_slot = sd_bus_slot_unref(run->scope_slot);
    wait_wake(&run->scope_wait, 0);
    return 0;
}

void scope_begin(struct vm *vm)
{
    struct run *run = vm->run;
    sd_bus *bus = qemud.privileged ? system_bus() : NULL;
    sd_bus_message *call = NULL;
    int r;

    if (!bus)
        return;
    run->machine_name = machine_name(run, vm);
    r = sd_bus_message_new_method_call(bus, &call, MACHINED, "CreateMachineWithNetwork");
    if (r >= 0)
        r = sd_bus_message_append(call, "s", run->machine_name);
    if (r >= 0)
        r = sd_bus_message_append_array(call, 'y', vm->uuid, UUID_SIZE);
    if (r >= 0)
        r = sd_bus_message_append(call, "ssusaia(sv)", "libvirt-qemu", "vm", (uint32_t)run->pid, "", 0, 3,
                                  "Slice", "s", "machine.slice", "After", "as", 1, "libvirtd.service",
                                  "Before", "as", 1, "virt-guest-shutdown.target");
    if (r >= 0)
        r = sd_bus_call_async(bus, &run->scope_slot, call, on_answer, vm, ANSWER_USEC);
    sd_bus_message_unref(call);
    if (r < 0)
        run->machine_name = NULL;
}

int scope_await(struct req *rq, struct vm *vm)
{
    struct run *run = vm->run;

    if (run->scope_slot && fiber_await(rq, &run->scope_wait, ANSWER_USEC, "systemd-machined") < 0 &&
        vm->run == run)
        log_warning("domain '%s': machined does not answer", vm->name);
    return 0;
}

void scope_leave(struct run *run)
{
    sd_bus *bus = run->machine_name ? system_bus() : NULL;

    run->scope_slot = sd_bus_slot_unref(run->scope_slot);
    if (bus)
        sd_bus_call_method_async(bus, NULL, MACHINED, "TerminateMachine", NULL, NULL, "s", run->machine_name);
    run->machine_name = NULL;
}

void scope_set_weight(const char *unit, const char *name, uint64_t value)
{
    sd_bus *bus = system_bus();

    if (bus)
        sd_bus_call_method_async(bus, NULL, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                 "org.freedesktop.systemd1.Manager", "SetUnitProperties", NULL, NULL,
                                 "sba(sv)", unit, true, 1, name, "t", value);
}
