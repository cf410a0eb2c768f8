/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Block jobs: what copies between the images of a disk; watched while they run if that is wanted. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "virsh/domain.h"

/* ---- waiting ---------------------------------------------------------------------------------------- */

/* How a command waits, and the words for how it ended. */
struct block_wait {
    const char *label, *done, *failed, *aborted;
    bool until_ready; /* a copy or an active commit is done when it is in step */
};

enum { TICK_US = 500000 };

/* The status of the job from its events: -1 while it goes on. */
static void on_status(virConnectPtr conn, virDomainPtr domain, const char *disk, int type, int status,
                      void *data)
{
    *(volatile int *)data = status;
}

/* VIR_DOMAIN_BLOCK_JOB_COMPLETED, FAILED, CANCELED or READY; -1 after the library failed. */
static int wait_for(struct cmd *cmd, virDomainPtr domain, const char *path, const struct block_wait *wait,
                    unsigned timeout_ms)
{
    bool verbose = cmd_has(cmd, "verbose");
    volatile int status = -1;
    struct interrupt interrupt;
    virConnectPtr conn = cmd_conn(cmd);
    uint64_t limit = timeout_ms ? time_monotonic() + timeout_ms * 1000ull : 0;
    int callback =
        virConnectDomainEventRegisterAny(conn, domain, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_status), (void *)&status, NULL);
    forget_error();
    need_events(cmd);
    interrupt_catch(&interrupt);
    int result = -1;
    bool aborting = false;
    while (true) {
        virDomainBlockJobInfo info = {0};
        int there = virDomainGetBlockJobInfo(domain, path, &info, 0);
        if (there < 0)
            break;
        if (!there) {
            /* its event tells how it ended; a server without events means well */
            result = status >= 0 ? status
                     : aborting  ? VIR_DOMAIN_BLOCK_JOB_CANCELED
                                 : VIR_DOMAIN_BLOCK_JOB_COMPLETED;
            break;
        }
        if (verbose)
            show_progress(cmd, wait->label, info.end - info.cur, info.end);
        if (wait->until_ready &&
            (status == VIR_DOMAIN_BLOCK_JOB_READY || (info.end && info.cur == info.end))) {
            result = VIR_DOMAIN_BLOCK_JOB_READY;
            break;
        }
        if (!aborting && (interrupt_seen() || (limit && time_monotonic() > limit))) {
            aborting = true;
            unsigned flags = cmd_has(cmd, "async") ? VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC : 0;
            if (virDomainBlockJobAbort(domain, path, flags) < 0)
                break;
            result = VIR_DOMAIN_BLOCK_JOB_CANCELED;
            break;
        }
        usleep(TICK_US);
    }
    if (verbose && result >= 0 && result != VIR_DOMAIN_BLOCK_JOB_CANCELED)
        show_progress(cmd, wait->label, 0, 1);
    interrupt_release(&interrupt);
    if (callback >= 0)
        virConnectDomainEventDeregisterAny(conn, callback);
    return result;
}

/* 0: go on as with a job that is ready or done; 1: it was aborted, which isn't a failure; -1. */
static int wait_and_say(struct cmd *cmd, virDomainPtr domain, const char *path, const struct block_wait *wait,
                        unsigned timeout_ms)
{
    switch (wait_for(cmd, domain, path, wait, timeout_ms)) {
    case VIR_DOMAIN_BLOCK_JOB_CANCELED:
        say(cmd, "\n%s", wait->aborted);
        return 1;
    case VIR_DOMAIN_BLOCK_JOB_FAILED:
        say(cmd, "\n%s", wait->failed);
        return -1;
    case VIR_DOMAIN_BLOCK_JOB_COMPLETED:
    case VIR_DOMAIN_BLOCK_JOB_READY:
        return 0;
    default:
        return -1;
    }
}

