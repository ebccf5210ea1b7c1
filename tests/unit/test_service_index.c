/* SPDX-License-Identifier: MIT
 *
 * The service index: which of several services of the same name libpq reads, whether two paths lead
 * to the same passfile, and which entries an invalid entry disqualifies. The service files are
 * texts in this program. The symbolic links exist on the disk. */
#include "service/index.h"

#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- two files from texts ------------------------------------------------------------------- */

static enum ria_outcome read_text(
    void *self, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    (void)path;
    (void)err;
    *file = (struct ria_file){0};
    ria_buf_add_text(out, self);
    return RIA_FOUND;
}

static uid_t get_uid(void *self)
{
    (void)self;
    return 7;
}

/* Two parsed service files and their index. */
struct read {
    struct ria_service_file files[2];
    struct ria_service_index index;
};

static void release_read(struct read *read)
{
    ria_service_index_release(&read->index);
    ria_service_file_release(&read->files[0]);
    ria_service_file_release(&read->files[1]);
}

/* Parses and indexes the texts. The second text may be NULL. */
static void read_texts(
    const char *home,
    const char *system,
    const struct ria_passfile_directory *own,
    struct read *out)
{
    const char *texts[] = {home, system};
    static const char *const names[] = {"home", "system"};
    *out = (struct read){0};
    for (size_t i = 0; i < 2 && texts[i] != NULL; i++) {
        char *copy = strdup(texts[i]);
        struct ria_world world = {.self = copy, .read_file = read_text, .uid = get_uid};
        struct ria_error err;
        assert_int_equal(ria_service_read(names[i], true, &world, &out->files[i], &err), RIA_FOUND);
        free(copy);
    }
    assert_true(ria_service_index_make(out->files, system == NULL ? 1 : 2, own, &out->index));
}

/* Returns the first entry of that name. */
static const struct ria_indexed_service *find(const struct read *read, const char *name)
{
    for (size_t i = 0; i < read->index.count; i++) {
        if (strcmp(read->index.services[i].service->name, name) == 0) {
            return &read->index.services[i];
        }
    }
    fail_msg("no [%s]", name);
    return NULL;
}

/* -- names ---------------------------------------------------------------------------------- */

static void the_first_service_of_a_name_in_both_files_is_used(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *file;
        unsigned line;
        const char *first_file;
        unsigned first_line;
    } rows[] = {
        {"b", "home", 1, "home", 1},
        {"a", "home", 3, "home", 3},
        {"b", "home", 4, "home", 1},
        {"a", "system", 1, "home", 3},
        {"c", "system", 2, "system", 2},
        {"b", "system", 3, "home", 1},
        {"c", "system", 4, "system", 2},
    };
    struct read read;
    read_texts("[b]\n#\n[a]\n[b]\n", "[a]\n[c]\n[b]\n[c]\n", NULL, &read);
    expect_number("every service", read.index.count, RIA_COUNT(rows));
    expect_number("no service has a passfile", read.index.entry_count, 0);
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        const struct ria_indexed_service *here = &read.index.services[i];
        expect_text("in libpq's order", here->service->name, rows[i].name);
        expect_text(rows[i].name, here->file->path, rows[i].file);
        expect_number(rows[i].name, here->service->line, rows[i].line);
        expect_text(rows[i].name, here->first->file->path, rows[i].first_file);
        expect_number(rows[i].name, here->first->service->line, rows[i].first_line);
    }
    release_read(&read);
}

static void without_files_the_index_is_empty(void **state)
{
    (void)state;
    RIA_AUTO(service_index) index = {0};
    assert_true(ria_service_index_make(NULL, 0, NULL, &index));
    expect_number("none", index.count, 0);
}

/* -- paths ---------------------------------------------------------------------------------- */

/* Creates a directory and changes to it. It contains the directory `one` and the links below. The
 * file one/pass does not exist. */
