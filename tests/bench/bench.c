/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bench: one client of the public API that measures a daemon, ours or libvirt's alike. Each subcommand does
 * one measurement and prints `NAME VALUE UNIT` lines; tests/bench/run interleaves them on two hosts and
 * compares. It is linked with whatever libvirt.so.0 the host has, so that only the daemon differs.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

static const char *uri;
static const char *machine_xml; /* -x FILE: a domain document with @NAME@ and @UUID@ */

static _Noreturn void die(const char *what)
{
    const virError *error = virGetLastError();

    fprintf(stderr, "bench: %s: %s\n", what, error ? error->message : strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3; /* microseconds */
}

static void report(const char *name, double value, const char *unit)
{
    printf("%s %.3f %s\n", name, value, unit);
    fflush(stdout);
}

static virConnectPtr open_connection(void)
{
    virConnectPtr connection = virConnectOpen(uri);

    if (!connection)
        die("open");
    return connection;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), by_value);
    return values[count / 2];
}

/* user + system time of a process, in microseconds */
static double cpu_time(int pid)
{
    char path[64], line[1024];
    unsigned long user = 0, kernel = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    file = fopen(path, "re");
    if (!file || !fgets(line, sizeof(line), file))
        die(path);
    fclose(file);
    sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    return (double)(user + kernel) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static char *fill(const char *template, int number)
{
    char name[32], uuid[40], *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    snprintf(name, sizeof(name), "bench-%d", number);
    snprintf(uuid, sizeof(uuid), "be9c0000-0000-4000-8000-%012d", number);
    for (const char *at = template; *at; at++) {
        if (!strncmp(at, "@NAME@", 6)) {
            fputs(name, out);
            at += 5;
        } else if (!strncmp(at, "@UUID@", 6)) {
            fputs(uuid, out);
            at += 5;
        } else {
            fputc(*at, out);
        }
    }
    fclose(out);
    return text;
}

/* calls PID [COUNT]: round trip of a trivial call, and what it costs the server */
static void bench_calls(int argc, char **argv)
{
    int pid = atoi(argv[0]), count = argc > 1 ? atoi(argv[1]) : 20000;
    virConnectPtr connection = open_connection();
    double *took = calloc((size_t)count, sizeof(*took)), cpu;
    unsigned long version;

    for (int i = 0; i < 1000; i++)
        virConnectGetLibVersion(connection, &version);
    cpu = cpu_time(pid);
    for (int i = 0; i < count; i++) {
        double start = now();

        if (virConnectGetLibVersion(connection, &version) < 0)
            die("call");
        took[i] = now() - start;
    }
    cpu = cpu_time(pid) - cpu;
    report("call-latency", median(took, count), "us");
    report("call-server-cpu", cpu / count, "us");
    virConnectClose(connection);
    free(took);
}

struct caller {
    pthread_t thread;
    virConnectPtr connection;
    volatile int *stop;
    long calls;
};

static void *call_until_stopped(void *argument)
{
    struct caller *caller = argument;
    unsigned long version;

    while (!*caller->stop) {
        if (virConnectGetLibVersion(caller->connection, &version) < 0)
            die("call");
        caller->calls++;
    }
    return NULL;
}

/* clients [N]: calls a second that N connections reach together */
static void bench_clients(int argc, char **argv)
{
    int count = argc > 0 ? atoi(argv[0]) : 16;
    struct caller *callers = calloc((size_t)count, sizeof(*callers));
    volatile int stop = 0;
    double start, seconds;
    long calls = 0;

    for (int i = 0; i < count; i++)
        callers[i] = (struct caller){.connection = open_connection(), .stop = &stop};
    start = now();
    for (int i = 0; i < count; i++)
        pthread_create(&callers[i].thread, NULL, call_until_stopped, &callers[i]);
    usleep(1500000);
    stop = 1;
    for (int i = 0; i < count; i++) {
        pthread_join(callers[i].thread, NULL);
        calls += callers[i].calls;
    }
    seconds = (now() - start) / 1e6;
    report("clients-16-calls", (double)calls / seconds, "1/s");
    for (int i = 0; i < count; i++)
        virConnectClose(callers[i].connection);
    free(callers);
}

static void bench_open(int argc, char **argv)
{
    int count = argc > 0 ? atoi(argv[0]) : 300;
    double *took = calloc((size_t)count, sizeof(*took));
    virConnectPtr keep = open_connection(); /* so that the daemon's idle exit never starts */

    for (int i = 0; i < count; i++) {
        double start = now();

        virConnectClose(open_connection());
        took[i] = now() - start;
    }
    report("open-close", median(took, count), "us");
    virConnectClose(keep);
    free(took);
}

/* first: from nothing to the first answer; the runner stops the daemon before */
static void bench_first(int argc, char **argv)
{
    double start = now();
    virConnectPtr connection = open_connection();
    unsigned long version;

    (void)argc, (void)argv;
    if (virConnectGetLibVersion(connection, &version) < 0)
        die("call");
    report("cold-first-answer", (now() - start) / 1e3, "ms");
    virConnectClose(connection);
}

static int list_all(virConnectPtr connection)
{
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(connection, &domains, 0);

    if (count < 0)
        die("list");
    for (int i = 0; i < count; i++)
        virDomainFree(domains[i]);
    free(domains);
    return count;
}

/* first-list: from nothing to a list of all domains */
static void bench_first_list(int argc, char **argv)
{
    double start = now();
    virConnectPtr connection = open_connection();
    int count = list_all(connection);

    (void)argc, (void)argv;
    report("restart-first-list", (now() - start) / 1e3, "ms");
    report("restart-domains", count, "domains");
    virConnectClose(connection);
}

static void bench_list(int argc, char **argv)
{
    virConnectPtr connection = open_connection();
    double took[30];
    int count = 0;

    (void)argc, (void)argv;
    for (int i = 0; i < 30; i++) {
        double start = now();

        count = list_all(connection);
        took[i] = now() - start;
    }
    report("list-all", median(took, 30) / 1e3, "ms");
    report("list-domains", count, "domains");
    virConnectClose(connection);
}

/* define FROM COUNT */
static void bench_define(int argc, char **argv)
{
    int from = atoi(argv[0]), count = atoi(argv[1]);
    virConnectPtr connection = open_connection();
    double *took = calloc((size_t)count, sizeof(*took));

    (void)argc;
    for (int i = 0; i < count; i++) {
        char *xml = fill(machine_xml, from + i);
        double start = now();
        virDomainPtr domain = virDomainDefineXML(connection, xml);

        if (!domain)
            die("define");
        took[i] = now() - start;
        virDomainFree(domain);
        free(xml);
    }
    report("define", median(took, count) / 1e3, "ms");
    virConnectClose(connection);
    free(took);
}

static void bench_undefine(int argc, char **argv)
{
    virConnectPtr connection = open_connection();
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_INACTIVE);
    double start = now();

    (void)argc, (void)argv;
    for (int i = 0; i < count; i++) {
        if (!strncmp(virDomainGetName(domains[i]), "bench-", 6) && virDomainUndefine(domains[i]) < 0)
            die("undefine");
        virDomainFree(domains[i]);
    }
    if (count > 0)
        report("undefine", (now() - start) / 1e3 / count, "ms");
    free(domains);
    virConnectClose(connection);
}

