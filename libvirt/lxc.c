/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt-lxc.so: the function that is about no object of a connection. */
#include "libvirt/api.h"

API int virDomainLxcEnterSecurityLabel(virSecurityModelPtr model, virSecurityLabelPtr label,
                                       virSecurityLabelPtr oldlabel, unsigned int flags)
{
    auto_err struct err err = {0};

    error_reset();
    if (!model || !label) {
        error_argument(NULL, __func__, ERR_FROM_NONE, model ? "label" : "model", "must not be NULL");
        return -1;
    }
    err_set_from(&err, ERR_FROM_NONE, ERR_NO_SUPPORT, "%s", __func__);
    error_raise(NULL, &err);
    return -1;
}
