/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Worlds: from a document <node> to a host with machines, networks, interfaces, pools and devices. The
 * built-in world is such a document, too. An element may name a file that holds it: <domain file='a.xml'/>,
 * beside the document.
 */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/world.h"

#include <fcntl.h>

#include "base/file.h"

static const char default_world[] =
    "<node>"
    "<domain type='test'><name>test</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>"
    "<memory>8388608</memory><currentMemory>2097152</currentMemory><vcpu>2</vcpu>"
    "<os><type>hvm</type></os>"
    "<devices>"
    "<disk type='file'><source file='/guest/diskimage1'/><target dev='vda' bus='virtio'/>"
    "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></disk>"
    "<interface type='network'><mac address='aa:bb:cc:dd:ee:ff'/><source network='default' bridge='virbr0'/>"
    "<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/></interface>"
    "<memballoon model='virtio'>"
    "<address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/></memballoon>"
    "</devices></domain>"
    "<network><name>default</name><uuid>dd8fe884-6c02-601e-7551-cca97df1c5df</uuid>"
    "<bridge name='virbr0'/><forward/><ip address='192.168.122.1' netmask='255.255.255.0'>"
    "<dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip></network>"
    "<interface type='ethernet' name='eth1'><start mode='onboot'/><mac address='aa:bb:cc:dd:ee:ff'/>"
    "<mtu size='1492'/><protocol family='ipv4'><ip address='192.168.0.5' prefix='24'/>"
    "<route gateway='192.168.0.1'/></protocol></interface>"
    "<pool type='dir'><name>default-pool</name><uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>"
    "<target><path>/default-pool</path></target></pool>"
    "<device><name>computer</name><capability type='system'>"
    "<hardware><vendor>Libvirt</vendor><version>Test driver</version><serial>123456</serial>"
    "<uuid>11111111-2222-3333-4444-555555555555</uuid></hardware>"
    "<firmware><vendor>Libvirt</vendor><version>Test Driver</version>"
    "<release_date>01/22/2007</release_date></firmware></capability></device>"
    "<device><name>scsi_host1</name><parent>computer</parent>"
    "<capability type='scsi_host'><host>1</host><unique_id>0</unique_id>"
    "<capability type='fc_host'><wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn>"
    "<fabric_wwn>2000000043214321</fabric_wwn></capability>"
    "<capability type='vport_ops'><max_vports>0</max_vports><vports>0</vports></capability>"
    "</capability></device>"
    "<device><name>scsi_host2</name><parent>computer</parent>"
    "<capability type='scsi_host'><host>2</host><unique_id>1</unique_id>"
    "<capability type='fc_host'><wwnn>2000000056785678</wwnn><wwpn>1000000056785678</wwpn>"
    "<fabric_wwn>2000000087658765</fabric_wwn></capability>"
    "<capability type='vport_ops'><max_vports>0</max_vports><vports>0</vports></capability>"
    "</capability></device>"
    "<device><name>scsi_host11</name><parent>scsi_host1</parent>"
    "<capability type='scsi_host'><host>11</host><unique_id>10</unique_id>"
    "<capability type='fc_host'><wwnn>2000000034563456</wwnn><wwpn>1000000034563456</wwpn>"
    "<fabric_wwn>2000000043214321</fabric_wwn></capability></capability></device>"
    "</node>";

static const struct node default_node = {.model = "i686",
                                         .memory = 3 * 1024 * 1024,
                                         .cpus = 16,
                                         .mhz = 1400,
                                         .nodes = 2,
                                         .sockets = 2,
                                         .cores = 2,
                                         .threads = 2};

/* The built-in host's NUMA cells: twice the memory in the second, which has pages of its own size. */
static void fill_cells(struct node *node)
{
    node->n_cells = 2;
    for (unsigned i = 0; i < 2; i++) {
        struct cell *cell = &node->cells[i];

        cell->cpus = 8;
        cell->memory = (uint64_t)(i + 1) * 2048 * 1024;
        cell->pages[0] = (struct cell_pages){(i + 1) * 4, 2048 * 1024 / 4};
        cell->pages[1] = (struct cell_pages){2048, 0};
        cell->pages[2] = (struct cell_pages){1024 * 1024, 0};
    }
}

/* ---- the host itself ---- */

static int number(struct xml_node *node, const char *name, const char *what, struct arena *arena, int *ret,
                  struct err *err)
{
    struct xml_node *child = xml_child(node, name);
    int32_t value;

    if (!child)
        return 0;
    if (str_to_i32(xml_text(child, arena), &value) < 0 || value < 0)
        return err_set(err, ERR_XML_ERROR, "invalid node cpu %s value", what);
    *ret = value;
    return 0;
}

static int load_cpu(struct world *world, struct xml_node *cpu, struct arena *arena, struct err *err)
{
    struct node *node = &world->node;
    struct xml_node *model = xml_child(cpu, "model"), *active = xml_child(cpu, "active");
    int r;

    if (number(cpu, "nodes", "nodes", arena, &node->nodes, err) < 0 ||
        number(cpu, "sockets", "sockets", arena, &node->sockets, err) < 0 ||
        number(cpu, "cores", "cores", arena, &node->cores, err) < 0 ||
        number(cpu, "threads", "threads", arena, &node->threads, err) < 0 ||
        number(cpu, "mhz", "mhz", arena, &node->mhz, err) < 0)
        return -1;
    node->cpus = node->cores * node->threads * node->sockets * node->nodes;
    if (active) {
        r = number(cpu, "active", "active", arena, &node->cpus, err);
        if (r < 0)
            return -1;
    }
    if (model) {
        const char *text = xml_text(model, arena);

        if (strlen(text) >= sizeof(node->model))
            return err_set(err, ERR_INTERNAL_ERROR, "Model %s too big for destination", text);
        memcpy(node->model, text, strlen(text) + 1);
    }
    return 0;
}

