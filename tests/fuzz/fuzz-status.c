/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that finds a running machine again, which libvirt may have written. What is accepted must print,
 * and what was printed must be accepted again and print the same. */
#include <stdlib.h>

#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena arena = {0}, again = {0};
    auto_buf struct buf first = {0}, second = {0};
    auto_err struct err err = {0};
    auto_free char *text = mem_strndup((const char *)data, size);
    struct status *status = status_parse(text, &arena, &err);

    check(!status == err_is_set(&err));
    if (!status)
        return 0;
    check(status_state_name(status->state) && status_reason_name(status->state, status->reason));
    check(status->domain && status->monitor_path);
    status_format(status, &first);
    status = status_parse(buf_text(&first), &again, &err);
    check(status);
    status_format(status, &second);
    check(str_eq(buf_text(&first), buf_text(&second)));
    return 0;
}
