/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secret: secrets and their values. A value stays in memory no longer than the call needs it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/enum.h"
#include "base/fd.h"
#include "base/file.h"
#include "virsh/virsh.h"

enum { VALUE_MAX = 1 << 20 };
/* By VIR_SECRET_USAGE_TYPE_*. */
static const char *const usage_names[] = {"none", "volume", "ceph", "iscsi", "tls", "vtpm", NULL};

#define SECRET ARG("secret", "secret UUID", 0, complete_secret)

static int secret_define(struct cmd *cmd)
{
    const char *file = cmd_raw(cmd, "file"), *document = cmd_file(cmd, "file");
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (!document)
        return -1;
    virSecretPtr secret = own_secret(cmd, virSecretDefineXML(cmd_conn(cmd), document, cmd_flags(cmd)));

    if (!secret)
        return say_error(cmd, "Failed to set attributes from %s", file);
    if (virSecretGetUUIDString(secret, uuid) < 0)
        return say_error(cmd, "Failed to get UUID of created secret");
    say(cmd, "Secret %s created\n", uuid);
    return 0;
}

const struct command cmd_secret_define = {
    "secret-define",
    "define or modify a secret from an XML file",
    "Define or modify a secret.",
    OPTIONS(FILE_ARG("file containing secret attributes in XML"), VALIDATE(VIR_SECRET_DEFINE_VALIDATE)),
    .run = secret_define,
};

const struct command cmd_secret_dumpxml = {
    "secret-dumpxml",
    "secret attributes in XML",
    "Output attributes of a secret as an XML dump to stdout.",
    OPTIONS(SECRET, XPATH),
    DUMPXML(secret, virSecretGetXMLDesc),
};

static int secret_undefine(struct cmd *cmd)
{
    virSecretPtr secret = cmd_secret(cmd);
    const char *uuid = cmd_raw(cmd, "secret");

    if (!secret)
        return -1;
    if (virSecretUndefine(secret) < 0)
        return say_error(cmd, "Failed to delete secret %s", uuid);
    say(cmd, "Secret %s deleted\n", uuid);
    return 0;
}

const struct command cmd_secret_undefine = {
    "secret-undefine", "undefine a secret", "Undefine a secret.", OPTIONS(SECRET), .run = secret_undefine,
};

/* ---- values ---------------------------------------------------------------------------------------------
 */

static int secret_get_value(struct cmd *cmd)
{
    virSecretPtr secret = cmd_secret(cmd);
    size_t size;
    int result = 0;

    if (!secret)
        return -1;
    unsigned char *value = virSecretGetValue(secret, &size, 0);

    if (!value)
        return -1;
    if (cmd_has(cmd, "plain") && !is_json(cmd)) {
        if (fwrite(value, 1, size, stdout) != size)
            result = say_error(cmd, "failed to write secret");
    } else {
        auto_buf struct buf text = {0};

        text.length = base64_encode(value, size, buf_reserve(&text, BASE64_TEXT_ROOM(size)));
        field_verbatim(cmd, "base64", buf_text(&text));
        mem_wipe(text.data, text.length);
    }
    mem_wipe(value, size);
    free(value);
    return result;
}

const struct command cmd_secret_get_value = {
    "secret-get-value",
    "Output a secret value",
    "Output a secret value to stdout.",
    OPTIONS(SECRET, FLAG("plain", 0, "get value without converting to base64")),
    .run = secret_get_value,
    .json = "{base64: string}",
};

/* A line from the terminal, which doesn't show it; -1 without a terminal. */
static int ask_value(struct buf *ret)
{
    struct termios before, hidden;
    auto_fd int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    char c;

    if (terminal < 0 || tcgetattr(terminal, &before) < 0)
        return -1;
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    dprintf(terminal, "Enter new value for secret:");
    tcsetattr(terminal, TCSAFLUSH, &hidden);
    while (ret->length < VALUE_MAX && read(terminal, &c, 1) == 1 && c != '\n')
        buf_add_char(ret, c);
    tcsetattr(terminal, TCSAFLUSH, &before);
    dprintf(terminal, "\n");
    return 0;
}

