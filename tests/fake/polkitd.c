/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A polkit that decides by its arguments: polkitd ACTION=VERDICT ... on the bus that DBUS_SYSTEM_BUS_ADDRESS
 * names. VERDICT is yes, no, challenge (no agent), dismissed or silence; an action that isn't named is
 * refused. Each question is a line on stdout: pid, uid, start time, flags, action, details;
 * CancelCheckAuthorization is "cancel".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

static char **verdicts;

static const char *verdict_of(const char *action)
{
    size_t length = strlen(action);

    for (char **at = verdicts; *at; at++)
        if (!strncmp(*at, action, length) && (*at)[length] == '=')
            return *at + length + 1;
    return "no";
}

static int on_check(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const char *kind, *action, *key, *value, *verdict;
    uint32_t pid, flags;
    uint64_t start;
    int32_t uid;
    char details[1024] = "";

    if (sd_bus_message_read(message, "(sa{sv})s", &kind, 3, &key, "u", &pid, &key, "t", &start, &key, "i",
                            &uid, &action) < 0 ||
        sd_bus_message_enter_container(message, 'a', "{ss}") < 0)
        return sd_bus_reply_method_errorf(message, "org.freedesktop.PolicyKit1.Error.Failed", "unreadable");
    while (sd_bus_message_read(message, "{ss}", &key, &value) > 0)
        snprintf(details + strlen(details), sizeof(details) - strlen(details), " %s=%s", key, value);
    sd_bus_message_exit_container(message);
    sd_bus_message_read(message, "us", &flags, &key);
    printf("%s %u %d %" PRIu64 " %u %s%s\n", kind, pid, uid, start, flags, action, details);
    fflush(stdout);
    verdict = verdict_of(action);
    if (!strcmp(verdict, "silence"))
        return 1;
    if (!strcmp(verdict, "dismissed"))
        return sd_bus_reply_method_return(message, "(bba{ss})", 0, 0, 1, "polkit.dismissed", "true");
    return sd_bus_reply_method_return(message, "(bba{ss})", !strcmp(verdict, "yes"),
                                      !strcmp(verdict, "challenge"), 0);
}

static int on_cancel(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    printf("cancel\n");
    fflush(stdout);
    return sd_bus_reply_method_return(message, "");
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CancelCheckAuthorization", "s", "", on_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

int main(int argc, char **argv)
{
    sd_bus *bus = NULL;
    int r = sd_bus_open_system(&bus);

    verdicts = argv + 1;
    if (r >= 0)
        r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
                                     "org.freedesktop.PolicyKit1.Authority", vtable, NULL);
    if (r >= 0)
        r = sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0);
    if (r < 0) {
        fprintf(stderr, "polkitd: %s\n", strerror(-r));
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    while ((r = sd_bus_process(bus, NULL)) > 0 || (r == 0 && (r = sd_bus_wait(bus, UINT64_MAX)) >= 0))
        ;
    return r < 0;
}