static virDomainPtr start_machine(virConnectPtr connection, int number, double *ret_took)
{
    char *xml = fill(machine_xml, number);
    double start = now();
    virDomainPtr domain = virDomainCreateXML(connection, xml, 0);

    if (!domain)
        die("start");
    *ret_took = now() - start;
    free(xml);
    return domain;
}

/* one COUNT: a transient machine that has the host for itself, started and destroyed COUNT times */
static void bench_one(int argc, char **argv)
{
    int count = atoi(argv[0]);
    virConnectPtr connection = open_connection();
    double *started = calloc((size_t)count, sizeof(*started));
    double *destroyed = calloc((size_t)count, sizeof(*destroyed));

    (void)argc;
    for (int i = 0; i < count; i++) {
        virDomainPtr domain = start_machine(connection, 1, &started[i]);
        double start;

        usleep(50000); /* what is left of its start (systemd's scope) is over */
        start = now();
        if (virDomainDestroy(domain) < 0)
            die("destroy");
        destroyed[i] = now() - start;
        virDomainFree(domain);
        usleep(50000);
    }
    report("start", median(started, count) / 1e3, "ms");
    report("destroy", median(destroyed, count) / 1e3, "ms");
    virConnectClose(connection);
    free(started);
    free(destroyed);
}

/* start FROM COUNT: transient machines, started one by one; they stay */
static void bench_start(int argc, char **argv)
{
    int from = atoi(argv[0]), count = atoi(argv[1]);
    virConnectPtr connection = open_connection();
    double *took = calloc((size_t)count, sizeof(*took)), total = now();

    (void)argc;
    for (int i = 0; i < count; i++)
        virDomainFree(start_machine(connection, from + i, &took[i]));
    report("start-total", (now() - total) / 1e3, "ms");
    report("start-beside", median(took, count) / 1e3, "ms");
    virConnectClose(connection);
    free(took);
}