/* --bandwidth in MiB/s (a negative one is a huge one, as with stock), or with --bytes in bytes. */
static int take_bandwidth(struct cmd *cmd, unsigned long *ret)
{
    unsigned long long value = 0;
    uint64_t mib = 0;
    const char *text = cmd_raw(cmd, "bandwidth");
    if (!text)
        return 0;
    bool bytes = cmd_has(cmd, "bytes");
    if (!bytes && *text == '-' && str_to_i64(text, (int64_t *)&mib) == 0)
        value = mib;
    else if (to_scaled(cmd, text, 1, ULONG_MAX, &value) < 0 || (!bytes && !str_only(text, "0123456789")))
        return say_error(
            cmd, "Scaled numeric value '%s' for <--bandwidth> option is malformed or out of range", text);
    *ret = (unsigned long)value;
    return 1;
}

/* Does the command wait? Options that make no sense otherwise are refused. */
static int take_wait(struct cmd *cmd, const char *other, bool implied, int *ret_timeout)
{
    if (cmd_timeout(cmd, "timeout", ret_timeout) < 0)
        return -1;
    bool wait = implied || cmd_has(cmd, "wait") || cmd_has(cmd, "timeout");
    static const char *const need[] = {"verbose", "async"};
    for (size_t i = 0; i < ARRAY_SIZE(need) && !wait; i++)
        if (cmd_has(cmd, need[i]))
            return say_error(cmd, "--%s requires at least one of --timeout, --wait, --pivot, or %s", need[i],
                             other);
    return wait;
}

/* ---- blockpull -------------------------------------------------------------------------------------- */

static int run_blockpull(struct cmd *cmd)
{
    static const struct block_wait wait = {"Block Pull", "Pull complete", "Pull failed", "Pull aborted",
                                           false};
    const char *path = NULL, *base = NULL;
    unsigned long bandwidth = 0;
    int timeout = 0;
    if (cmd_string(cmd, "path", &path) < 0 || cmd_string(cmd, "base", &base) < 0 ||
        take_bandwidth(cmd, &bandwidth) < 0 || cmd_timeout(cmd, "timeout", &timeout) < 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    unsigned flags = cmd_flags(cmd), bytes = cmd_has(cmd, "bytes");
    int result;
    if (base || flags)
        result = virDomainBlockRebase(domain, path, base, bandwidth,
                                      flags | (bytes ? VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES : 0));
    else
        result =
            virDomainBlockPull(domain, path, bandwidth, bytes ? VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES : 0);
    if (result < 0)
        return -1;
    if (!cmd_has(cmd, "wait")) {
        say(cmd, "Block Pull started");
        return 0;
    }
    result = wait_and_say(cmd, domain, path, &wait, (unsigned)timeout);
    if (result == 0)
        say(cmd, "\n%s", wait.done);
    return result < 0 ? -1 : 0;
}

const struct command cmd_blockpull = {
    "blockpull",
    "Populate a disk from its backing image.",
    "Populate a disk from its backing image.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("path", "fully-qualified path of disk"),
            NUMBER("bandwidth", "bandwidth limit in MiB/s"),
            STRING("base", "path of backing file in chain for a partial pull"),
            FLAG("wait", 0, "wait for job to finish"),
            FLAG("verbose", 0, "with --wait, display the progress"),
            NUMBER("timeout", "with --wait, abort if pull exceeds timeout (in seconds)"),
            FLAG("async", 0, "with --wait, don't wait for cancel to finish"),
            FLAG("keep-relative", VIR_DOMAIN_BLOCK_REBASE_RELATIVE,
                 "keep the backing chain relatively referenced"),
            FLAG("bytes", 0, "the bandwidth limit is in bytes/s rather than MiB/s")),
    .run = run_blockpull,
    .requires = "verbose wait, async wait",
};

/* ---- blockcommit ------------------------------------------------------------------------------------ */

/* What follows when source and destination are in step. */
static int conclude(struct cmd *cmd, virDomainPtr domain, const char *path, bool pivot, bool finish,
                    const char *pivoted, const char *finished, const char *ready)
{
    if (pivot || finish) {
        if (virDomainBlockJobAbort(domain, path, pivot ? VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT : 0) < 0)
            return say_error(
                cmd, pivot ? "failed to pivot job for disk %s" : "failed to finish job for disk %s", path);
    }
    say(cmd, "\n%s", pivot ? pivoted : finish ? finished : ready);
    return 0;
}

