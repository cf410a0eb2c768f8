/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/vault.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

void vault_reserve(struct vault *vault, size_t room)
{
    static bool warned;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (room / page + 1) * page;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    vault_done(vault);
    if (memory == MAP_FAILED) {
        perror("no memory for a secret value");
        abort();
    }
    (void)madvise(memory, size, MADV_DONTDUMP);
    (void)madvise(memory, size, MADV_WIPEONFORK);
    /* refused beyond RLIMIT_MEMLOCK: a session with thousands of secrets still works */
    if (mlock2(memory, size, MLOCK_ONFAULT) < 0 && !warned) {
        log_warning("a secret value may be swapped out: cannot lock %zu bytes of memory: %s", size,
                    strerror(errno));
        warned = true;
    }
    *vault = (struct vault){.data = memory, .mapped = size};
}

void vault_set(struct vault *vault, const void *data, size_t length)
{
    vault_reserve(vault, length);
    if (length)
        memcpy(vault->data, data, length);
    vault->length = length;
}

void vault_move(struct vault *to, struct vault *from)
{
    vault_done(to);
    *to = *from;
    *from = (struct vault){0};
}

void vault_done(struct vault *vault)
{
    if (vault->mapped) {
        mem_wipe(vault->data, vault->mapped);
        munmap(vault->data, vault->mapped);
    }
    *vault = (struct vault){0};
}