/* destroy: all machines of ours that run */
static void bench_destroy(int argc, char **argv)
{
    virConnectPtr connection = open_connection();
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE), done = 0;
    double *took = calloc((size_t)count + 1, sizeof(*took));

    (void)argc, (void)argv;
    for (int i = 0; i < count; i++) {
        double start = now();

        if (strncmp(virDomainGetName(domains[i]), "bench-", 6))
            continue;
        if (virDomainDestroy(domains[i]) < 0)
            die("destroy");
        took[done++] = now() - start;
        virDomainFree(domains[i]);
    }
    if (done)
        report("destroy-beside", median(took, done) / 1e3, "ms");
    free(took);
    free(domains);
    virConnectClose(connection);
}

static void bench_stats(int argc, char **argv)
{
    virConnectPtr connection = open_connection();
    double took[20];
    int count = 0;

    (void)argc, (void)argv;
    for (int i = 0; i < 20; i++) {
        virDomainStatsRecordPtr *records = NULL;
        double start = now();

        count = virConnectGetAllDomainStats(connection, 0, &records, 0);
        if (count < 0)
            die("stats");
        took[i] = now() - start;
        virDomainStatsRecordListFree(records);
    }
    report("bulk-stats", median(took, 20) / 1e3, "ms");
    report("bulk-stats-domains", count, "domains");
    virConnectClose(connection);
}

static double event_at;

static int on_event(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *opaque)
{
    (void)connection, (void)domain, (void)detail, (void)opaque;
    if (event == VIR_DOMAIN_EVENT_SUSPENDED)
        event_at = now();
    return 0;
}

static void *run_loop(void *unused)
{
    for (;;)
        virEventRunDefaultImpl();
    return unused;
}

/* suspend NUMBER: from the call of suspend to its event on another connection */
static void bench_suspend(int argc, char **argv)
{
    char name[32];
    virConnectPtr watcher, actor;
    virDomainPtr domain;
    double took[40], call[40];
    pthread_t thread;

    (void)argc;
    snprintf(name, sizeof(name), "bench-%s", argv[0]);
    virEventRegisterDefaultImpl();
    watcher = open_connection();
    actor = open_connection();
    if (virConnectDomainEventRegisterAny(watcher, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_event), NULL, NULL) < 0)
        die("events");
    pthread_create(&thread, NULL, run_loop, NULL);
    if (!(domain = virDomainLookupByName(actor, name)))
        die(name);
    for (int i = 0; i < 40; i++) {
        double start = now(), answered;

        event_at = 0;
        if (virDomainSuspend(domain) < 0)
            die("suspend");
        answered = now();
        while (!*(volatile double *)&event_at && now() - answered < 1e6)
            usleep(20);
        call[i] = answered - start;
        took[i] = event_at - start;
        virDomainResume(domain);
    }
    report("suspend", median(call, 40) / 1e3, "ms");
    report("suspend-to-event", median(took, 40) / 1e3, "ms");
    exit(0);
}

/* pss PID */
static void bench_pss(int argc, char **argv)
{
    char path[64], line[256];
    long kib = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%s/smaps_rollup", argv[0]);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "Pss: %ld", &kib) == 1)
            break;
    if (kib < 0)
        die(path);
    fclose(file);
    report(argc > 1 ? argv[1] : "pss", (double)kib / 1024, "MiB");
}

/* What stands at the other end of `bare`: the least that a server of many clients does for a call. */
static _Noreturn void bare_server(int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    int poll = epoll_create1(0);
    char frame[28];

    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    while (epoll_wait(poll, &event, 1, -1) == 1 && recv(fd, frame, sizeof(frame), MSG_DONTWAIT) > 0)
        if (send(fd, frame, sizeof(frame), 0) < 0)
            break;
    _exit(0);
}

/* bare: frames of 28 bytes to such a server and back: the floor of every call, in time and in its processor's
 */
static void bench_bare(int argc, char **argv)
{
    int pair[2], count = 20000;
    double *took = calloc((size_t)count, sizeof(*took)), cpu;
    char frame[28] = {0};
    pid_t child;

    (void)argc, (void)argv;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || (child = fork()) < 0)
        die("bare");
    if (child == 0) {
        close(pair[0]);
        bare_server(pair[1]);
    }
    close(pair[1]);
    cpu = cpu_time(child);
    for (int i = 0; i < count; i++) {
        double start = now();

        if (write(pair[0], frame, sizeof(frame)) < 0 || read(pair[0], frame, sizeof(frame)) < 0)
            die("bare");
        took[i] = now() - start;
    }
    cpu = cpu_time(child) - cpu;
    report("bare-latency", median(took, count), "us");
    report("bare-server-cpu", cpu / count, "us");
    close(pair[0]);
    waitpid(child, NULL, 0);
    free(took);
}

/* load: from exec to the end of a program that does nothing but load the library */
static void bench_load(int argc, char **argv)
{
    double took[50];

    (void)argc, (void)argv;
    for (int i = 0; i < 50; i++) {
        double start = now();
        pid_t child = fork();

        if (child == 0) {
            execl("/proc/self/exe", "bench", "none", NULL);
            _exit(127);
        }
        if (child < 0 || waitpid(child, NULL, 0) < 0)
            die("load");
        took[i] = now() - start;
    }
    report("load", median(took, 50) / 1e3, "ms");
}

