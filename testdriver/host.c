/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods about the host: all of it made up, and always the same. */
#define ERR_FROM ERR_FROM_TEST
#include <unistd.h>

#include "cpu/baseline.h"
#include "cpu/names.h"
#include "model/domain/os.h"
#include "testdriver/driver.h"

enum { DRIVER_VERSION = 2, VCPUS_MAX_OF_TEST = 32 };

static int m_open(struct req *rq, struct client *client, const struct remote_connect_get_type_in *in,
                  struct remote_connect_get_type_out *out)
{
    out->type = (char *)"TEST";
    return 0;
}

static int m_version(struct req *rq, struct client *client, const struct remote_connect_get_version_in *in,
                     struct remote_connect_get_version_out *out)
{
    out->hv_ver = DRIVER_VERSION;
    return 0;
}

static int m_hostname(struct req *rq, struct client *client, const struct remote_connect_get_hostname_in *in,
                      struct remote_connect_get_hostname_out *out)
{
    char name[256] = "";

    if (gethostname(name, sizeof(name) - 1) < 0)
        return err_set(rq->err, ERR_INTERNAL_ERROR, "failed to determine host name");
    out->hostname = arena_strdup(rq->arena, name);
    return 0;
}

static int m_max_vcpus(struct req *rq, struct client *client,
                       const struct remote_connect_get_max_vcpus_in *in,
                       struct remote_connect_get_max_vcpus_out *out)
{
    out->max_vcpus = VCPUS_MAX_OF_TEST;
    return 0;
}

static int m_node_info(struct req *rq, struct client *client, const struct remote_node_get_info_in *in,
                       struct remote_node_get_info_out *out)
{
    const struct node *node = &rq->world->node;

    for (size_t i = 0; node->model[i] && i < sizeof(out->model) / sizeof(out->model[0]) - 1; i++)
        out->model[i] = node->model[i];
    out->memory = node->memory;
    out->cpus = node->cpus;
    out->mhz = node->mhz;
    out->nodes = node->nodes;
    out->sockets = node->sockets;
    out->cores = node->cores;
    out->threads = node->threads;
    return 0;
}

static int m_sysinfo(struct req *rq, struct client *client, const struct remote_connect_get_sysinfo_in *in,
                     struct remote_connect_get_sysinfo_out *out)
{
    out->sysinfo = (char *)"<sysinfo type='smbios'>\n"
                           "  <bios>\n"
                           "    <entry name='vendor'>LENOVO</entry>\n"
                           "    <entry name='version'>G4ETA1WW (2.61 )</entry>\n"
                           "    <entry name='date'>05/07/2014</entry>\n"
                           "    <entry name='release'>2.61</entry>\n"
                           "  </bios>\n"
                           "</sysinfo>\n";
    return 0;
}

static int m_security_model(struct req *rq, struct client *client,
                            const struct remote_node_get_security_model_in *in,
                            struct remote_node_get_security_model_out *out)
{
    static const char model[] = "testSecurity";

    out->model.n = sizeof(model);
    out->model.v = ARENA_ARRAY(rq->arena, char, sizeof(model));
    memcpy(out->model.v, model, sizeof(model));
    out->doi.n = 1;
    out->doi.v = ARENA_ARRAY(rq->arena, char, 1);
    return 0;
}

static int m_cpu_map(struct req *rq, struct client *client, const struct remote_node_get_cpu_map_in *in,
                     struct remote_node_get_cpu_map_out *out)
{
    static const uint8_t online = 0x15; /* 0, 2 and 4 */

    out->cpumap.n = 1;
    out->cpumap.v = arena_dup(rq->arena, &online, 1);
    out->online = 3;
    out->ret = 8;
    return 0;
}

