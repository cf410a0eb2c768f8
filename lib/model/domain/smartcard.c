/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Smartcard: rows of <smartcard>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/smartcard.h"

const char *const smartcard_mode_names[] = {"", "host", "host-certificates", "passthrough", NULL};

static int smartcard_finish(struct xt_parse *parse, void *object)
{
    struct smartcard *card = object;

    if (!card->mode)
        return err_set(parse->err, ERR_XML_ERROR, "missing mode attribute of <smartcard>");
    if (card->mode == SMARTCARD_HOST_CERTIFICATES && card->n_certificates != 3)
        return err_set(parse->err, ERR_XML_ERROR, "host-certificates mode needs exactly three certificates");
    if (card->mode == SMARTCARD_PASSTHROUGH && !card->source.type)
        return err_set(parse->err, ERR_XML_ERROR,
                       "passthrough mode requires a character device type attribute");
    chardev_source_settle(&card->source);
    return 0;
}

/* clang-format off */
XT_DECLARE(smartcard_certificate_table, struct smartcard_certificate);
#define T struct smartcard_certificate
XT_DEFINE(smartcard_certificate_table, "certificate", NULL,
    XT_OWN(T, file, str, XT_REQUIRED));
#undef T

#define T struct smartcard
XT_DEFINE(smartcard_table, "smartcard", smartcard_finish,
    XT_ENUM(T, mode, "mode", smartcard_mode_names, XT_ABI),
    XT_UNION(T, mode, 0,
        XT_ARM(SMARTCARD_HOST_CERTIFICATES,
            XT_LIST(T, certificates, n_certificates, "certificate", smartcard_certificate_table, 0),
            XT_TEXT(T, database, "database", str, 0)),
        XT_ARM(SMARTCARD_PASSTHROUGH,
            XT_EMBED(T, source, NULL, chardev_source_table, 0))),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T
