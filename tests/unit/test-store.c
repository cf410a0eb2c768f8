/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "store/store.h"
#include "unit.h"

static char scratch[64], dir[80], autostart[80], index_path[80];
static struct buf logged;

static void collect(const struct log_line *line, void *arg)
{
    buf_printf(&logged, "%s\n", line->text);
}

static void setup(void)
{
    strcpy(scratch, "/tmp/vireo-test-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
    snprintf(dir, sizeof(dir), "%s/qemu", scratch);
    snprintf(autostart, sizeof(autostart), "%s/qemu/autostart", scratch);
    snprintf(index_path, sizeof(index_path), "%s/cache/index", scratch);
    log_set_output(collect, NULL);
}

static void teardown(void)
{
    auto_free char *command = mem_printf("rm -rf '%s'", scratch);

    buf_done(&logged);
    ck_assert_int_eq(system(command), 0);
}

static struct store *open_store(void)
{
    struct store_spec spec = {.dir = dir,
                              .autostart_dir = autostart,
                              .index_path = index_path,
                              .kind = "domain",
                              .edit_command = "edit"};
    auto_err struct err err = {0};
    struct store *store = NULL;

    ASSERT_OK(store_open(&spec, &store, &err), &err);
    return store;
}

/* The n-th object of the tests. */
static const char *name_of(int n)
{
    static char name[32];

    snprintf(name, sizeof(name), "guest-%05d", n);
    return name;
}

static struct store_facts facts_of(int n)
{
    return (struct store_facts){
        .uuid = {0x85, 0x10, [12] = (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static char *text_of(const char *name, int n, const char *more)
{
    struct store_facts facts = facts_of(n);
    char uuid[UUID_TEXT];

    return mem_printf("<domain type='kvm'>\n  <name>%s</name>\n  <uuid>%s</uuid>\n%s</domain>\n", name,
                      uuid_format(facts.uuid, uuid), more);
}

static struct store_entry *save(struct store *store, const char *name, int n, const char *more)
{
    auto_free char *text = text_of(name, n, more);
    struct store_facts facts = facts_of(n);
    auto_err struct err err = {0};
    struct store_entry *entry = NULL;

    ASSERT_OK(store_save(store, name, &facts, text, &entry, &err), &err);
    return entry;
}

static void assert_text(struct store *store, const char *name, int n, const char *more)
{
    struct store_entry *entry = store_find_name(store, name);
    auto_free char *wanted = text_of(name, n, more);
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    size_t length = 0;
    char *text;

    ck_assert_ptr_nonnull(entry);
    text = store_read(store, entry, &arena, &length, &err);
    ck_assert_msg(text != NULL, "%s", err.message);
    ck_assert_str_eq(text, wanted);
    ck_assert_uint_eq(length, strlen(wanted));
}

static char *path_of(const char *format, const char *name)
{
    const char *mark = strchr(format, '@');

    return mem_printf("%s/%.*s%s%s", dir, (int)(mark - format), format, name, mark + 1);
}

static void write_file(const char *name, const char *text)
{
    auto_free char *path = path_of("@.xml", name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(comes_back_after_a_restart)
{
    struct store *store = open_store();
    struct store_facts facts = facts_of(1);
    auto_free char *path = path_of("@.xml", "a");
    auto_buf struct buf file = {0};
    struct store_entry *entry;
    auto_err struct err err = {0};
    struct stat status;

    entry = save(store, "a", 1, "");
    ck_assert_ptr_eq(store_find_uuid(store, facts.uuid), entry);
    ASSERT_OK(store_set_autostart(store, entry, true, &err), &err);
    save(store, "a", 1, "  <title>x</title>\n");
    ck_assert_ptr_eq(store_find_name(store, "a"), entry);
    ck_assert(entry->autostart);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_int_eq(file_read(AT_FDCWD, path, 100000, &file), 0);
    ck_assert_ptr_nonnull(strstr(file.data, "virsh edit a\n"));
    store_close(store);

    for (int round = 0; round < 2; round++) {
        store = open_store();
        entry = store_find_name(store, "a");
        ck_assert_ptr_nonnull(entry);
        ck_assert(entry->autostart);
        ck_assert_mem_eq(entry->facts.uuid, facts.uuid, UUID_SIZE);
        ck_assert_ptr_eq(store_find_uuid(store, facts.uuid), entry);
        ck_assert_ptr_null(store_find_name(store, "b"));
        assert_text(store, "a", 1, "  <title>x</title>\n");
        assert_text(store, "a", 1, "  <title>x</title>\n");
        store_close(store);
        /* once with the index file, once without */
        ck_assert_int_eq(unlink(index_path), 0);
    }
    ck_assert_str_eq(buf_text(&logged), "");
}
END_TEST

START_TEST(renames_and_removes)
{
    struct store *store = open_store();
    auto_free char *link = path_of("autostart/@.xml", "b"), *old = path_of("@.xml", "a"),
                   *path = path_of("@.xml", "b"), *text = text_of("b", 1, "");
    auto_err struct err err = {0};
    struct store_entry *entry = save(store, "a", 1, "");
    char target[256] = "";

    save(store, "c", 3, "");
    ASSERT_OK(store_set_autostart(store, entry, true, &err), &err);
    ck_assert_int_lt(store_rename(store, entry, "c", text, &err), 0);
    ASSERT_ERR(&err, ERR_OPERATION_INVALID, "domain with name 'c' already exists");
    ck_assert_int_lt(store_rename(store, entry, "../c", text, &err), 0);
    ASSERT_ERR(&err, ERR_XML_ERROR, "cannot contain '/'");
    ASSERT_OK(store_rename(store, entry, "b", text, &err), &err);
    ck_assert_str_eq(entry->name, "b");
    ck_assert_ptr_null(store_find_name(store, "a"));
    ck_assert_ptr_eq(store_find_name(store, "b"), entry);
    ck_assert_int_gt(readlink(link, target, sizeof(target) - 1), 0);
    ck_assert_str_eq(target, path);
    ck_assert(!file_exists(old));
    assert_text(store, "b", 1, "");
    ASSERT_OK(store_remove(store, entry, &err), &err);
    ck_assert_ptr_null(store_find_name(store, "b"));
    ck_assert_ptr_null(store_find_uuid(store, facts_of(1).uuid));
    ck_assert_int_eq(readlink(link, target, sizeof(target)), -1);
    ck_assert(!file_exists(path));
    entry = store_find_name(store, "c");
    ASSERT_OK(store_set_autostart(store, entry, false, &err), &err);
    ASSERT_OK(store_set_autostart(store, entry, true, &err), &err);
    ASSERT_OK(store_set_autostart(store, entry, false, &err), &err);
    ck_assert(!entry->autostart);
    store_close(store);
    store = open_store();
    store_load(store, 0);
    ck_assert_uint_eq(store_count(store), 1);
    ck_assert(!store_find_name(store, "c")->autostart);
    store_close(store);
}
END_TEST

START_TEST(names_and_uuids_are_unique)
{
    struct store *store = open_store();
    struct store_facts one = facts_of(1), two = facts_of(2);
    auto_err struct err err = {0};
    char long_name[300];

    save(store, "a", 1, "");
    ck_assert_int_lt(store_save(store, "a", &two, "x", NULL, &err), 0);
    ASSERT_ERR(&err, ERR_OPERATION_FAILED, "domain 'a' already exists with uuid 85100000-");
    ck_assert_int_lt(store_save(store, "b", &one, "x", NULL, &err), 0);
    ASSERT_ERR(&err, ERR_OPERATION_FAILED, "domain 'a' is already defined with uuid 85100000-");
    memset(long_name, 'a', sizeof(long_name));
    long_name[252] = '\0';
    {
        const char *const bad[] = {"", ".", "..", "a/b", "../a", "a\nb", "a\x01", long_name, NULL};

        for (size_t i = 0; bad[i]; i++) {
            ck_assert_msg(store_save(store, bad[i], &two, "x", NULL, &err) < 0, "'%s'", bad[i]);
            ck_assert_int_eq(err.code, ERR_XML_ERROR);
            err_clear(&err);
        }
    }
    long_name[251] = '\0';
    save(store, long_name, 2, "");
    save(store, "with space -- and <angle>", 3, "");
    store_close(store);
}
END_TEST

START_TEST(broken_files_are_kept)
{
    struct store *store;
    auto_free char *good = text_of("good", 1, ""), *other = text_of("other", 2, ""),
                   *twin = text_of("twin", 1, ""), *list = NULL;
    auto_strv char **files = NULL;
    auto_buf struct buf old = {0};
    struct timespec past[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    auto_free char *twin_path = path_of("@.xml", "twin");
    int copies = 0;

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    write_file("good", good);
    write_file("misnamed", other);
    write_file("twin", twin);
    ck_assert_int_eq(utimensat(AT_FDCWD, twin_path, past, 0), 0);
    write_file("empty", "");
    write_file("cut", "<domain>\n<name>cut</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid><os>");
    write_file("nouuid", "<domain><name>nouuid</name></domain>");
    write_file("baduuid", "<domain><name>baduuid</name><uuid>1234</uuid></domain>");
    write_file("deep",
               "<domain><name>deep</name><x><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid></x></domain>");
    write_file("dtd", "<!DOCTYPE d [<!ENTITY a 'b'>]><domain/>");
    store = open_store();
    ck_assert(!store_load(store, 0));
    ck_assert_uint_eq(store_count(store), 1);
    ck_assert_ptr_nonnull(store_find_name(store, "good"));
    ck_assert_ptr_null(store_find_name(store, "cut"));
    ck_assert_ptr_nonnull(strstr(logged.data, "cut.xml' is skipped: XML error: its end is missing"));
    ck_assert_ptr_nonnull(strstr(logged.data, "misnamed.xml' is skipped: XML error: it describes 'other'"));
    ck_assert_ptr_nonnull(strstr(logged.data, "twin.xml' is skipped: 'good' has the same UUID"));

    /* who defines it anew gets the name; what was there isn't lost */
    save(store, "cut", 5, "");
    assert_text(store, "cut", 5, "");
    ck_assert_int_eq(file_list(AT_FDCWD, dir, &files), 0);
    list = strv_join(files, " ");
    for (size_t i = 0; files[i]; i++)
        if (str_after(files[i], "cut.xml.broken-")) {
            auto_free char *path = mem_printf("%s/%s", dir, files[i]);

            ck_assert_int_eq(file_read(AT_FDCWD, path, 1000, &old), 0);
            ck_assert(str_ends(old.data, "<os>"));
            copies++;
        }
    ck_assert_msg(copies == 1, "%s", list);
    store_close(store);

    /* mended by hand, seen after a reload */
    store = open_store();
    store_load(store, 0);
    ck_assert_uint_eq(store_count(store), 2);
    write_file("other", other);
    auto_free char *mended = text_of("empty", 7, "");
    write_file("empty", mended);
    store_rescan(store);
    ck_assert_ptr_nonnull(store_find_name(store, "empty"));
    ck_assert_ptr_nonnull(store_find_uuid(store, facts_of(2).uuid));
    ck_assert_uint_eq(store_count(store), 4);
    store_close(store);
}
END_TEST

START_TEST(edits_by_hand_are_seen)
{
    struct store *store = open_store();
    auto_free char *edited = text_of("a", 1, "<x/>"), *stranger = text_of("a", 9, ""),
                   *headed = mem_printf("<?xml version='1.0'?>\n<!-- <uuid> -->\n%s", edited);
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};

    save(store, "a", 1, "");
    save(store, "b", 2, "");
    write_file("a", headed);
    assert_text(store, "a", 1, "<x/>");
    store_close(store);
    write_file("b", "<domain>");
    store = open_store();
    store_load(store, 0);
    ck_assert_uint_eq(store_count(store), 1);
    write_file("a", stranger);
    ck_assert_ptr_null(store_read(store, store_find_name(store, "a"), &arena, NULL, &err));
    ASSERT_ERR(&err, ERR_OPERATION_FAILED, "has another UUID now");
    write_file("a", "rubbish");
    ck_assert_ptr_null(store_read(store, store_find_name(store, "a"), &arena, NULL, &err));
    ASSERT_ERR(&err, ERR_OPERATION_FAILED, "was changed by hand and is broken");
    store_close(store);
}
END_TEST

START_TEST(scanner)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"<d><name>n</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid></d>", true},
        {"<d a='>'><x b=\"</d>\"/><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid><name>n</name></d >\n",
         true},
        {"<d><x><name>y</name></x><name>n</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid></d>", true},
        {"<d><![CDATA[<name>y</name>]]><name>n</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid></d>",
         true},
        {"<d><!-- <name>y</name> --><name>n</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid></d>",
         true},
        {"<d><name>n</name></d><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid>", false},
        {"<d><name>n</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid>", false},
        {"<d><name>n</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid></e>", false},
        {"<d><name>n</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid><!-- </d>", false},
        {"<d><name>n<x", false},
        {"<d><name>n</name><!-- ", false},
        {"<d a='", false},
        {"", false},
        {"<", false},
        {"</d>", false},
        {"<d/>", false},
        {"<d><name>n</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid></d><e/>", false},
    };
    struct store_facts facts;
    auto_err struct err err = {0};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int r = store_scan("n", cases[i].text, strlen(cases[i].text), &facts, &err);

        ck_assert_msg((r == 0) == cases[i].good, "%s: %s", cases[i].text,
                      err.message ? err.message : "accepted");
        err_clear(&err);
    }
    /* secrets have no name but their UUID */
    ASSERT_OK(store_scan("8510b1a1-1afa-4da6-8111-785fae202c1e",
                         "<s><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid></s>", 56, &facts, &err),
              &err);
    ASSERT_OK(store_scan("a&b",
                         "<s><name>a&amp;b</name><uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid></s>", 76,
                         &facts, &err),
              &err);
}
END_TEST

/* Whatever happens to the files while nobody looks, the next start sees it, index or not. */
START_TEST(files_come_and_go)
{
    auto_free char *a = path_of("@.xml", "a"), *foreign = text_of("c", 3, "");
    struct store *store = open_store();

    save(store, "a", 1, "");
    save(store, "b", 2, "");
    usleep(200000); /* the directory's time is old enough to be trusted */
    store_close(store);
    for (int round = 0; round < 2; round++) {
        store = open_store();
        ck_assert_uint_eq(store_count(store), 2);
        store_load(store, 0);
        ck_assert_uint_eq(store_count(store), 2);
        assert_text(store, "a", 1, "");
        store_close(store);
    }
    /* while the store is open: this index doesn't count for the directory */
    store = open_store();
    store_load(store, 0);
    write_file("c", foreign);
    usleep(200000);
    save(store, "b", 2, "  <title>x</title>\n");
    usleep(200000);
    store_close(store);
    store = open_store();
    assert_text(store, "c", 3, "");
    store_close(store);
    /* while it is closed: one is gone, one is broken without another directory entry */
    ck_assert_int_eq(unlink(a), 0);
    write_file("b", "rubbish");
    store = open_store();
    store_load(store, 0);
    ck_assert_uint_eq(store_count(store), 1);
    ck_assert_ptr_null(store_find_name(store, "a"));
    ck_assert_ptr_null(store_find_name(store, "b"));
    usleep(200000);
    store_close(store);
    /* mended in place: it gets another chance */
    free(TAKE(foreign));
    foreign = text_of("b", 2, "");
    write_file("b", foreign);
    store = open_store();
    assert_text(store, "b", 2, "");
    store_close(store);
}
END_TEST

/* Soon after the start lists are what the index says, without a look at each file; lookups look. */
START_TEST(lists_believe_the_index)
{
    auto_free char *other = text_of("b", 3, "");
    struct store *store = open_store();
    struct store_entry *entry;
    unsigned seen = 0;

    save(store, "a", 1, "");
    save(store, "b", 2, "");
    usleep(200000); /* the directory's time is old enough to be trusted */
    store_close(store);
    write_file("b", other);
    store = open_store();
    store_load_list(store);
    STORE_FOREACH(store, entry)
        seen |= 1u << entry->facts.uuid[UUID_SIZE - 1];
    ck_assert_uint_eq(seen, 1u << 1 | 1u << 2);
    ck_assert_ptr_eq(store_find_uuid(store, facts_of(1).uuid), store_find_name(store, "a"));
    ck_assert_ptr_null(store_find_uuid(store, facts_of(2).uuid));
    ck_assert_ptr_eq(store_find_uuid(store, facts_of(3).uuid), store_find_name(store, "b"));
    store_close(store);
    /* a file more, and the directory isn't the one that the index knows */
    free(TAKE(other));
    other = text_of("c", 4, "");
    write_file("c", other);
    store = open_store();
    store_load_list(store);
    ck_assert_uint_eq(store_count(store), 3);
    store_close(store);
}
END_TEST

START_TEST(index_file_may_be_rubbish)
{
    auto_buf struct buf index = {0};
    struct store *store = open_store();

    for (int i = 0; i < 50; i++)
        save(store, name_of(i), i, "");
    usleep(200000); /* so that the index counts for the directory, too */
    store_close(store);
    ck_assert_int_eq(file_read(AT_FDCWD, index_path, 100000, &index), 0);
    for (size_t i = 0; i < index.length; i += 7) {
        FILE *file = fopen(index_path, "w");

        /* cut at odd places, and with a flipped bit at the others */
        if (i % 2 == 0)
            index.data[i] ^= 0x10;
        fwrite(index.data, 1, i % 2 ? i : index.length, file);
        if (i % 2 == 0)
            index.data[i] ^= 0x10;
        fclose(file);
        store = open_store();
        store_load(store, 0);
        ck_assert_uint_eq(store_count(store), 50);
        assert_text(store, name_of(33), 33, "");
        store_close(store);
    }
}
END_TEST

START_TEST(changes_in_steps_exclude_each_other)
{
    struct store *store = open_store();
    struct store_facts one = facts_of(1), two = facts_of(2);
    auto_free char *text = text_of("a", 1, "");
    struct store_entry *entry = NULL;
    auto_err struct err err = {0};
    struct store_op *op = store_op_save(store, "a", &one, text, &err);

    ck_assert_ptr_nonnull(op);
    ck_assert_ptr_null(store_op_save(store, "a", &two, text, &err));
    ASSERT_ERR(&err, ERR_OPERATION_FAILED, "'a' is being changed by another request");
    ck_assert_ptr_null(store_op_save(store, "b", &one, text, &err));
    ASSERT_ERR(&err, ERR_OPERATION_FAILED, "'a' is being changed by another request");
    store_op_run(op);
    ck_assert_ptr_null(store_find_name(store, "a"));
    ASSERT_OK(store_op_finish(store, op, &entry, &err), &err);
    ck_assert_ptr_eq(store_find_name(store, "a"), entry);
    store_close(store);
}
END_TEST

START_TEST(failures_change_nothing)
{
    struct store *store = open_store();
    struct store_facts two = facts_of(2);
    struct store_entry *entry = save(store, "a", 1, "");
    auto_err struct err err = {0};
    auto_free char *blocker = path_of("@.xml", "b"), *renamed = text_of("c", 1, "");

    /* a directory in the way of the new file: even root can't write it */
    ck_assert_int_eq(mkdir(blocker, 0700), 0);
    ck_assert_int_lt(store_save(store, "b", &two, "<x/>", NULL, &err), 0);
    ASSERT_ERR(&err, ERR_SYSTEM_ERROR, "b.xml': Is a directory");
    ck_assert_ptr_null(store_find_name(store, "b"));
    /* autostart's directory can't be made: the rename goes back to where it began */
    ASSERT_OK(store_set_autostart(store, entry, true, &err), &err);
    auto_free char *command = mem_printf("rm -r '%s'; touch '%s'", autostart, autostart);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_lt(store_rename(store, entry, "c", renamed, &err), 0);
    ASSERT_ERR(&err, ERR_SYSTEM_ERROR, "cannot change the autostart link of");
    ck_assert_str_eq(entry->name, "a");
    assert_text(store, "a", 1, "");
    store_close(store);
    store = open_store();
    store_load(store, 0);
    ck_assert_uint_eq(store_count(store), 1);
    assert_text(store, "a", 1, "");
    store_close(store);
}
END_TEST

/* A daemon that is killed at any moment of define, rename or undefine leaves whole objects. */
START_TEST(survives_kill)
{
    enum { ROUNDS = 80 };
    static char more[2][6000];

    memset(more[0], 'a', sizeof(more[0]) - 1);
    memset(more[1], 'b', sizeof(more[1]) - 1);
    store_close(open_store());
    for (int round = 0; round < ROUNDS; round++) {
        auto_arena struct arena arena = {0};
        auto_err struct err err = {0};
        struct store *store;
        struct store_entry *entry;
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (!child) {
            auto_free char *names[] = {text_of("x", 1, more[0]), text_of("y", 1, more[1])};

            store = open_store();
            store_load(store, 0);
            entry = store_find_uuid(store, facts_of(1).uuid);
            for (int i = 0;; i++) {
                if (entry && i % 7 == 6) {
                    store_remove(store, entry, NULL);
                    entry = NULL;
                } else if (entry && i % 3 == 2) {
                    bool x = str_eq(entry->name, "x");

                    store_rename(store, entry, x ? "y" : "x", names[x], NULL);
                } else {
                    const char *name = entry ? entry->name : "x";

                    entry = save(store, name, 1, more[i % 2]);
                }
                if (i % 5 == 0)
                    store_write_index(store);
            }
        }
        usleep((useconds_t)(500 + round * 211 % 7000));
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);

        store = open_store();
        store_load(store, 0);
        ck_assert_uint_le(store_count(store), 1);
        STORE_FOREACH(store, entry) {
            const char *text = store_read(store, entry, &arena, NULL, &err);
            auto_free char *one = text_of(entry->name, 1, more[0]), *two = text_of(entry->name, 1, more[1]);

            ck_assert_msg(text != NULL, "%s", err.message);
            ck_assert(str_eq(text, one) || str_eq(text, two));
        }
        store_close(store);
    }
}
END_TEST

static double milliseconds_since(uint64_t start)
{
    return (double)(time_monotonic() - start) / 1000;
}

START_TEST(ten_thousand)
{
    enum { COUNT = 10000 };
    static char more[2500];
    uint64_t start;
    struct store *store;
    struct store_entry *entry;
    struct mallinfo2 before, after;
    size_t listed = 0;
    auto_err struct err err = {0};
    auto_arena struct arena arena = {0};

    memset(more, 'x', sizeof(more) - 1);
    /* the files are written past the store: ten thousand times two fsyncs would only measure the disk */
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    for (int i = 0; i < COUNT; i++) {
        auto_free char *text = text_of(name_of(i), i, more);

        write_file(name_of(i), text);
    }
    start = time_monotonic();
    store = open_store();
    printf("  open without index %.1f ms", milliseconds_since(start));
    start = time_monotonic();
    ck_assert_ptr_nonnull(store_find_name(store, name_of(7777)));
    printf(", first lookup by name %.3f ms", milliseconds_since(start));
    start = time_monotonic();
    while (store_load(store, 500))
        listed++;
    ck_assert_uint_ge(listed, 19);
    printf(", reading all %.1f ms\n", milliseconds_since(start));
    start = time_monotonic();
    store_close(store);
    printf("  close, writing the index %.1f ms\n", milliseconds_since(start));

    before = mallinfo2();
    start = time_monotonic();
    store = open_store();
    store_load(store, 0);
    listed = 0;
    STORE_FOREACH(store, entry)
        listed++;
    printf("  open with index and list all %.1f ms", milliseconds_since(start));
    ck_assert_uint_eq(listed, COUNT);
    after = mallinfo2();
    printf(", %zu bytes an object\n", (after.uordblks - before.uordblks) / COUNT);
    start = time_monotonic();
    for (int i = 0; i < 200; i++)
        save(store, "a", COUNT, more);
    printf("  save %.3f ms", milliseconds_since(start) / 200);
    start = time_monotonic();
    for (int i = 0; i < 200; i++) {
        ck_assert_ptr_nonnull(store_read(store, store_find_name(store, name_of(i)), &arena, NULL, &err));
        arena_reset(&arena);
    }
    printf(", read from disk %.1f us", milliseconds_since(start) * 1000 / 200);
    start = time_monotonic();
    for (int i = 0; i < 200; i++) {
        ck_assert_ptr_nonnull(store_read(store, store_find_name(store, "a"), &arena, NULL, &err));
        arena_reset(&arena);
    }
    printf(", from the cache %.1f us\n", milliseconds_since(start) * 1000 / 200);
    for (int i = 0; i < 500; i++)
        ASSERT_OK(store_remove(store, store_find_name(store, name_of(i)), &err), &err);
    ck_assert_uint_eq(store_count(store), COUNT - 500 + 1);
    store_close(store);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {comes_back_after_a_restart,
                                  renames_and_removes,
                                  names_and_uuids_are_unique,
                                  broken_files_are_kept,
                                  edits_by_hand_are_seen,
                                  scanner,
                                  files_come_and_go,
                                  lists_believe_the_index,
                                  index_file_may_be_rubbish,
                                  changes_in_steps_exclude_each_other,
                                  failures_change_nothing,
                                  survives_kill,
                                  ten_thousand};
    Suite *suite = suite_create("store");
    TCase *cases = tcase_create("store");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
