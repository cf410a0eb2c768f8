/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calls SOCKET [CLIENTS [CALLS [PID]]]: how long a trivial call takes over a daemon's socket, and what it
 * costs the daemon (PID: where systemd listens for it). Each client is a thread that sends
 * connect_get_lib_version and waits for the answer, over and over. No library is involved, so the numbers are
 * the daemon's and the kernel's alone.
 */
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "protocol/remote.h"
#include "rpc/frame.h"

static const char *path;
static unsigned calls = 100000;
static pid_t daemon_pid;

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred cred;
    socklen_t length = sizeof(cred);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        perror(path);
        exit(1);
    }
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length);
    if (!daemon_pid)
        daemon_pid = cred.pid;
    return fd;
}

/* The arguments of connect_open. Returns their length. */
static size_t put_open(uint8_t *bytes)
{
    const char *name = strncmp(path, "/run/libvirt/", 13) ? "qemu:///session" : "qemu:///system";
    size_t length = strlen(name);

    frame_put_u32(bytes, 1);
    frame_put_u32(bytes + 4, (uint32_t)length);
    memcpy(bytes + 8, name, length);
    return 8 + (length + 3) / 4 * 4 + 4;
}

/* One call without arguments, or connect_open. */
static void call(int fd, int procedure)
{
    struct frame_header header = {.program = 0x20008086, .version = 1, .procedure = procedure, .serial = 1};
    uint8_t bytes[4096] = {0};
    size_t length = FRAME_HEADER + (procedure == REMOTE_CONNECT_OPEN ? put_open(bytes + FRAME_HEADER) : 0);
    ssize_t got = 0;

    frame_put(bytes, (uint32_t)length, &header);
    if (send(fd, bytes, length, 0) != (ssize_t)length)
        abort();
    for (size_t have = 0; have < 4 || have < frame_get_u32(bytes); have += (size_t)got) {
        got = recv(fd, bytes + have, sizeof(bytes) - have, 0);
        if (got <= 0) {
            fprintf(stderr, "the daemon hung up\n");
            exit(1);
        }
    }
    frame_get(bytes, &header);
    if (header.status != FRAME_OK) {
        fprintf(stderr, "procedure %d failed\n", procedure);
        exit(1);
    }
}

static void *client_main(void *arg)
{
    int fd = *(int *)arg;

    for (unsigned i = 0; i < calls; i++)
        call(fd, REMOTE_CONNECT_GET_LIB_VERSION);
    return NULL;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of processor time that all threads of the daemon have used, from their scheduler statistics. */
static double used(void)
{
    char name[300];
    unsigned long long sum = 0, nanoseconds;
    struct dirent *entry;
    DIR *tasks;

    snprintf(name, sizeof(name), "/proc/%d/task", (int)daemon_pid);
    tasks = opendir(name);
    while (tasks && (entry = readdir(tasks))) {
        FILE *file;

        snprintf(name, sizeof(name), "/proc/%d/task/%s/schedstat", (int)daemon_pid, entry->d_name);
        file = fopen(name, "r");
        if (file && fscanf(file, "%llu", &nanoseconds) == 1)
            sum += nanoseconds;
        if (file)
            fclose(file);
    }
    if (tasks)
        closedir(tasks);
    return (double)sum / 1e9;
}

int main(int argc, char **argv)
{
    unsigned clients = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    double start, cpu, elapsed;
    pthread_t *threads;
    int *fds;

    if (argc < 2 || !clients)
        return 2;
    path = argv[1];
    if (argc > 3)
        calls = (unsigned)strtoul(argv[3], NULL, 10);
    if (argc > 4)
        daemon_pid = (pid_t)strtol(argv[4], NULL, 10);
    threads = calloc(clients, sizeof(*threads));
    fds = calloc(clients, sizeof(*fds));
    for (unsigned i = 0; i < clients; i++) {
        fds[i] = dial();
        call(fds[i], REMOTE_AUTH_LIST);
        call(fds[i], REMOTE_CONNECT_OPEN);
    }
    cpu = used();
    start = now();
    for (unsigned i = 0; i < clients; i++)
        pthread_create(&threads[i], NULL, client_main, &fds[i]);
    for (unsigned i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    elapsed = now() - start;
    cpu = used() - cpu;
    printf(
        "%u clients, %u calls each: %.1f us a call, %.0f calls/s, %.2f us of the daemon's processor a call\n",
        clients, calls, elapsed * 1e6 / calls, clients * calls / elapsed,
        cpu * 1e6 / ((double)clients * calls));
    free(threads);
    free(fds);
    return 0;
}