static void make_links(char *directory)
{
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(mkdir("one", 0700), 0);
    assert_int_equal(symlink("one", "two"), 0);
    assert_int_equal(symlink("one/pass", "three"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(symlink("/none/pass", "away"), 0);
    assert_int_equal(symlink("../outside", "one/out"), 0);
}

static void remove_links(const char *directory)
{
    static const char *const links[] = {"loop", "three", "two", "away", "one/out"};
    for_each_row(link, links, *link) {
        expect_number(*link, unlink(*link), 0);
    }
    assert_int_equal(rmdir("one"), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void paths_are_compared_after_resolving_links(void **state)
{
    (void)state;
    char directory[] = RIA_SCRATCH "/passfile-XXXXXX";
    static const struct {
        const char *name;
        const char *path;
        const char *other;
        bool is_same;
    } rows[] = {
        {"the same path", "one/pass", "one/pass", true},
        {"a link to the directory, first", "two/pass", "one/pass", true},
        {"a link to the directory, second", "one/pass", "two/pass", true},
        {"a link to the file", "three", "one/pass", true},
        {"two different links", "three", "two/pass", true},
        {"a path that contains ..", "one/../two/pass", "one/pass", true},
        {"another name", "one/other", "one/pass", false},
        {"a longer name", "one/pass2", "one/pass", false},
        {"another directory", "pass", "one/pass", false},
        {"a missing directory", "none/pass", "none2/pass", false},
        {"a missing file is equal to itself", "none/pass", "none/pass", true},
        {"two paths of a link to a missing directory", "away", "one/../away", true},
        {"a link to itself", "loop", "one/pass", false},
        {"a link to a file in the parent directory", "two/out", "outside", true},
    };
    make_links(directory);
    for_each_row(row, rows, row->name) {
        char paths[2][PATH_MAX];
        struct ria_passfile_place places[2];
        (void)snprintf(paths[0], sizeof(paths[0]), "%s/%s", directory, row->path);
        (void)snprintf(paths[1], sizeof(paths[1]), "%s/%s", directory, row->other);
        ria_passfile_locate(paths[0], NULL, &places[0]);
        ria_passfile_locate(paths[1], NULL, &places[1]);
        int order = ria_passfile_compare(&places[0], &places[1]);
        expect_number(row->name, order == 0, row->is_same);
        expect_number(row->name, ria_passfile_compare(&places[1], &places[0]) == 0, row->is_same);
    }
    remove_links(directory);
}

/* The agent replaces a link in its directory with a file, so the target of the link is not used. */
static void the_last_component_in_the_agents_directory_is_not_resolved(void **state)
{
    (void)state;
    char directory[] = RIA_SCRATCH "/passfile-XXXXXX";
    static const struct {
        const char *path;
        const char *name; /* in `one`; NULL: elsewhere */
    } rows[] = {
        {"one/pass", "pass"},
        {"two/pass", "pass"},
        {"three", "pass"},
        {"one/out", "out"},
        {"two/out", "out"},
        {"outside", NULL},
        {"away", NULL},
    };
    struct stat status;
    make_links(directory);
    assert_int_equal(stat("one", &status), 0);
    const struct ria_passfile_directory own = {status.st_dev, status.st_ino};
    for_each_row(row, rows, row->path) {
        char path[PATH_MAX];
        struct ria_passfile_place place;
        (void)snprintf(path, sizeof(path), "%s/%s", directory, row->path);
        ria_passfile_locate(path, &own, &place);
        bool is_own = ria_passfile_same_directory(&place.directory, &own);
        expect_number(row->path, is_own, row->name != NULL);
        if (row->name != NULL) {
            expect_text(row->path, place.name, row->name);
        }
    }
    remove_links(directory);
}

static void a_path_in_a_missing_directory_is_compared_as_text(void **state)
{
    (void)state;
    struct ria_passfile_place places[3];
    ria_passfile_locate("one/pass", NULL, &places[0]);
    ria_passfile_locate("one/pass", NULL, &places[1]);
    ria_passfile_locate("/pass", NULL, &places[2]);
    expect_number("equal texts are equal", ria_passfile_compare(&places[0], &places[1]), 0);
    expect("different texts differ", ria_passfile_compare(&places[0], &places[2]) != 0);
    expect(
        "a missing directory is not the same as itself",
        !ria_passfile_same_directory(&places[0].directory, &places[1].directory));
}

/* Writes DIRECTORY/FOLDER/xxx..., with `count` times x. */
static const char *repeated(
    const char *directory, const char *folder, size_t count, char out[2 * PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%s/%s/", directory, folder);
    assert_true(len > 0 && len < PATH_MAX);
    memset(out + len, 'x', count);
    out[(size_t)len + count] = '\0';
    return out;
}

static void a_path_that_is_too_long_is_compared_as_text(void **state)
{
    (void)state;
    char directory[] = RIA_SCRATCH "/passfile-XXXXXX";
    static const struct {
        const char *name;
        size_t count; /* bytes of the last component */
        bool is_same; /* the path below a directory equals that below a link to this directory */
    } rows[] = {
        {"control: the longest name", NAME_MAX, true},
        {"a longer name", NAME_MAX + 1, false},
        {"a path that is longer than PATH_MAX", PATH_MAX, false},
    };
    make_links(directory);
    for_each_row(row, rows, row->name) {
        char paths[2][2 * PATH_MAX];
        struct ria_passfile_place places[3];
        ria_passfile_locate(repeated(directory, "one", row->count, paths[0]), NULL, &places[0]);
        ria_passfile_locate(repeated(directory, "two", row->count, paths[1]), NULL, &places[1]);
        ria_passfile_locate(paths[0], NULL, &places[2]);
        expect_number(row->name, ria_passfile_compare(&places[0], &places[1]) == 0, row->is_same);
        expect_number(row->name, ria_passfile_compare(&places[0], &places[2]), 0);
    }
    remove_links(directory);
}

static void a_link_to_a_path_that_is_too_long_is_not_resolved(void **state)
{
    (void)state;
    char directory[] = RIA_SCRATCH "/passfile-XXXXXX";
    char target[PATH_MAX];
    struct ria_passfile_place places[2];
    char path[PATH_MAX];
    char other[PATH_MAX];
    make_links(directory);
    memset(target, '/', sizeof(target) - 1);
    target[sizeof(target) - 1] = '\0';
    memcpy(target, "one", strlen("one"));
    memcpy(target + sizeof(target) - sizeof("/pass"), "/pass", sizeof("/pass"));
    assert_int_equal(symlink(target, "far"), 0);
    (void)snprintf(path, sizeof(path), "%s/far", directory);
    (void)snprintf(other, sizeof(other), "%s/one/../far", directory);
    ria_passfile_locate(path, NULL, &places[0]);
    ria_passfile_locate(other, NULL, &places[1]);
    assert_string_equal(places[0].name, "far");
    assert_int_equal(ria_passfile_compare(&places[0], &places[1]), 0);
    assert_int_equal(unlink("far"), 0);
    remove_links(directory);
}

/* -- entries that share a passfile ---------------------------------------------------------- */

#define GOOD "host=h\nuser=u\nsslmode=verify-full\n"
#define FILE_P "passfile=/d/p\n"

static void an_invalid_entry_disqualifies_those_that_share_its_passfile(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *other;
        bool may_share;
    } rows[] = {
        {"the same settings", GOOD, true},
        {"another user, port and host", "user=v\nport=1\nhost=i\n" GOOD, true},
        {"a weaker sslmode", "sslmode=require\n" GOOD, false},
        {"a weaker sslmode for another user, whom the environment can replace",
         "user=v\nsslmode=require\n" GOOD,
         false},
        {"GSS encryption, which has no certificate", "gssencmode=prefer\n" GOOD, false},
        {"TLS alone", "gssencmode=disable\n" GOOD, true},
        {"no sslmode", "host=h\n", false},
        {"no user", "host=h\nsslmode=verify-full\n", false},
        {"no host", "user=u\nsslmode=verify-full\n", false},
        {"a socket", "host=/tmp\n" GOOD, false},
    };
    for_each_row(row, rows, row->why) {
        char text[512];
        struct read read;
        struct ria_error err = {0};
        (void)snprintf(text, sizeof(text), "[a]\n" GOOD FILE_P "[b]\n%s" FILE_P, row->other);
        read_texts(text, NULL, NULL, &read);
        const struct ria_indexed_service *a = find(&read, "a");
        const struct ria_indexed_service *b = find(&read, "b");
        expect_number(row->why, ria_service_index_check(a, &err), row->may_share);
        expect(row->why, a->opposite == (row->may_share ? NULL : b));
        expect(row->why, b->opposite == (row->may_share ? NULL : a));
        if (!row->may_share) {
            expect_text(
                row->why,
                err.text,
                "home:5: [a] shares its passfile with [b] (home:6), but [b] does not qualify for "
                "tokens; fix [b] or give it a passfile of its own");
        }
        expect_number(row->why, ria_service_index_check(b, &err), row->may_share);
        expect(row->why, row->may_share || strstr(err.text, "home:") == err.text);
        release_read(&read);
    }
}

static void an_invalid_entry_disqualifies_only_entries_that_share_its_passfile(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *home;
        const char *system;
        bool is_good; /* [a] may have tokens */
    } rows[] = {
        {"another passfile", "[a]\n" GOOD FILE_P "[b]\nhost=h\npassfile=/d/q\n", NULL, true},
        {"control: the same passfile", "[a]\n" GOOD FILE_P "[b]\nhost=h\n" FILE_P, NULL, false},
        {"a second entry of the same name, which libpq never reads",
         "[a]\n" GOOD FILE_P "[a]\nhost=h\n" FILE_P,
         NULL,
         true},
        {"a second entry of the same name in the other file",
         "[a]\n" GOOD FILE_P,
         "[a]\nhost=h\n" FILE_P,
         true},
        {"an invalid entry of the other file", "[a]\n" GOOD FILE_P, "[b]\nhost=h\n" FILE_P, false},
        {"an invalid entry before [a]", "[b]\nhost=h\n" FILE_P "[a]\n" GOOD FILE_P, NULL, false},
        {"an invalid entry without a passfile", "[a]\n" GOOD FILE_P "[b]\nhost=h\n", NULL, true},
        {"two entries, both invalid", "[b]\nhost=h\n" FILE_P "[a]\nhost=h\n" FILE_P, NULL, false},
        {"the same file by another path",
         "[a]\n" GOOD "passfile=/proc/p\n[b]\nhost=h\npassfile=/proc/1/../p\n",
         NULL,
         false},
    };
    for_each_row(row, rows, row->why) {
        struct read read;
        struct ria_error err;
        read_texts(row->home, row->system, NULL, &read);
        expect_number(row->why, ria_service_index_check(find(&read, "a"), &err), row->is_good);
        release_read(&read);
    }
}

static void entries_are_sorted_by_passfile_and_then_by_position(void **state)
{
    (void)state;
    struct read read;
    read_texts(
        "[z]\npassfile=/d/b\n[y]\npassfile=/d/a\n[x]\n",
        "[w]\npassfile=/d/b\n[z]\npassfile=/d/a\n[a]\npassfile=/d/a\n",
        NULL,
        &read);
    static const char *const wanted[] = {"y", "a", "z", "w"};
    expect_number(
        "all entries except [x] and the second [z]", read.index.entry_count, RIA_COUNT(wanted));
    for (size_t i = 0; i < RIA_COUNT(wanted); i++) {
        expect_text("in order", read.index.by_passfile[i]->service->name, wanted[i]);
    }
    release_read(&read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_service_of_a_name_in_both_files_is_used),
        cmocka_unit_test(without_files_the_index_is_empty),
        cmocka_unit_test(paths_are_compared_after_resolving_links),
        cmocka_unit_test(the_last_component_in_the_agents_directory_is_not_resolved),
        cmocka_unit_test(a_path_in_a_missing_directory_is_compared_as_text),
        cmocka_unit_test(a_path_that_is_too_long_is_compared_as_text),
        cmocka_unit_test(a_link_to_a_path_that_is_too_long_is_not_resolved),
        cmocka_unit_test(an_invalid_entry_disqualifies_those_that_share_its_passfile),
        cmocka_unit_test(an_invalid_entry_disqualifies_only_entries_that_share_its_passfile),
        cmocka_unit_test(entries_are_sorted_by_passfile_and_then_by_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
