/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Smartcard: a card in the guest's reader: the host's own, or one at the other end of a stream. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

static int smartcard_prepare(struct req *rq, struct build *build, void *device)
{
    struct smartcard *card = device;

    if (card->mode != SMARTCARD_PASSTHROUGH)
        return 0;
    return prepare_chardev(rq, build, card->info.alias, &card->source, NULL);
}

static int smartcard_command(struct build *build, void *device, struct err *err)
{
    const struct smartcard *card = device;
    auto_props struct props props = {0};
    const char *id = arena_printf(build->arena, "char%s", card->info.alias);

    switch (card->mode) {
    case SMARTCARD_HOST:
        props_string(&props, "driver", "ccid-card-emulated");
        props_string(&props, "backend", "nss-emulated");
        break;
    case SMARTCARD_HOST_CERTIFICATES:
        props_string(&props, "driver", "ccid-card-emulated");
        props_string(&props, "backend", "certificates");
        props_string(&props, "cert1", card->certificates[0]->file);
        props_string(&props, "cert2", card->certificates[1]->file);
        props_string(&props, "cert3", card->certificates[2]->file);
        props_string(&props, "db", card->database ? card->database : "/etc/pki/nssdb");
        break;
    default:
        if (build_chardev(build, id, &card->source, err) < 0)
            return -1;
        props_string(&props, "driver", "ccid-card-passthru");
        props_string(&props, "chardev", id);
        break;
    }
    if (props_info(build, &props, &card->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_smartcard = {
    .name = "smartcard", DEV_LIST(smartcards), .prepare = smartcard_prepare, .command = smartcard_command};