/* The value that the options give; -1 after telling. */
static int read_value(struct cmd *cmd, struct buf *ret)
{
    const char *base64 = NULL, *file = NULL;

    if (cmd_string(cmd, "file", &file) < 0 || cmd_string(cmd, "base64", &base64) < 0)
        return -1;
    if (base64) {
        say_error(cmd, "Passing secret value as command-line argument is insecure!");
        buf_add_string(ret, base64);
    } else if (file) {
        int r = file_read(AT_FDCWD, file, VALUE_MAX, ret);

        if (r < 0)
            return say_error(cmd, "Failed to open file '%s': %s", file, strerror(-r));
        if (cmd_has(cmd, "plain"))
            return 0;
    } else if (cmd_has(cmd, "interactive")) {
        return ask_value(ret) < 0 ? say_error(cmd, "Failed to read secret") : 0;
    } else {
        return say_error(cmd, "Input secret value is missing");
    }
    ssize_t length = ret->data ? base64_decode(ret->data, ret->length, ret->data) : 0;

    if (length < 0)
        return say_error(cmd, "the value is not base64");
    ret->length = (size_t)length;
    return 0;
}

static int secret_set_value(struct cmd *cmd)
{
    virSecretPtr secret = cmd_secret(cmd);
    auto_buf struct buf value = {0};

    if (!secret || read_value(cmd, &value) < 0)
        return -1;
    int result = virSecretSetValue(secret, (const unsigned char *)buf_text(&value), value.length, 0);

    if (value.data)
        mem_wipe(value.data, value.length);
    if (result < 0)
        return say_error(cmd, "Failed to set secret value");
    say(cmd, "Secret value set\n");
    return 0;
}

const struct command cmd_secret_set_value = {
    "secret-set-value",
    "set a secret value",
    "Set a secret value.",
    OPTIONS(SECRET, STRING_NAMED("file", "read secret from file", .complete = complete_file),
            FLAG("plain", 0, "read the secret from file without converting from base64"),
            FLAG("interactive", 0, "read the secret from the terminal"),
            STRING("base64", "base64-encoded secret value")),
    .run = secret_set_value,
    .conflicts = "file base64, plain base64, interactive base64, interactive plain, interactive file",
};

/* ---- all of them ----------------------------------------------------------------------------------------
 */

static int by_uuid(const void *a, const void *b)
{
    char one[VIR_UUID_STRING_BUFLEN] = "", other[VIR_UUID_STRING_BUFLEN] = "";

    virSecretGetUUIDString(*(const virSecretPtr *)a, one);
    virSecretGetUUIDString(*(const virSecretPtr *)b, other);
    return strcmp(one, other);
}

static int secret_list(struct cmd *cmd)
{
    virSecretPtr *secrets = NULL;
    int count = virConnectListAllSecrets(cmd_conn(cmd), &secrets, cmd_flags(cmd));

    if (count < 0 && cmd_flags(cmd) && last_error_code() == VIR_ERR_NO_SUPPORT) {
        forget_error();
        return say_error(cmd, "Filtering is not supported by this libvirt");
    }
    if (count < 0)
        return list_failed(cmd, "Failed to list secrets", virConnectNumOfSecrets, "Failed to count secrets");
    own_list(cmd, secrets, count, secret);
    qsort(secrets, (size_t)count, sizeof(*secrets), by_uuid);
    struct table *table = table_new(cmd, "uuid:UUID", "usage:Usage");

    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        int type = virSecretGetUsageType(secrets[i]);
        const char *usage = virSecretGetUsageID(secrets[i]);

        if (virSecretGetUUIDString(secrets[i], uuid) < 0)
            return say_error(cmd, "Failed to get uuid of secret");
        table_row(table, uuid,
                  type == VIR_SECRET_USAGE_TYPE_NONE
                      ? "Unused"
                      : cmd_printf(cmd, "%s %s", enum_name(usage_names, type), usage ? usage : ""));
    }
    table_print(table, NULL);
    return 0;
}

const struct command cmd_secret_list = {
    "secret-list",
    "list secrets",
    "Returns a list of secrets",
    OPTIONS(FLAG("ephemeral", VIR_CONNECT_LIST_SECRETS_EPHEMERAL, "list ephemeral secrets"),
            FLAG("no-ephemeral", VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL, "list non-ephemeral secrets"),
            FLAG("private", VIR_CONNECT_LIST_SECRETS_PRIVATE, "list private secrets"),
            FLAG("no-private", VIR_CONNECT_LIST_SECRETS_NO_PRIVATE, "list non-private secrets")),
    .run = secret_list,
    .json = "[{uuid: string, usage: string}]",
};
