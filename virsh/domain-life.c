/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: to start, to stop, to halt and to go on. */
#include "virsh/virsh.h"

const struct command cmd_suspend = {
    "suspend",
    "suspend a domain",
    "Suspend a running domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_RUNNING)),
    ACTION(domain, virDomainSuspend),
    .done = "Domain '%s' suspended\n",
    .failed = "Failed to suspend domain '%s'",
};

const struct command cmd_resume = {
    "resume",
    "resume a domain",
    "Resume a previously suspended domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_PAUSED)),
    ACTION(domain, virDomainResume),
    .done = "Domain '%s' resumed\n",
    .failed = "Failed to resume domain '%s'",
};

const struct command cmd_destroy = {
    "destroy",
    "destroy (stop) a domain",
    "Forcefully stop a given domain, but leave its resources intact.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            FLAG("graceful", VIR_DOMAIN_DESTROY_GRACEFUL, "terminate gracefully"),
            FLAG("remove-logs", VIR_DOMAIN_DESTROY_REMOVE_LOGS, "remove domain logs")),
    ACTION_FLAGS(domain, virDomainDestroyFlags),
    .done = "Domain '%s' destroyed\n",
    .failed = "Failed to destroy domain '%s'",
};
