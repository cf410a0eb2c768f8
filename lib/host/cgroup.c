/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding, making and filling groups; the knobs in them are in cgroup-key.c. A group is known by its
 * directories: v1 has one per controller, v2 one for all, whose "cgroup.controllers" says which ones count
 * there.
 */
#include "host/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "host/sysfs.h"

enum { TABLE_MAX = 4 << 20 }; /* mountinfo of a host with thousands of containers */

/* v1's names, which are also what mount options and /proc/PID/cgroup say. */
const char *const cgroup_controller_names[] = {"cpu",     "cpuacct", "cpuset", "memory",       "devices",
                                               "freezer", "blkio",   "pids",   "name=systemd", NULL};
/* Those that v1's groups of threads have; v2 decides itself. */
static const bool of_threads[CGROUP_CONTROLLER_MAX] = {
    [CGROUP_CPU] = true, [CGROUP_CPUACCT] = true, [CGROUP_CPUSET] = true};
/* v2's, NULL: part of the core there, "": not there. */
static const char *const v2_names[CGROUP_CONTROLLER_MAX] = {
    [CGROUP_CPU] = "cpu",       [CGROUP_CPUACCT] = NULL, [CGROUP_CPUSET] = "cpuset",
    [CGROUP_MEMORY] = "memory", [CGROUP_DEVICES] = "",   [CGROUP_FREEZER] = NULL,
    [CGROUP_BLKIO] = "io",      [CGROUP_PIDS] = "pids",  [CGROUP_SYSTEMD] = NULL,
};

void cgroup_done(struct cgroup *group)
{
    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++)
        free(TAKE(group->at[i].path));
}

bool cgroup_has(const struct cgroup *group, enum cgroup_controller controller)
{
    return group->at[controller].path != NULL;
}

bool cgroup_empty(const struct cgroup *group)
{
    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++)
        if (group->at[i].path)
            return false;
    return true;
}

/* Is `word` one of the words of a list? */
static bool lists(const char *list, const char *word, char separator)
{
    size_t length = strlen(word);

    for (const char *at = list; at && *at; at = strchr(at, separator) ? strchr(at, separator) + 1 : NULL)
        if (!strncmp(at, word, length) && (at[length] == separator || !at[length]))
            return true;
    return false;
}

/* Put the controllers of a v2 directory in their places. */
static void place_v2(struct cgroup *group, const char *path)
{
    char controllers[SYSFS_TEXT_MAX];

    if (sysfs_read(controllers, sizeof(controllers), path, "/cgroup.controllers") < 0)
        return;
    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++)
        if (!group->at[i].path && (!v2_names[i] || (*v2_names[i] && lists(controllers, v2_names[i], ' '))))
            group->at[i] = (struct cgroup_place){.path = mem_strdup(path), .v2 = true};
}

/* The group of a hierarchy that /proc/PID/cgroup names: "8:cpu,cpuacct:/a/b"; v2 is "0::/a/b". The caller
 * frees. */
static char *member_path(const char *table, const char *controller)
{
    for (const char *line = table; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

        if (!path)
            continue;
        names++;
        auto_free char *list = mem_strndup(names, (size_t)(path - names));

        if (*controller ? lists(list, controller, ',') : !*list)
            return mem_strndup(path + 1, strcspn(path + 1, "\n"));
    }
    return NULL;
}

/* One line of mountinfo that mounts a hierarchy. */
struct mount {
    char *root, *point; /* what of the hierarchy is mounted where */
    char *options;
    bool v2;
};

/* Cuts the line in place; false when it is of another kind. */
static bool mount_read(char *line, struct mount *ret)
{
    enum { ROOT = 3, POINT = 4, BEFORE_DASH = 6 };
    char *field[BEFORE_DASH], *tail = strstr(line, " - ");

    if (!tail)
        return false;
    *tail = '\0';
    tail += 3;
    for (int i = 0; i < BEFORE_DASH; i++)
        if (!(field[i] = strsep(&line, " ")))
            return false;
    const char *type = strsep(&tail, " ");

    if (!str_eq(type, "cgroup") && !str_eq(type, "cgroup2"))
        return false;
    (void)strsep(&tail, " "); /* the source: any word */
    *ret = (struct mount){field[ROOT], field[POINT], tail ? tail : (char *)"", str_eq(type, "cgroup2")};
    return true;
}