static void bench_none(int argc, char **argv)
{
    (void)argc, (void)argv;
}

/* Read from a monitor until this text has come. */
static void await_text(int fd, const char *wanted)
{
    char text[65536] = "";
    size_t length = 0;

    while (!strstr(text, wanted)) {
        ssize_t got = read(fd, text + length, sizeof(text) - 1 - length);

        if (got <= 0)
            die("QEMU ended early");
        length += (size_t)got;
        text[length] = '\0';
    }
}

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        die("alone");
}

/*
 * alone COUNT PROGRAM ARGUMENT...: QEMU without a daemon: from exec to the answer of "cont" on its monitor,
 * from "stop" to its event, from SIGTERM to its end
 */
static void bench_alone(int argc, char **argv)
{
    int count = atoi(argv[0]);
    double *took = calloc((size_t)count * 3, sizeof(*took)), *stopped = took + count,
           *ended = stopped + count;

    (void)argc;
    for (int i = 0; i < count; i++) {
        int to[2], from[2];
        double start = now();
        pid_t child;

        if (pipe(to) < 0 || pipe(from) < 0 || (child = fork()) < 0)
            die("alone");
        if (child == 0) {
            dup2(to[0], STDIN_FILENO);
            dup2(from[1], STDOUT_FILENO);
            dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
            close(to[1]);
            close(from[0]);
            execvp(argv[1], argv + 1);
            _exit(127);
        }
        close(to[0]);
        close(from[1]);
        say(to[1], "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"cont\",\"id\":1}");
        await_text(from[0], "\"id\": 1");
        took[i] = now() - start;
        usleep(50000);
        start = now();
        say(to[1], "{\"execute\":\"stop\"}");
        await_text(from[0], "\"STOP\"");
        stopped[i] = now() - start;
        start = now();
        kill(child, SIGTERM);
        waitpid(child, NULL, 0);
        ended[i] = now() - start;
        close(to[1]);
        close(from[0]);
    }
    report("qemu-alone", median(took, count) / 1e3, "ms");
    report("qemu-alone-stop", median(stopped, count) / 1e3, "ms");
    report("qemu-alone-end", median(ended, count) / 1e3, "ms");
    free(took);
}

/* info NAME: latency of calls on one domain (beside a stopped one) */
static void bench_info(int argc, char **argv)
{
    virConnectPtr connection = open_connection();
    virDomainPtr domain = virDomainLookupByName(connection, argv[0]);
    double took[500], worst = 0;
    virDomainInfo info;

    (void)argc;
    if (!domain)
        die(argv[0]);
    for (int i = 0; i < 500; i++) {
        double start = now();

        if (virDomainGetInfo(domain, &info) < 0)
            die("info");
        took[i] = now() - start;
        if (took[i] > worst)
            worst = took[i];
    }
    report("info", median(took, 500), "us");
    report("info-worst", worst, "us");
    virConnectClose(connection);
}

static const struct {
    const char *name;
    void (*run)(int argc, char **argv);
    int arguments;
} benches[] = {
    {"calls", bench_calls, 1},     {"clients", bench_clients, 0}, {"open", bench_open, 0},
    {"first", bench_first, 0},     {"list", bench_list, 0},       {"first-list", bench_first_list, 0},
    {"define", bench_define, 2},   {"start", bench_start, 2},     {"undefine", bench_undefine, 0},
    {"destroy", bench_destroy, 0}, {"stats", bench_stats, 0},     {"suspend", bench_suspend, 1},
    {"pss", bench_pss, 1},         {"bare", bench_bare, 0},       {"info", bench_info, 1},
    {"alone", bench_alone, 2},     {"one", bench_one, 1},         {"load", bench_load, 0},
    {"none", bench_none, 0},
};

static char *read_file(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");

    if (!file || getdelim(&text, &size, '\0', file) < 0)
        die(path);
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "+c:x:")) > 0) {
        if (option == 'c')
            uri = optarg;
        else if (option == 'x')
            machine_xml = read_file(optarg);
        else
            return 2;
    }
    argc -= optind;
    argv += optind;
    for (size_t i = 0; argc > 0 && i < sizeof(benches) / sizeof(benches[0]); i++) {
        if (strcmp(benches[i].name, argv[0]) || argc - 1 < benches[i].arguments)
            continue;
        benches[i].run(argc - 1, argv + 1);
        return 0;
    }
    fprintf(stderr, "usage: bench [-c URI] [-x XML] SUBCOMMAND [ARGUMENT...]\n");
    return 2;
}