static int run_blockcommit(struct cmd *cmd)
{
    static const struct block_wait wait = {"Block commit", "Commit complete", "Commit failed",
                                           "Commit aborted", false};
    static const struct block_wait active_wait = {"Block commit", "", "Commit failed", "Commit aborted",
                                                  true};
    const char *path = NULL, *base = NULL, *top = NULL;
    bool pivot = cmd_has(cmd, "pivot"), keep = cmd_has(cmd, "keep-overlay"),
         active = cmd_has(cmd, "active") || pivot || keep;
    unsigned long bandwidth = 0;
    int timeout = 0;
    if (cmd_string(cmd, "path", &path) < 0 || cmd_string(cmd, "base", &base) < 0 ||
        cmd_string(cmd, "top", &top) < 0 || take_bandwidth(cmd, &bandwidth) < 0)
        return -1;
    int waits = take_wait(cmd, "--keep-overlay", pivot || keep, &timeout);
    virDomainPtr domain = waits < 0 ? NULL : cmd_domain(cmd);
    if (!domain)
        return -1;
    unsigned flags = cmd_flags(cmd) | (active ? VIR_DOMAIN_BLOCK_COMMIT_ACTIVE : 0);
    if (virDomainBlockCommit(domain, path, base, top, bandwidth, flags) < 0)
        return -1;
    if (!waits) {
        say(cmd, active ? "Active Block Commit started" : "Block commit started");
        return 0;
    }
    int result = wait_and_say(cmd, domain, path, active ? &active_wait : &wait, (unsigned)timeout);
    if (result)
        return result < 0 ? -1 : 0;
    if (!active) {
        say(cmd, "\n%s", wait.done);
        return 0;
    }
    return conclude(cmd, domain, path, pivot, keep, "Successfully pivoted",
                    "Commit complete, overlay image kept", "Now in synchronized phase");
}

const struct command cmd_blockcommit = {
    "blockcommit",
    "Start a block commit operation.",
    "Commit changes from a snapshot down to its backing image.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("path", "fully-qualified path of disk"),
            NUMBER("bandwidth", "bandwidth limit in MiB/s"),
            STRING("base", "path of base file to commit into (default bottom of chain)"),
            FLAG("shallow", VIR_DOMAIN_BLOCK_COMMIT_SHALLOW, "use backing file of top as base"),
            STRING("top", "path of top file to commit from (default top of chain)"),
            FLAG("active", 0, "trigger two-stage active commit of top file"),
            FLAG("delete", VIR_DOMAIN_BLOCK_COMMIT_DELETE, "delete files that were successfully committed"),
            FLAG("wait", 0, "wait for job to complete (with --active, wait for job to sync)"),
            FLAG("verbose", 0, "with --wait, display the progress"),
            NUMBER("timeout", "implies --wait, abort if copy exceeds timeout (in seconds)"),
            FLAG("pivot", 0, "implies --active --wait, pivot when commit is synced"),
            FLAG("keep-overlay", 0, "implies --active --wait, quit when commit is synced"),
            FLAG("async", 0, "with --wait, don't wait for cancel to finish"),
            FLAG("keep-relative", VIR_DOMAIN_BLOCK_COMMIT_RELATIVE,
                 "keep the backing chain relatively referenced"),
            FLAG("bytes", VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES,
                 "the bandwidth limit is in bytes/s rather than MiB/s")),
    .run = run_blockcommit,
    .conflicts = "pivot keep-overlay",
};

/* ---- blockcopy -------------------------------------------------------------------------------------- */

static void copy_xml(struct cmd *cmd, const char *dest, const char *format, struct buf *xml)
{
    buf_printf(xml, "<disk type='%s'>\n  <source", cmd_has(cmd, "blockdev") ? "block" : "file");
    xml_attribute(xml, cmd_has(cmd, "blockdev") ? "dev" : "file", dest);
    buf_add_string(xml, "/>\n");
    if (format) {
        buf_add_string(xml, "  <driver");
        xml_attribute(xml, "type", format);
        buf_add_string(xml, "/>\n");
    }
    buf_add_string(xml, "</disk>\n");
}