static int m_cpu_stats(struct req *rq, struct client *client, const struct remote_node_get_cpu_stats_in *in,
                       struct remote_node_get_cpu_stats_out *out)
{
    static const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{VIR_NODE_CPU_STATS_USER, 9797400000ull},
                {VIR_NODE_CPU_STATS_KERNEL, 34678723400000ull},
                {VIR_NODE_CPU_STATS_IDLE, 87264900000ull},
                {VIR_NODE_CPU_STATS_IOWAIT, 763600000ull}};

    out->nparams = ARRAY_SIZE(rows);
    if (!in->nparams)
        return 0;
    out->params.v = ARENA_ARRAY(rq->arena, __typeof__(*out->params.v), ARRAY_SIZE(rows));
    for (size_t i = 0; i < ARRAY_SIZE(rows) && (int)i < in->nparams; i++) {
        out->params.v[i].field = (char *)rows[i].name;
        out->params.v[i].value = rows[i].value;
        out->params.n++;
    }
    return 0;
}

/* What isn't given to the cells' half of the host. */
static int m_free_memory(struct req *rq, struct client *client,
                         const struct remote_node_get_free_memory_in *in,
                         struct remote_node_get_free_memory_out *out)
{
    const struct node *node = &rq->world->node;

    for (unsigned i = 0; i < node->n_cells; i++)
        out->free_mem += node->cells[i].memory / 2;
    return 0;
}

static int m_cells_free_memory(struct req *rq, struct client *client,
                               const struct remote_node_get_cells_free_memory_in *in,
                               struct remote_node_get_cells_free_memory_out *out)
{
    const struct node *node = &rq->world->node;

    if (in->start_cell < 0 || (unsigned)in->start_cell >= node->n_cells)
        return err_set(rq->err, ERR_INVALID_ARG, "Range exceeds available cells");
    out->cells.v = ARENA_ARRAY(rq->arena, uint64_t, node->n_cells);
    for (unsigned i = (unsigned)in->start_cell; i < node->n_cells && (int)out->cells.n < in->maxcells; i++)
        out->cells.v[out->cells.n++] = node->cells[i].memory;
    return 0;
}

/* Numbers that tell each page size and node from the others. */
static int m_free_pages(struct req *rq, struct client *client, const struct remote_node_get_free_pages_in *in,
                        struct remote_node_get_free_pages_out *out)
{
    uint64_t count = 6;

    out->counts.n = in->cell_count * in->pages.n;
    out->counts.v = ARENA_ARRAY(rq->arena, uint64_t, out->counts.n);
    for (uint32_t i = 0; i < out->counts.n; i++)
        out->counts.v[i] = count = count * 2 + 7;
    return 0;
}

/* ---- capabilities ---- */

static void cells_xml(struct buf *xml, const struct node *node)
{
    unsigned cpu = 0;

    buf_printf(xml, "      <cells num='%u'>\n", node->n_cells);
    for (unsigned i = 0; i < node->n_cells; i++) {
        const struct cell *cell = &node->cells[i];

        buf_printf(xml, "        <cell id='%u'>\n          <memory unit='KiB'>%llu</memory>\n", i,
                   (unsigned long long)cell->memory);
        for (size_t p = 0; p < ARRAY_SIZE(cell->pages); p++)
            buf_printf(xml, "          <pages unit='KiB' size='%u'>%llu</pages>\n", cell->pages[p].size,
                       (unsigned long long)cell->pages[p].count);
        buf_printf(xml, "          <cpus num='%u'>\n", cell->cpus);
        for (unsigned core = 0; core < cell->cpus; core++, cpu++)
            buf_printf(xml,
                       "            <cpu id='%u' socket_id='%u' die_id='0' core_id='%u' siblings='%u'/>\n",
                       cpu, i, core, cpu);
        buf_add_string(xml, "          </cpus>\n        </cell>\n");
    }
    buf_add_string(xml, "      </cells>\n");
}

static int m_capabilities(struct req *rq, struct client *client,
                          const struct remote_connect_get_capabilities_in *in,
                          struct remote_connect_get_capabilities_out *out)
{
    static const unsigned page_sizes[] = {4, 8, 2048, 1024 * 1024};
    static const char *const os_types[] = {"hvm", "xen"};
    auto_buf struct buf xml = {0};