static int load_users(struct world *world, struct xml_node *auth, struct err *err)
{
    for (struct xml_node *user = xml_child(auth, "user"); user; user = xml_next(user, "user")) {
        struct user *to;

        world->users = arena_grow(&world->arena, world->users, world->n_users, sizeof(*world->users));
        to = &world->users[world->n_users++];
        to->name = arena_strdup(&world->arena, xml_text(user, &world->arena));
        to->password = arena_strdup(&world->arena, xml_attr(user, "password"));
        if (!*to->name)
            return err_set(err, ERR_XML_ERROR, "missing username in /node/auth/user field");
    }
    return 0;
}

static int load_host(struct world *world, struct xml_node *root, struct arena *arena, struct err *err)
{
    struct xml_node *cpu = xml_child(root, "cpu"), *memory = xml_child(root, "memory"),
                    *auth = xml_child(root, "auth");

    if (cpu && load_cpu(world, cpu, arena, err) < 0)
        return -1;
    if (memory && str_to_u64(xml_text(memory, arena), &world->node.memory) < 0)
        return err_set(err, ERR_XML_ERROR, "invalid node memory value");
    return auth ? load_users(world, auth, err) : 0;
}

/* ---- what is on it ---- */

static const struct xml_namespace namespaces[] = {{"test", "http://libvirt.org/schemas/domain/test/1.0"},
                                                  {0}};

/* A path that an element names is beside the document. */
static const char *beside(const char *folder, const char *file, struct arena *arena)
{
    return *file == '/' || !folder ? file : arena_printf(arena, "%s/%s", folder, file);
}

int world_read(const struct world_load *load, const char *file, struct buf *ret)
{
    auto_arena struct arena arena = {0};
    const char *path = beside(load->folder, file, &arena);

    if (file_read(AT_FDCWD, path, XML_SIZE_MAX, ret) < 0)
        return err_set(load->err, ERR_XML_ERROR, "failed to parse xml document '%s'", path);
    return 0;
}

static int read_document(const char *path, struct arena *arena, struct buf *text, struct xml_node **ret,
                         struct err *err)
{
    int r = file_read(AT_FDCWD, path, XML_SIZE_MAX, text);

    if (r < 0)
        return err_set(err, ERR_XML_ERROR, "failed to parse xml document '%s'", path);
    *ret = xml_parse(arena, buf_text(text), text->length, path, namespaces, err);
    return *ret ? 0 : -1;
}

/* Namespaces declared further up, so that the element can stand alone. */
static void take_namespaces(struct xml_node *node, struct arena *arena)
{
    for (const struct xml_node *parent = node->parent; parent; parent = parent->parent)
        for (const struct xml_attr *attr = parent->attrs; attr; attr = attr->next)
            if (str_after(attr->name, "xmlns:")) {
                struct xml_attr *copy = arena_dup(arena, attr, sizeof(*attr));

                copy->next = node->attrs;
                node->attrs = copy;
            }
}

/* An element of another file, or of this one written again as a document of its own. */
static int take_element(struct xml_node *node, struct arena *arena, struct world_load *load, struct buf *text)
{
    const char *file = xml_attr(node, "file");

    if (file) {
        const char *path = beside(load->folder, file, arena);

        if (read_document(path, arena, text, &load->node, load->err) < 0)
            return -1;
    } else {
        load->node = node;
        take_namespaces(node, arena);
        xml_format(node, 0, text);
    }
    load->text = buf_text(text);
    return 0;
}

static int load_all(struct world *world, struct xml_node *root, const char *folder, struct arena *arena,
                    struct err *err)
{
    static const struct {
        const char *element;
        int (*load)(const struct world_load *load);
    } kinds[] = {{"domain", load_vm},
                 {"network", load_network},
                 {"interface", load_interface},
                 {"pool", load_pool},
                 {"device", load_device}};

    if (!str_eq(root->name, "node"))
        return err_set_from(err, ERR_FROM_XML, ERR_XML_ERROR, "expecting root element of 'node', not '%s'",
                            root->name);
    if (load_host(world, root, arena, err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (struct xml_node *node = xml_child(root, kinds[i].element); node;
             node = xml_next(node, kinds[i].element)) {
            struct world_load load = {.world = world, .folder = folder, .err = err};
            auto_buf struct buf text = {0};

            if (take_element(node, arena, &load, &text) < 0 || kinds[i].load(&load) < 0)
                return -1;
        }
    return 0;
}

int world_fill_default(struct world *world, struct err *err)
{
    auto_arena struct arena arena = {0};
    struct xml_node *root =
        xml_parse(&arena, default_world, sizeof(default_world) - 1, "(test:///default)", namespaces, err);

    world->node = default_node;
    fill_cells(&world->node);
    return root ? load_all(world, root, NULL, &arena, err) : -1;
}

int world_fill_file(struct world *world, const char *path, struct err *err)
{
    auto_arena struct arena arena = {0};
    auto_buf struct buf text = {0};
    struct xml_node *root;
    char *folder = arena_strdup(&arena, path);

    if (strrchr(folder, '/'))
        *strrchr(folder, '/') = '\0';
    world->node = default_node;
    if (read_document(path, &arena, &text, &root, err) < 0)
        return -1;
    return load_all(world, root, folder, &arena, err);
}

void world_free(struct world *world)
{
    vms_free(world);
    networks_free(world);
    interfaces_free(&world->interfaces);
    interfaces_free(&world->saved_interfaces);
    pools_free(world);
    devices_free(world);
    arena_done(&world->arena);
    pthread_mutex_destroy(&world->lock);
    free(world);
}
