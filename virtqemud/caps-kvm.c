/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verdict on KVM: the trial runs in a child with a deadline, once per boot; its result is kept beside the
 * status files of machines, which vanish with the boot. A changed device node (mode, group, driver loaded
 * meanwhile) is a reason to try again.
 */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "host/kvm.h"
#include "host/machine.h"
#include "loop/job.h"
#include "loop/work.h"
#include "virtqemud/caps-internal.h"

enum { VERDICT_MAX = 1024 };
#define VERDICT_FILE "kvm-verdict"

static struct {
    const char *run_dir;
    uid_t uid; /* that QEMU runs as */
    gid_t gid;
    struct kvm_verdict verdict;
    char *why_not;
    bool known;
    struct job trying;
} kvm = {.uid = (uid_t)-1};

void kvm_verdict_init(const struct qemu_caps_config *config)
{
    kvm.run_dir = config->run_dir;
    kvm.uid = config->uid;
    kvm.gid = config->gid;
}

void kvm_verdict_fini(void)
{
    free(kvm.why_not);
    memset(&kvm, 0, sizeof(kvm));
    kvm.uid = (uid_t)-1;
}

/* What the verdict holds for, one line: this boot, this device node, its rights, QEMU's user. Not the time of
 * the node's last change: it moves when anybody sets the same rights again. */
static char *verdict_key(void)
{
    char boot[37] = "";
    struct stat node = {0};

    (void)host_boot_id("", boot);
    (void)stat("/dev/kvm", &node);
    return mem_printf("%s %o:%u:%u:%llx:%lld.%09ld %u", boot, node.st_mode, node.st_uid, node.st_gid,
                      (unsigned long long)node.st_rdev, (long long)node.st_mtim.tv_sec, node.st_mtim.tv_nsec,
                      kvm.uid == (uid_t)-1 ? (unsigned)geteuid() : (unsigned)kvm.uid);
}

static void decide(const char *why_not)
{
    kvm.why_not = str_empty(why_not) ? NULL : mem_strdup(why_not);
    kvm.verdict = (struct kvm_verdict){.usable = !kvm.why_not, .why_not = kvm.why_not};
    kvm.known = true;
    if (kvm.why_not)
        log_info("KVM is not usable on this host: %s", kvm.why_not);
}

static bool verdict_load(const char *path, const char *key)
{
    auto_buf struct buf text = {0};

    if (file_read(AT_FDCWD, path, VERDICT_MAX, &text) < 0)
        return false;
    char *why_not = buf_steal(&text), *line = why_not;
    const char *found = strsep(&line, "\n");
    bool same = line && str_eq(found, key) && strchr(line, '\n');

    if (same)
        decide(strsep(&line, "\n"));
    free(why_not);
    return same;
}

static void verdict_store(const char *key)
{
    auto_free char *text = mem_printf("%s\n%s\n", key, kvm.why_not ? kvm.why_not : "");

    caps_keep(kvm.run_dir, VERDICT_FILE, text, strlen(text));
}

/* In the child: what matters is whether QEMU's user may use the device. */
static void become_qemu(void)
{
    const gid_t group = kvm_group();

    if (kvm.uid != (uid_t)-1 &&
        (setgroups(group != (gid_t)-1, &group) < 0 || setresgid(kvm.gid, kvm.gid, kvm.gid) < 0 ||
         setresuid(kvm.uid, kvm.uid, kvm.uid) < 0))
        _exit(1);
}

static void try_in_child(struct req *rq, struct buf *why_not)
{
    struct kvm_trial *trial =
        mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = trial == MAP_FAILED ? -1 : fork();

    if (child == 0) {
        become_qemu();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        kvm_trial_run(trial);
        _exit(0);
    }
    auto_fd int pidfd = child < 0 ? -1 : (int)syscall(SYS_pidfd_open, child, 0);

    if (pidfd < 0) {
        buf_printf(why_not, "cannot start a process to try it: %s", strerror(errno));
    } else {
        fiber_shield(rq, true); /* the verdict is for all; a client that leaves must not decide it */
        int r = child_await(rq, pidfd, SECONDS(1), "the trial of KVM");

        (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        if (r < 0)
            (void)child_await(rq, pidfd, MILLISECONDS(200), "the end of the trial of KVM");
        fiber_shield(rq, false);
        kvm_trial_explain(trial, why_not);
    }
    if (child > 0) /* one that hangs in the kernel stays a zombie to be; nothing to be done about it */
        (void)waitpid(child, NULL, WNOHANG);
    if (trial != MAP_FAILED)
        munmap(trial, sizeof(*trial));
}

const struct kvm_verdict *kvm_verdict_get(struct req *rq)
{
    if (kvm.known)
        return &kvm.verdict;
    if (job_take(rq, &kvm.trying, "KVM", "trial", SECONDS(3)) < 0) {
        static const struct kvm_verdict unknown = {.why_not = "it is still being tried"};

        err_clear(&rq->err);
        return &unknown;
    }
    if (!kvm.known) {
        auto_free char *key = verdict_key();
        auto_free char *path = kvm.run_dir ? mem_printf("%s/" VERDICT_FILE, kvm.run_dir) : NULL;
        auto_buf struct buf why_not = {0};

        if (!path || !verdict_load(path, key)) {
            try_in_child(rq, &why_not);
            decide(buf_text(&why_not));
            if (path)
                verdict_store(key);
        }
    }
    job_give(rq, &kvm.trying);
    return &kvm.verdict;
}

int kvm_require(struct req *rq)
{
    const struct kvm_verdict *verdict = kvm_verdict_get(rq);

    if (verdict->usable)
        return 0;
    return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "KVM is not usable on this host: %s", verdict->why_not);
}