    buf_add_string(&xml, "<capabilities>\n\n  <host>\n    <cpu>\n      <arch>i686</arch>\n      <features>\n"
                         "        <pae/>\n        <nonpae/>\n      </features>\n");
    for (size_t i = 0; i < ARRAY_SIZE(page_sizes); i++)
        buf_printf(&xml, "      <pages unit='KiB' size='%u'/>\n", page_sizes[i]);
    buf_add_string(&xml, "    </cpu>\n    <power_management/>\n    <iommu support='no'/>\n    <topology>\n");
    cells_xml(&xml, &rq->world->node);
    buf_add_string(&xml, "    </topology>\n    <secmodel>\n      <model>testSecurity</model>\n"
                         "      <doi></doi>\n    </secmodel>\n  </host>\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(os_types); i++)
        buf_printf(&xml,
                   "  <guest>\n    <os_type>%s</os_type>\n    <arch name='i686'>\n"
                   "      <wordsize>32</wordsize>\n      <emulator>/usr/bin/test-hv</emulator>\n"
                   "      <domain type='test'/>\n    </arch>\n    <features>\n      <pae/>\n"
                   "      <nonpae/>\n    </features>\n  </guest>\n\n",
                   os_types[i]);
    buf_add_string(&xml, "</capabilities>\n");
    out->capabilities = arena_strdup(rq->arena, buf_text(&xml));
    return 0;
}

/* ---- processors ---- */

static int m_cpu_models(struct req *rq, struct client *client,
                        const struct remote_connect_get_cpu_model_names_in *in,
                        struct remote_connect_get_cpu_model_names_out *out)
{
    const char *name;

    if (!os_arch_known(in->arch))
        return err_set(rq->err, ERR_INVALID_ARG, "cannot find architecture %s", in->arch);
    if (!cpu_names_known(in->arch))
        return err_set_from(rq->err, ERR_FROM_CPU, ERR_NO_SUPPORT,
                            "'%s' architecture is not supported by CPU driver", in->arch);
    for (unsigned i = 0; (name = cpu_name_at(in->arch, i)); i++) {
        out->ret++;
        if (!in->need_results)
            continue;
        out->models.v = arena_grow(rq->arena, out->models.v, out->models.n, sizeof(*out->models.v));
        out->models.v[out->models.n++] = (char *)name;
    }
    return 0;
}

static int m_baseline(struct req *rq, struct client *client, const struct remote_connect_baseline_cpu_in *in,
                      struct remote_connect_baseline_cpu_out *out)
{
    const struct cpu_baseline question = {
        .xmls = in->xml_cpus.v,
        .count = in->xml_cpus.n,
        .hosts_only = true,
        .expand = in->flags & VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES,
    };

    return cpu_baseline(rq->arena, &question, &out->cpu, rq->err);
}

static int m_is_secure(struct req *rq, struct client *client, const struct remote_connect_is_secure_in *in,
                       struct remote_connect_is_secure_out *out)
{
    out->secure = 1; /* nothing leaves the process */
    return 0;
}

const struct method host_methods[] = {
    METHOD(remote, CONNECT_GET_TYPE, m_open),
    METHOD(remote, CONNECT_GET_VERSION, m_version),
    METHOD(remote, CONNECT_IS_SECURE, m_is_secure),
    METHOD(remote, CONNECT_GET_HOSTNAME, m_hostname),
    METHOD(remote, CONNECT_GET_MAX_VCPUS, m_max_vcpus),
    METHOD(remote, CONNECT_GET_SYSINFO, m_sysinfo),
    METHOD(remote, CONNECT_GET_CAPABILITIES, m_capabilities),
    METHOD(remote, CONNECT_GET_CPU_MODEL_NAMES, m_cpu_models),
    METHOD(remote, CONNECT_BASELINE_CPU, m_baseline, VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES),
    METHOD(remote, NODE_GET_INFO, m_node_info),
    METHOD(remote, NODE_GET_SECURITY_MODEL, m_security_model),
    METHOD(remote, NODE_GET_CPU_MAP, m_cpu_map),
    METHOD(remote, NODE_GET_CPU_STATS, m_cpu_stats),
    METHOD(remote, NODE_GET_FREE_MEMORY, m_free_memory),
    METHOD(remote, NODE_GET_CELLS_FREE_MEMORY, m_cells_free_memory),
    METHOD(remote, NODE_GET_FREE_PAGES, m_free_pages),
    {0},
};