/* Where a group of that hierarchy appears beneath a mount; a group outside of what is mounted can't be
 * reached. */
static char *visible_path(const struct mount *mount, const char *root, const char *member)
{
    const char *rest = str_eq(mount->root, "/") ? member : str_after(member, mount->root);

    if (!rest || (*rest && *rest != '/'))
        rest = ""; /* a namespace shows the parent as "/../.."; the mount's own root is the best there is */
    return mem_printf("%s%s%s", root, mount->point, str_eq(rest, "/") ? "" : rest);
}

void cgroup_to_unit(struct cgroup *group)
{
    static const char *const ends[] = {".scope", ".service", ".libvirt-qemu"};

    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++) {
        char *path = group->at[i].path, *cut = NULL;

        for (char *slash = path ? strchr(path, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
            size_t length = strcspn(slash + 1, "/");
            auto_free char *name = mem_strndup(slash + 1, length);

            for (size_t k = 0; k < ARRAY_SIZE(ends); k++)
                if (str_ends(name, ends[k]))
                    cut = slash + 1 + length;
        }
        if (cut)
            *cut = '\0';
    }
    /* v2: a unit has controllers that its groups of threads don't */
    char *v2 = NULL;

    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++)
        if (group->at[i].path && group->at[i].v2) {
            free(v2);
            v2 = TAKE(group->at[i].path);
        }
    if (v2)
        place_v2(group, v2);
    free(v2);
}

/* v1: a new cpuset is empty, and nobody may enter an empty one. */
static void inherit_cpuset(const char *parent, const char *child)
{
    static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        char value[SYSFS_TEXT_MAX];
        auto_free char *path = mem_printf("%s/%s", child, files[i]);

        if (sysfs_read(value, sizeof(value), child, "/%s", files[i]) != 0 ||
            sysfs_read(value, sizeof(value), parent, "/%s", files[i]) <= 0)
            continue;
        auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd >= 0)
            (void)fd_write_all(fd, value, strlen(value));
    }
}

/* v2: hand each controller that we use on, one at a time, since one that can't be handed on refuses all that
 * stand in one write. */
static void enable_children(const char *path)
{
    char controllers[SYSFS_TEXT_MAX];
    auto_free char *file = mem_printf("%s/cgroup.subtree_control", path);

    if (sysfs_read(controllers, sizeof(controllers), path, "/cgroup.controllers") <= 0)
        return;
    auto_fd int fd = open(file, O_WRONLY | O_CLOEXEC);

    for (int i = 0; fd >= 0 && i < CGROUP_CONTROLLER_MAX; i++) {
        char word[64];
        int n = snprintf(word, sizeof(word), "+%s", v2_names[i] ? v2_names[i] : "");

        if (n > 1 && lists(controllers, v2_names[i], ' ') && write(fd, word, (size_t)n) < 0)
            continue; /* EBUSY: a process stands here still */
    }
}

/*
 * Whoever hands on while processes stand in the group itself makes a group of threads of it (the root
 * excepted, which has no type): its children can't take processes then.
 */
static bool may_hand_on(const char *path)
{
    char text[SYSFS_TEXT_MAX];

    return !sysfs_exists(path, "/cgroup.type") || sysfs_read(text, sizeof(text), path, "/cgroup.procs") <= 0;
}