/* Destinations as text are the older call's; everything that is newer wants a document. */
static int start_copy(struct cmd *cmd, virDomainPtr domain, const char *path, const char *xml,
                      struct params *params)
{
    return virDomainBlockCopy(domain, path, xml, params->all, params->count, cmd_flags(cmd));
}

static int rebase_copy(struct cmd *cmd, virDomainPtr domain, const char *path, const char *dest,
                       const char *format, unsigned long bandwidth)
{
    unsigned flags = VIR_DOMAIN_BLOCK_REBASE_COPY;
    static const struct {
        const char *option;
        unsigned bit;
    } rows[] = {
        {"shallow", VIR_DOMAIN_BLOCK_REBASE_SHALLOW},
        {"reuse-external", VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT},
        {"blockdev", VIR_DOMAIN_BLOCK_REBASE_COPY_DEV},
        {"bytes", VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        flags |= cmd_has(cmd, rows[i].option) ? rows[i].bit : 0;
    if (str_eq(format, "raw"))
        flags |= VIR_DOMAIN_BLOCK_REBASE_COPY_RAW;
    return virDomainBlockRebase(domain, path, dest, bandwidth, flags);
}

static int run_blockcopy(struct cmd *cmd)
{
    static const struct block_wait wait = {"Block Copy", "", "Copy failed", "Copy aborted", true};
    const char *path = NULL, *dest = NULL, *format = NULL, *xml = NULL;
    bool pivot = cmd_has(cmd, "pivot"), finish = cmd_has(cmd, "finish");
    unsigned long bandwidth = 0;
    unsigned granularity = 0;
    unsigned long long buffer = 0;
    int timeout = 0;
    if (cmd_string(cmd, "path", &path) < 0 || cmd_string(cmd, "dest", &dest) < 0 ||
        cmd_string(cmd, "format", &format) < 0 || take_bandwidth(cmd, &bandwidth) < 0 ||
        cmd_uint(cmd, "granularity", &granularity) < 0 || cmd_u64(cmd, "buf-size", &buffer) < 0 ||
        cmd_timeout(cmd, "timeout", &timeout) < 0)
        return -1;
    if (!dest && !cmd_has(cmd, "xml"))
        return say_error(cmd, "need either --dest or --xml");
    int waits = take_wait(cmd, "--finish", pivot || finish, &timeout);
    if (waits < 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    if (cmd_has(cmd, "xml") && !(xml = cmd_file(cmd, "xml")))
        return -1;
    auto_buf struct buf made = {0};
    if (!xml) {
        copy_xml(cmd, dest, format, &made);
        if (cmd_has(cmd, "print-xml")) {
            print(cmd, "%s", buf_text(&made));
            layout(cmd, LAYOUT_NONE);
            field(cmd, "xml", NULL, buf_text(&made));
            return 0;
        }
    }
    struct params *params = params_new(cmd, 0);
    if (bandwidth)
        params_add_u64(params, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH,
                       cmd_has(cmd, "bytes") ? bandwidth : (unsigned long long)bandwidth << 20);
    if (granularity)
        params_add_uint(params, VIR_DOMAIN_BLOCK_COPY_GRANULARITY, granularity);
    if (buffer)
        params_add_u64(params, VIR_DOMAIN_BLOCK_COPY_BUF_SIZE, buffer);
    /* what the older call knows goes there, as stock does */
    bool newer =
        xml || granularity || buffer || (format && !str_eq(format, "raw")) ||
        cmd_flags(cmd) & ~(unsigned)(VIR_DOMAIN_BLOCK_COPY_SHALLOW | VIR_DOMAIN_BLOCK_COPY_REUSE_EXT);
    int result = newer ? start_copy(cmd, domain, path, xml ? xml : buf_text(&made), params)
                       : rebase_copy(cmd, domain, path, dest, format, bandwidth);
    if (result < 0)
        return -1;
    if (!waits) {
        say(cmd, "Block Copy started");
        return 0;
    }
    result = wait_and_say(cmd, domain, path, &wait, (unsigned)timeout);
    if (result)
        return result < 0 ? -1 : 0;
    return conclude(cmd, domain, path, pivot, finish, "Successfully pivoted", "Successfully copied",
                    "Now in mirroring phase");
}

const struct command cmd_blockcopy = {
    "blockcopy",
    "Start a block copy operation.",
    "Copy a disk backing image chain to dest.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("path", "fully-qualified path of source disk"),
            STRING("dest", "path of the copy to create", 0, complete_file),
            NUMBER("bandwidth", "bandwidth limit in MiB/s"),
            FLAG("shallow", VIR_DOMAIN_BLOCK_COPY_SHALLOW, "make the copy share a backing chain"),
            FLAG("reuse-external", VIR_DOMAIN_BLOCK_COPY_REUSE_EXT, "reuse existing destination"),
            FLAG("blockdev", 0, "copy destination is block device instead of regular file"),
            FLAG("wait", 0, "wait for job to reach mirroring phase"),
            FLAG("verbose", 0, "with --wait, display the progress"),
            NUMBER("timeout", "implies --wait, abort if copy exceeds timeout (in seconds)"),
            FLAG("pivot", 0, "implies --wait, pivot when mirroring starts"),
            FLAG("finish", 0, "implies --wait, quit when mirroring starts"),
            FLAG("async", 0, "with --wait, don't wait for cancel to finish"),
            STRING("xml", "filename containing XML description of the copy destination", 0, complete_file),
            STRING("format", "format of the destination file"),
            NUMBER("granularity", "power-of-two granularity to use during the copy"),
            NUMBER("buf-size", "maximum amount of in-flight data during the copy"),
            FLAG("bytes", 0, "the bandwidth limit is in bytes/s rather than MiB/s"),
            FLAG("transient-job", VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
                 "the copy job is not persisted if VM is turned off"),
            FLAG("synchronous-writes", VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES,
                 "the copy job forces guest writes to be synchronously written to the destination"),
            FLAG("print-xml", 0, "print the XML used to start the copy job instead of starting the job"),
            FLAG_NEW("dest-is-zero", 0, ""), ALIAS("raw", "format=raw")),
    .run = run_blockcopy,
    .conflicts = "pivot finish, dest xml, format xml, blockdev xml",
    .json = "{message: string?, xml: string?}",
};

/* ---- blockjob --------------------------------------------------------------------------------------- */

static const char *const job_names[] = {"Unknown job",         "Block Pull", "Block Copy", "Block Commit",
                                        "Active Block Commit", "Backup",     NULL};

static int job_info(struct cmd *cmd, virDomainPtr domain, const char *path)
{
    virDomainBlockJobInfo info;
    bool bytes = cmd_has(cmd, "bytes");
    int there = virDomainGetBlockJobInfo(domain, path, &info, VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES);
    if (there < 0) {
        /* an older server knows MiB only */
        if (bytes || last_error_code() != VIR_ERR_INVALID_ARG)
            return -1;
        there = virDomainGetBlockJobInfo(domain, path, &info, 0);
        info.bandwidth <<= 20;
    }
    if (there < 0)
        return -1;
    if (!there) {
        if (!cmd_has(cmd, "raw"))
            say(cmd, "No current block job for %s", path);
        return 0;
    }
    const char *name = enum_name(job_names, info.type);
    name = *name ? name : job_names[0];
    layout(cmd, LAYOUT_NONE);
    field(cmd, "type", NULL, name);
    field_u64(cmd, "bandwidth", NULL, info.bandwidth, NULL);
    field_u64(cmd, "cur", NULL, info.cur, NULL);
    field_u64(cmd, "end", NULL, info.end, NULL);
    if (cmd_has(cmd, "raw")) {
        print(cmd, " type=%s\n bandwidth=%lu\n cur=%llu\n end=%llu\n", name, info.bandwidth, info.cur,
              info.end);
        return 0;
    }
    show_progress(cmd, name, info.end - info.cur, info.end);
    if (info.bandwidth) {
        const char *unit;
        double value = pretty_size(info.bandwidth, &unit);
        print(cmd, "    Bandwidth limit: %llu bytes/s (%-.3lf %s/s)", (unsigned long long)info.bandwidth,
              value, unit);
    }
    print(cmd, "\n");
    return 0;
}

static int run_blockjob(struct cmd *cmd)
{
    const char *path = NULL;
    unsigned long bandwidth = 0;
    bool abort_it = cmd_has(cmd, "abort") || cmd_has(cmd, "async") || cmd_has(cmd, "pivot");
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain || cmd_string(cmd, "path", &path) < 0)
        return -1;
    if (cmd_has(cmd, "bandwidth")) {
        if (take_bandwidth(cmd, &bandwidth) < 0)
            return -1;
        return virDomainBlockJobSetSpeed(
            domain, path, bandwidth, cmd_has(cmd, "bytes") ? VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES : 0);
    }
    if (abort_it)
        return virDomainBlockJobAbort(domain, path, cmd_flags(cmd));
    return job_info(cmd, domain, path);
}

const struct command cmd_blockjob = {
    "blockjob",
    "Manage active block operations",
    "Query, adjust speed, or cancel active block operations.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("path", "fully-qualified path of disk"),
            FLAG("abort", 0, "abort the active job on the specified disk"),
            FLAG("async", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC,
                 "implies --abort; request but don't wait for job end"),
            FLAG("pivot", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT,
                 "implies --abort; conclude and pivot a copy or commit job"),
            FLAG("info", 0, "get active job information for the specified disk"),
            FLAG("bytes", 0, "get/set bandwidth in bytes rather than MiB/s"),
            FLAG("raw", 0, "implies --info; output details rather than human summary"),
            NUMBER("bandwidth", "set the bandwidth limit in MiB/s")),
    .run = run_blockjob,
    .conflicts =
        "raw abort, raw async, raw pivot, raw bandwidth, info abort, info async, info pivot, info bandwidth, "
        "bytes abort, bytes async, bytes pivot",
    .json = "{type: string?, bandwidth: number?, cur: number?, end: number?, message: string?}",
};

