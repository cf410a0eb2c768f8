/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: what a guest with encrypted memory is launched with. */
#include "virsh/domain.h"

static int run_domlaunchsecinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    struct params *params = params_new(cmd, 0);
    if (!domain)
        return -1;
    if (virDomainGetLaunchSecurityInfo(domain, &params->all, &params->count, 0) < 0)
        return say_error(cmd, "Unable to get launch security parameters");
    layout(cmd, LAYOUT_COLON);
    for (int i = 0; i < params->count; i++)
        field_param(cmd, NULL, &params->all[i]);
    return 0;
}

const struct command cmd_domlaunchsecinfo = {
    "domlaunchsecinfo",
    "Get domain launch security info",
    "Get the launch security parameters for a guest domain",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    .run = run_domlaunchsecinfo,
    .json = "{*: any}",
};

static int run_domsetlaunchsecstate(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *header = NULL, *secret = NULL;
    unsigned long long address = 0;
    if (!domain || cmd_string(cmd, "secrethdr", &header) < 0 || cmd_string(cmd, "secret", &secret) < 0)
        return -1;
    if (!cmd_has(cmd, "secrethdr") || !cmd_has(cmd, "secret"))
        return say_error(cmd, "Both secret and the secret header are required");
    if (!(header = cmd_file(cmd, "secrethdr")) || !(secret = cmd_file(cmd, "secret")))
        return -1;
    struct params *params = params_new(cmd, 0);
    params_add_string(params, VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_HEADER, header);
    params_add_string(params, VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET, secret);
    int given = cmd_u64(cmd, "set-address", &address);
    if (given < 0)
        return -1;
    if (given)
        params_add_u64(params, VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_SET_ADDRESS, address);
    if (virDomainSetLaunchSecurityState(domain, params->all, params->count, 0) < 0)
        return say_error(cmd, "Unable to set launch security state");
    return 0;
}

const struct command cmd_domsetlaunchsecstate = {
    "domsetlaunchsecstate",
    "Set domain launch security state",
    "Set a secret in the guest domain's memory",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            STRING_NAMED("secrethdr", "path to file containing the secret header", 0, complete_file),
            STRING_NAMED("secret", "path to file containing the secret", 0, complete_file),
            NUMBER("set-address", "physical address within the guest domain's memory to set the secret")),
    .run = run_domsetlaunchsecstate,
    .json = "",
};