static int make_one(const struct cgroup_place *parent, const char *path, enum cgroup_make make, bool cpuset)
{
    if (make == CGROUP_FIND || make == CGROUP_FIND_THREADS)
        return access(path, F_OK) == 0 ? 0 : -errno;
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (parent->v2 && make == CGROUP_MAKE_THREADS) {
        auto_free char *type = mem_printf("%s/cgroup.type", path);
        auto_fd int fd = open(type, O_WRONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : fd_write_all(fd, "threaded", strlen("threaded"));

        if (r < 0)
            return r;
    }
    if (parent->v2 && (make == CGROUP_MAKE_THREADS || may_hand_on(parent->path)))
        enable_children(parent->path);
    else if (cpuset)
        inherit_cpuset(parent->path, path);
    return 0;
}

/* What is mounted, and where the process stands. */
static int read_tables(const char *root, pid_t pid, struct buf *mounts, struct buf *members)
{
    auto_free char *mounts_path = mem_printf("%s/proc/self/mountinfo", root);
    auto_free char *members_path =
        pid ? mem_printf("%s/proc/%d/cgroup", root, (int)pid) : mem_printf("%s/proc/self/cgroup", root);
    int r = file_read(AT_FDCWD, mounts_path, TABLE_MAX, mounts);

    return r < 0 ? r : file_read(AT_FDCWD, members_path, TABLE_MAX, members);
}

/* Make what is missing of a path beneath a mount's directory: the whole path, or NULL when it is refused. */
static char *make_components(const char *base, const char *path, bool v2, bool cpuset)
{
    for (const char *end = path; *end;) {
        const char *next = end + 1 + strcspn(end + 1, "/");
        auto_free char *parent = mem_printf("%s%.*s", base, (int)(end - path), path);
        auto_free char *child = mem_printf("%s%.*s", base, (int)(next - path), path);
        struct cgroup_place place = {parent, v2};

        if (access(child, F_OK) < 0 && make_one(&place, child, CGROUP_MAKE, cpuset) < 0)
            return NULL;
        if (v2 && may_hand_on(parent))
            enable_children(parent); /* systemd made it, with what it uses itself */
        end = next;
    }
    return mem_printf("%s%s", base, path);
}

/*
 * The directory of a hierarchy: where the members say, or a made one at `path` beneath what is mounted. NULL:
 * nowhere. systemd's own v1 hierarchy gets no directories of ours.
 */
static char *place_of(const struct mount *mount, const char *root, const char *members,
                      enum cgroup_controller controller, const char *path)
{
    auto_free char *base = mem_printf("%s%s", root, mount->point);
    auto_free char *member =
        path ? NULL : member_path(members, mount->v2 ? "" : cgroup_controller_names[controller]);

    if (member)
        return visible_path(mount, root, member);
    if (path && !mount->v2 && controller == CGROUP_SYSTEMD)
        return mem_printf("%s%s", base, path); /* what systemd made there, or nothing */
    return path ? make_components(base, path, mount->v2, controller == CGROUP_CPUSET) : NULL;
}

static int collect(const char *root, pid_t pid, const char *path, struct cgroup *ret)
{
    auto_buf struct buf mounts = {0}, members = {0};
    struct cgroup group = {0};
    char *v2 = NULL, *line;
    int r = read_tables(root, pid, &mounts, &members);

    if (r < 0)
        return r == -ENOENT && !pid ? (*ret = group, 0) : r;
    auto_free char *table = buf_steal(&mounts);

    for (char *at = table; (line = strsep(&at, "\n"));) {
        struct mount mount;

        if (!mount_read(line, &mount))
            continue;
        for (int i = 0; !mount.v2 && i < CGROUP_CONTROLLER_MAX; i++)
            if (!group.at[i].path && lists(mount.options, cgroup_controller_names[i], ','))
                group.at[i].path = place_of(&mount, root, buf_text(&members), i, path);
        if (mount.v2 && !v2)
            v2 = place_of(&mount, root, buf_text(&members), CGROUP_SYSTEMD, path);
    }
    if (v2)
        place_v2(&group, v2); /* what v1 has taken is not v2's */
    free(v2);
    *ret = group;
    return 0;
}

int cgroup_of_pid(const char *root, pid_t pid, struct cgroup *ret)
{
    return collect(root, pid, NULL, ret);
}

/* The unit's path as systemd's own hierarchy shows it beneath its mount; the caller frees. */
static int unit_path(const char *root, pid_t pid, char **ret)
{
    auto_buf struct buf mounts = {0}, members = {0};
    int r = read_tables(root, pid, &mounts, &members);
    auto_free char *table = r < 0 ? NULL : buf_steal(&mounts);
    char *line;

    for (char *at = table; (line = strsep(&at, "\n"));) {
        struct mount mount;

        if (!mount_read(line, &mount) || !(mount.v2 || lists(mount.options, "name=systemd", ',')))
            continue;
        auto_free char *member = member_path(buf_text(&members), mount.v2 ? "" : "name=systemd");
        struct cgroup unit = {0};

        if (!member || str_eq(member, "/"))
            continue;
        unit.at[CGROUP_SYSTEMD].path = visible_path(&mount, "", member);
        cgroup_to_unit(&unit);
        *ret = mem_strdup(unit.at[CGROUP_SYSTEMD].path + strlen(mount.point));
        cgroup_done(&unit);
        return 0;
    }
    return r < 0 ? r : -ENODEV;
}

int cgroup_make_path(const char *root, pid_t pid, const char *path, struct cgroup *ret)
{
    auto_free char *unit = NULL;
    int r = path ? 0 : unit_path(root, pid, &unit);

    if (r == 0)
        r = collect(root, pid, path ? path : unit, ret);
    return r == 0 && cgroup_empty(ret) ? -ENODEV : r;
}

int cgroup_child(const struct cgroup *parent, const char *name, enum cgroup_make make, struct cgroup *ret)
{
    struct cgroup child = {0};
    const struct cgroup_place *v2 = NULL;
    bool threads = make == CGROUP_FIND_THREADS || make == CGROUP_MAKE_THREADS;

    if (!file_name_valid(name))
        return -EINVAL;
    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++) {
        const struct cgroup_place *place = &parent->at[i];

        /* systemd's own hierarchy is where the process is tracked: it stays in its unit there */
        if (!place->path || (i == CGROUP_SYSTEMD && !place->v2))
            continue;
        if (place->v2) {
            v2 = place;
            continue;
        }
        if (threads && !of_threads[i])
            continue;
        auto_free char *path = mem_printf("%s/%s", place->path, name);
        int r = make_one(place, path, make, i == CGROUP_CPUSET);

        if (r < 0) {
            cgroup_done(&child);
            return r;
        }
        child.at[i].path = TAKE(path);
    }
    if (v2) {
        auto_free char *path = mem_printf("%s/%s", v2->path, name);
        int r = make_one(v2, path, make, false);

        if (r < 0) {
            cgroup_done(&child);
            return r;
        }
        place_v2(&child, path);
    }
    *ret = child;
    return 0;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);

    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            auto_free char *child = mem_printf("%s/%s", path, entry->d_name);

            remove_tree(child);
        }
    closedir(dir);
    (void)rmdir(path);
}

