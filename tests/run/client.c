/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Client: a bit of everything that programs do with the library, for tools that watch memory and threads
 * (valgrind): many threads on one connection and with their own, while another one runs the event loop.
 * client URI: 0 when all of it went as it should.
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char machine[] = "<domain type='qemu'><name>watched</name><memory unit='MiB'>32</memory>"
                              "<os><type arch='x86_64' machine='q35'>hvm</type></os>"
                              "<devices><console type='pty'/></devices></domain>";

static atomic_int failures;
static atomic_bool over;
#define EXPECT(what)                                                                                         \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #what, virGetLastErrorMessage());                 \
            failures++;                                                                                      \
        }                                                                                                    \
    } while (0)

static void quiet(void *opaque, virErrorPtr error)
{
}

static int on_event(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *opaque)
{
    atomic_fetch_add((atomic_int *)opaque, 1);
    return 0;
}

static void on_closed(virConnectPtr conn, int reason, void *opaque)
{
}

static void on_time(int timer, void *opaque)
{
    atomic_fetch_add((atomic_int *)opaque, 1);
}

static void *run_loop(void *unused)
{
    while (!over)
        EXPECT(virEventRunDefaultImpl() == 0);
    return NULL;
}

/* Its own connection, with callbacks that come and go while the loop runs. */
static void *come_and_go(void *uri)
{
    for (int i = 0; i < 5; i++) {
        virConnectPtr conn = virConnectOpen(uri);
        atomic_int seen = 0;
        int id;

        EXPECT(conn && virConnectRef(conn) == 0);
        EXPECT(virConnectSetKeepAlive(conn, 5, 3) == 0);
        id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                              VIR_DOMAIN_EVENT_CALLBACK(on_event), &seen, NULL);
        EXPECT(id >= 0 && virConnectIsAlive(conn) == 1);
        EXPECT(virConnectDomainEventDeregisterAny(conn, id) == 0);
        EXPECT(virConnectClose(conn) == 1 && virConnectClose(conn) == 0);
    }
    return NULL;
}

static void *many_calls(void *conn)
{
    for (int i = 0; i < 50; i++) {
        char *host = virConnectGetHostname(conn);

        EXPECT(host);
        free(host);
        EXPECT(!virDomainLookupByName(conn, "nobody") && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN);
    }
    return NULL;
}

static void threads(virConnectPtr conn, char *uri)
{
    pthread_t ids[6];

    for (size_t i = 0; i < 6; i++)
        pthread_create(&ids[i], NULL, i < 4 ? many_calls : come_and_go, i < 4 ? (void *)conn : uri);
    for (size_t i = 0; i < 6; i++)
        pthread_join(ids[i], NULL);
}

static void lists(virConnectPtr conn)
{
    virDomainStatsRecordPtr *records = NULL;
    virDomainPtr *domains = NULL;
    char *names[4];
    int n = virConnectListAllDomains(conn, &domains, 0);

    EXPECT(n == 1);
    for (int i = 0; i < n; i++)
        virDomainFree(domains[i]);
    free(domains);
    n = virConnectListDefinedDomains(conn, names, 4);
    for (int i = 0; i < n; i++)
        free(names[i]);
    EXPECT(virConnectGetAllDomainStats(conn, 0, &records, 0) == 1);
    virDomainStatsRecordListFree(records);
}

static void texts(virConnectPtr conn, virDomainPtr domain)
{
    char *xml = virDomainGetXMLDesc(domain, 0), *caps = virConnectGetCapabilities(conn);
    char *uri = virConnectGetURI(conn), *title = NULL;

    EXPECT(xml && strstr(xml, "watched") && caps && uri && virConnectGetType(conn));
    EXPECT(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_TITLE, "seen", NULL, NULL, 0) == 0);
    title = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_TITLE, NULL, 0);
    EXPECT(title && !strcmp(title, "seen"));
    free(xml);
    free(caps);
    free(uri);
    free(title);
}

static void run(virDomainPtr domain)
{
    virStreamPtr stream = virStreamNew(virDomainGetConnect(domain), 0);
    virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
    int state;

    EXPECT(virDomainCreate(domain) == 0);
    EXPECT(virDomainGetState(domain, &state, NULL, 0) == 0 && state == VIR_DOMAIN_RUNNING);
    EXPECT(virDomainMemoryStats(domain, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0) > 0);
    EXPECT(virDomainOpenConsole(domain, NULL, stream, 0) == 0);
    EXPECT(virStreamAbort(stream) == 0);
    virStreamFree(stream);
    EXPECT(virDomainDestroy(domain) == 0);
}

static void parameters(void)
{
    virTypedParameterPtr params = NULL;
    const char *text = NULL;
    int n = 0, room = 0;

    EXPECT(virTypedParamsAddString(&params, &n, &room, "name", "value") == 0);
    EXPECT(virTypedParamsAddULLong(&params, &n, &room, "number", 1) == 0);
    EXPECT(virTypedParamsGetString(params, n, "name", &text) == 1 && !strcmp(text, "value"));
    virTypedParamsFree(params, n);
}

int main(int argc, char **argv)
{
    virDomainPtr domain;
    atomic_int seen = 0, ticks = 0;
    virConnectPtr conn;
    pthread_t loop;
    int id, timer;

    virSetErrorFunc(NULL, quiet);
    EXPECT(virEventRegisterDefaultImpl() == 0);
    EXPECT(!virConnectOpen("qemu:///nowhere?socket=/nowhere"));
    conn = argc == 2 ? virConnectOpen(argv[1]) : NULL;
    EXPECT(conn);
    if (!conn)
        return 1;
    EXPECT(virConnectRegisterCloseCallback(conn, on_closed, NULL, NULL) == 0);
    id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                          VIR_DOMAIN_EVENT_CALLBACK(on_event), &seen, NULL);
    EXPECT(id >= 0);
    EXPECT(!virDomainDefineXML(conn, "<domain>"));
    domain = virDomainDefineXML(conn, machine);
    EXPECT(domain);
    timer = virEventAddTimeout(1, on_time, &ticks, NULL);
    EXPECT(timer > 0);
    pthread_create(&loop, NULL, run_loop, NULL);
    threads(conn, argv[1]);
    lists(conn);
    texts(conn, domain);
    run(domain);
    parameters();
    while (seen < 4 || !ticks) /* defined, started, stopped and what lies between */
        sched_yield();
    over = true; /* the timer wakes the loop once more */
    pthread_join(loop, NULL);
    EXPECT(virEventRemoveTimeout(timer) == 0);
    EXPECT(virDomainUndefine(domain) == 0);
    virDomainFree(domain);
    EXPECT(virConnectDomainEventDeregisterAny(conn, id) == 0);
    EXPECT(virConnectUnregisterCloseCallback(conn, on_closed) == 0);
    EXPECT(virConnectClose(conn) == 0);
    return failures != 0;
}
