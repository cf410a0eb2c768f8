/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that press a machine's keys and its NMI button. */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/keycode.h"
#include "virtqemud/method.h"
#include "virtqemud/qmp.h"

static int m_send_key(struct req *rq, struct vm *vm, const struct remote_domain_send_key_in *in,
                      struct remote_domain_send_key_out *out)
{
    auto_buf struct buf args = {0};
    struct qmp *qmp;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    buf_add_string(&args, "{\"keys\":[");
    for (uint32_t i = 0; i < in->keycodes.n; i++) {
        int number = keycode_to_qnum(in->codeset, in->keycodes.v[i]);

        if (number < 0)
            return err_set(&rq->err, ERR_INTERNAL_ERROR,
                           "cannot translate keycode %u of %s codeset to qnum keycode", in->keycodes.v[i],
                           keycode_set_name(in->codeset));
        if (i)
            buf_add_char(&args, ',');
        json_add(&args, "{'type':'number','data':%d}", number);
    }
    buf_add_string(&args, "]");
    if (in->holdtime)
        json_add(&args, ",'hold-time':%u", in->holdtime);
    buf_add_string(&args, "}");
    qmp = vm_monitor(rq, vm);
    return qmp ? qmp_call(rq, qmp, "send-key", buf_text(&args), NULL, SECONDS(30)) : -1;
}

static int m_inject_nmi(struct req *rq, struct vm *vm, const struct remote_domain_inject_nmi_in *in,
                        struct remote_domain_inject_nmi_out *out)
{
    struct qmp *qmp;

    if (method_flags(rq, in->flags, 0) < 0 || !(qmp = vm_monitor(rq, vm)))
        return -1;
    return qmp_call(rq, qmp, "inject-nmi", NULL, NULL, SECONDS(30));
}

const struct method input_methods[] = {
    METHOD(remote, DOMAIN_SEND_KEY, m_send_key),
    METHOD(remote, DOMAIN_INJECT_NMI, m_inject_nmi),
    {0},
};