int cgroup_remove(const struct cgroup *group)
{
    int r = 0;

    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++)
        if (group->at[i].path && (i != CGROUP_SYSTEMD || group->at[i].v2)) {
            remove_tree(group->at[i].path);
            if (access(group->at[i].path, F_OK) == 0)
                r = -EBUSY;
        }
    return r;
}

static int add(const struct cgroup *group, const char *file_v1, const char *file_v2, pid_t id)
{
    bool entered_v2 = false;

    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++) {
        const struct cgroup_place *place = &group->at[i];

        if (!place->path || (place->v2 && entered_v2) || (i == CGROUP_SYSTEMD && !place->v2))
            continue;
        int r = sysfs_write((uint64_t)id, place->path, "/%s", place->v2 ? file_v2 : file_v1);

        if (r < 0)
            return r;
        entered_v2 |= place->v2;
    }
    return 0;
}

int cgroup_add_process(const struct cgroup *group, pid_t pid)
{
    return add(group, "cgroup.procs", "cgroup.procs", pid);
}

int cgroup_add_thread(const struct cgroup *group, pid_t tid)
{
    return add(group, "tasks", "cgroup.threads", tid);
}

static int kill_tree(const char *path, int signal)
{
    auto_buf struct buf pids = {0};
    auto_free char *file = mem_printf("%s/cgroup.procs", path);
    int count = 0;
    DIR *dir = opendir(path);

    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            auto_free char *child = mem_printf("%s/%s", path, entry->d_name);

            count += kill_tree(child, signal);
        }
    if (dir)
        closedir(dir);
    if (file_read(AT_FDCWD, file, TABLE_MAX, &pids) < 0)
        return count;
    for (const char *at = buf_text(&pids); *at; at += strspn(at, "\n")) {
        uint64_t pid;

        if (str_take_u64(&at, &pid) < 0)
            break;
        if (pid > 1 && pid <= INT32_MAX && kill((pid_t)pid, signal) == 0)
            count++;
    }
    return count;
}

int cgroup_kill(const struct cgroup *group, int signal)
{
    /* every hierarchy holds the same processes: the first that is there is enough */
    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++)
        if (group->at[i].path && i != CGROUP_SYSTEMD)
            return kill_tree(group->at[i].path, signal);
    return -ENODEV;
}
