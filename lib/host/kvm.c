/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trial guest: 32-bit protected mode without paging (what every firmware runs in first), one page of
 * memory, a counting loop, an OUT to a port, and then the end.
 */
#include "host/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"

enum {
    GUEST_AT = 0x1000,
    GUEST_PAGE = 4096,
    GUEST_PORT = 0x10,
    GUEST_COUNT = 100000, /* rounds of two instructions: 0.1 ms on a processor, some 100 ms where emulated */
    GUEST_CPU_USEC = 20 * 1000, /* more than this is no virtualization */
};

#if defined(__x86_64__)
static const unsigned char guest_code[] = {
    0xb9,
    GUEST_COUNT & 0xff,
    GUEST_COUNT >> 8 & 0xff,
    GUEST_COUNT >> 16 & 0xff,
    0,    /* mov $GUEST_COUNT, %ecx */
    0x49, /* 1: dec %ecx */
    0x75,
    0xfd, /* jnz 1b */
    0xe6,
    GUEST_PORT, /* out %al, $GUEST_PORT */
    0xf4,       /* hlt */
};

static uint64_t cpu_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int guest_registers(int vcpu)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs = {.rip = GUEST_AT, .rflags = 2 /* always one */};
    struct kvm_segment flat = {
        .limit = UINT32_MAX, .selector = 8, .type = 11 /* code */, .present = 1, .s = 1, .db = 1, .g = 1};

    if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
        return -errno;
    sregs.cs = flat;
    flat.type = 3; /* data */
    flat.selector = 16;
    sregs.ds = sregs.es = sregs.ss = sregs.fs = sregs.gs = flat;
    sregs.cr0 |= 1; /* protected mode */
    if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu, KVM_SET_REGS, &regs) < 0)
        return -errno;
    return 0;
}

/* The machine; its descriptors end with the child. Returns the vCPU or -errno. */
static int guest_make(int kvm)
{
    int vm = ioctl(kvm, KVM_CREATE_VM, 0), vcpu, r;
    char *page = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (vm < 0 || page == MAP_FAILED)
        return -errno;
    for (unsigned i = 0; i < sizeof(guest_code); i++)
        page[i] = (char)guest_code[i];
    /* processors that can't run without paging need three pages outside of guest memory */
    (void)ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
    struct kvm_userspace_memory_region memory = {
        .guest_phys_addr = GUEST_AT, .memory_size = GUEST_PAGE, .userspace_addr = (uintptr_t)page};

    if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &memory) < 0 || (vcpu = ioctl(vm, KVM_CREATE_VCPU, 0)) < 0)
        return -errno;
    r = guest_registers(vcpu);
    return r < 0 ? r : vcpu;
}

static void guest_run(struct kvm_trial *trial, int kvm)
{
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    int vcpu = guest_make(kvm);
    struct kvm_run *run = vcpu < 0 || size < (int)sizeof(*run)
                              ? MAP_FAILED
                              : mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

    if (run == MAP_FAILED) {
        trial->errnum = vcpu < 0 ? -vcpu : ENOTSUP;
        return;
    }
    trial->step = KVM_STEP_RUN;
    uint64_t begin = cpu_time();

    if (ioctl(vcpu, KVM_RUN, 0) < 0) {
        trial->errnum = errno;
        return;
    }
    trial->cpu_usec = cpu_time() - begin;
    trial->step = KVM_STEP_ANSWER;
    if (run->exit_reason != KVM_EXIT_IO || run->io.port != GUEST_PORT)
        return;
    trial->step = KVM_STEP_SPEED;
    if (trial->cpu_usec <= GUEST_CPU_USEC)
        trial->step = KVM_STEP_DONE;
}
#else
/* No guest for this architecture yet: the device and its API decide. */
static void guest_run(struct kvm_trial *trial, int kvm)
{
    int vm = ioctl(kvm, KVM_CREATE_VM, 0);

    if (vm < 0)
        trial->errnum = errno;
    else
        trial->step = KVM_STEP_DONE;
}
#endif

void kvm_trial_run(struct kvm_trial *trial)
{
    trial->step = KVM_STEP_OPEN;
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (kvm < 0) {
        trial->errnum = errno;
        return;
    }
    trial->step = KVM_STEP_API;
    if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION ||
        ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY) <= 0)
        return;
    trial->step = KVM_STEP_MACHINE;
    guest_run(trial, kvm);
}

gid_t kvm_group(void)
{
    const mode_t both = S_IRGRP | S_IWGRP;
    struct stat node;

    return stat("/dev/kvm", &node) == 0 && (node.st_mode & both) == both ? node.st_gid : (gid_t)-1;
}

int kvm_tsc_read(uint64_t *ret_hz, bool *ret_scaling)
{
    auto_fd int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    auto_fd int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
    auto_fd int vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
    int khz = vcpu < 0 ? -1 : ioctl(vcpu, KVM_GET_TSC_KHZ, 0);

    if (khz <= 0)
        return khz < 0 ? -errno : -ENODATA;
    *ret_hz = (uint64_t)khz * 1000;
    *ret_scaling = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) > 0;
    return 0;
}

void kvm_trial_explain(const struct kvm_trial *trial, struct buf *text)
{
    static const char *const what[] = {
        [KVM_STEP_OPEN] = "cannot open /dev/kvm",
        [KVM_STEP_API] = "/dev/kvm speaks an unknown version of its interface",
        [KVM_STEP_MACHINE] = "/dev/kvm opens, but cannot make a machine",
        [KVM_STEP_RUN] = "/dev/kvm opens, but a trial guest of 11 bytes did not come to its end",
        [KVM_STEP_ANSWER] = "/dev/kvm opens, but a trial guest of 11 bytes ran astray",
        [KVM_STEP_SPEED] = "/dev/kvm opens, but guest code is emulated instead of executed",
    };

    if (trial->step >= KVM_STEP_DONE)
        return;
    buf_add_string(text, what[trial->step]);
    if (trial->errnum)
        buf_printf(text, ": %s", strerror(trial->errnum));
    if (trial->step == KVM_STEP_SPEED)
        buf_printf(text, " (%d instructions took %u ms)", 2 * GUEST_COUNT,
                   (unsigned)(trial->cpu_usec / 1000));
}
