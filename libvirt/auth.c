/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials asked on the terminal: what programs pass to virConnectOpenAuth that have no dialogue of their
 * own. */
#include "libvirt/api.h"

#include <stdio.h>
#include <unistd.h>

static int ask(virConnectCredentialPtr cred)
{
    size_t room = 0;
    char *line = NULL;
    ssize_t length;

    if (cred->type == VIR_CRED_PASSPHRASE || cred->type == VIR_CRED_NOECHOPROMPT) {
        char *secret = getpass(cred->prompt);

        if (!secret)
            return -1;
        cred->result = mem_strdup(*secret || !cred->defresult ? secret : cred->defresult);
        mem_wipe(secret, strlen(secret));
    } else {
        printf("%s: ", cred->prompt);
        fflush(stdout);
        length = getline(&line, &room, stdin);
        if (length < 0) {
            free(line);
            return -1;
        }
        line[strcspn(line, "\n")] = '\0';
        cred->result = mem_strdup(*line || !cred->defresult ? line : cred->defresult);
        free(line);
    }
    cred->resultlen = (unsigned int)strlen(cred->result);
    return 0;
}

static int ask_all(virConnectCredentialPtr cred, unsigned int ncred, void *cbdata)
{
    for (unsigned i = 0; i < ncred; i++)
        if (ask(&cred[i]) < 0)
            return -1;
    return 0;
}

static int types[] = {VIR_CRED_AUTHNAME,   VIR_CRED_ECHOPROMPT,   VIR_CRED_REALM,
                      VIR_CRED_PASSPHRASE, VIR_CRED_NOECHOPROMPT, VIR_CRED_EXTERNAL};
static virConnectAuth terminal = {.credtype = types, .ncredtype = ARRAY_SIZE(types), .cb = ask_all};

API virConnectAuthPtr virConnectAuthPtrDefault = &terminal;