/* ---- blockresize, domblkthreshold ------------------------------------------------------------------- */

static int run_blockresize(struct cmd *cmd)
{
    const char *path = NULL;
    unsigned long long size = 0;
    unsigned flags = cmd_flags(cmd);
    if (cmd_string(cmd, "path", &path) < 0 || cmd_scaled(cmd, "size", 1024, ULLONG_MAX, &size) < 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    /* KiB are what every server understands */
    if (size % 1024)
        flags |= VIR_DOMAIN_BLOCK_RESIZE_BYTES;
    else
        size /= 1024;
    if (virDomainBlockResize(domain, path, size, flags) < 0)
        return say_error(cmd, "Failed to resize block device '%s'", path);
    say(cmd, "Block device '%s' is resized", path);
    return 0;
}

const struct command cmd_blockresize = {
    "blockresize",
    "Resize block device of domain.",
    "Resize block device of domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("path", "Fully-qualified path of block device"),
            ARG_NUMBER("size", "New size of the block device, as scaled integer (default KiB)"),
            FLAG_NEW("capacity", VIR_DOMAIN_BLOCK_RESIZE_CAPACITY, ""),
            FLAG_NEW("extend", VIR_DOMAIN_BLOCK_RESIZE_EXTEND, "")),
    .run = run_blockresize,
};

static int run_domblkthreshold(struct cmd *cmd)
{
    const char *device = NULL;
    unsigned long long threshold = 0;
    if (cmd_string(cmd, "dev", &device) < 0 || cmd_scaled(cmd, "threshold", 1, ULLONG_MAX, &threshold) < 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    return virDomainSetBlockThreshold(domain, device, threshold, 0);
}

const struct command cmd_domblkthreshold = {
    "domblkthreshold",
    "set the threshold for block-threshold event for a given block device or it's backing chain element",
    "set threshold for block-threshold event for a block device",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), ARG("dev", "device to set threshold for"),
            ARG_NUMBER("threshold", "threshold as a scaled number (by default bytes)")),
    .run = run_domblkthreshold,
    .json = "",
};
