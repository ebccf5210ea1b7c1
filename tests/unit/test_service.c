/* SPDX-License-Identifier: MIT
 *
 * The parser of pg_service.conf, and the rules for an entry (a service that names a passfile). A
 * fake struct ria_world with one file supplies the texts. */
#include "service/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- a world with three variables and one file ---------------------------------------------- */

struct one_file {
    const char *text; /* NULL: there is none */
    size_t len;       /* 0: strlen(text) */
    const char *home;
    const char *passwd_home;
    const char *servicefile;
    const char *sysconfdir;
    struct ria_file facts;
};

static const char *get_env(void *self, const char *name)
{
    const struct one_file *world = self;
    if (strcmp(name, "HOME") == 0) {
        return world->home;
    }
    if (strcmp(name, "PGSERVICEFILE") == 0) {
        return world->servicefile;
    }
    return strcmp(name, "PGSYSCONFDIR") == 0 ? world->sysconfdir : NULL;
}

static enum ria_outcome read_file(
    void *self, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    const struct one_file *world = self;
    *file = world->facts;
    if (world->text == NULL) {
        return ria_absent(err, "%s does not exist", path);
    }
    ria_buf_add(out, world->text, world->len == 0 ? strlen(world->text) : world->len);
    return RIA_FOUND;
}

static const char *get_home(void *self)
{
    const struct one_file *world = self;
    return world->passwd_home;
}

static uid_t get_uid(void *self)
{
    (void)self;
    return 7;
}

static struct ria_world world_of(struct one_file *self)
{
    return (struct ria_world){
        .self = self, .env = get_env, .home = get_home, .read_file = read_file, .uid = get_uid};
}

static enum ria_outcome read_text(
    const char *text, struct ria_service_file *file, struct ria_error *err)
{
    struct one_file self = {.text = text};
    struct ria_world world = world_of(&self);
    return ria_service_read("f", true, &world, file, err);
}

/* Parses a text that must be readable to its end. */
static void read_good(const char *text, struct ria_service_file *file)
{
    struct ria_error err = {0};
    if (read_text(text, file, &err) != RIA_FOUND) {
        fail_msg("%s", err.text);
    }
}

static const struct ria_service *find(const struct ria_service_file *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->services[i].name, name) == 0) {
            return &file->services[i];
        }
    }
    fail_msg("no [%s]", name);
    return NULL;
}

static const char *value(const struct ria_service_file *file, const char *service, const char *key)
{
    const struct ria_service_setting *setting = ria_service_setting(file, find(file, service), key);
    return setting == NULL ? NULL : setting->value;
}

/* -- where the files are -------------------------------------------------------------------- */

static void the_service_files_are_those_of_libpq(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        struct one_file env;
        const char *passwd;
        const char *paths[2];
        bool is_first_required;
    } rows[] = {
        {"HOME is set",
         {.home = "/h"},
         "/p",
         {"/h/.pg_service.conf", "/etc/pg/pg_service.conf"},
         false},
        {"HOME is not set, and passwd names a home",
         {0},
         "/p",
         {"/p/.pg_service.conf", "/etc/pg/pg_service.conf"},
         false},
        {"neither HOME nor passwd names a home",
         {0},
         NULL,
         {"/etc/pg/pg_service.conf", NULL},
         false},
        {"PGSERVICEFILE replaces the file in the home",
         {.home = "/h", .servicefile = "/s"},
         "/p",
         {"/s", "/etc/pg/pg_service.conf"},
         true},
        {"PGSYSCONFDIR replaces the built-in directory",
         {.home = "/h", .sysconfdir = "/d"},
         "/p",
         {"/h/.pg_service.conf", "/d/pg_service.conf"},
         false},
    };
    struct ria_service_paths *paths = malloc(sizeof(*paths));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct one_file self = rows[i].env;
        self.passwd_home = rows[i].passwd;
        struct ria_world world = world_of(&self);
        ria_service_find(&world, "/etc/pg", paths);
        print_message("# %s\n", rows[i].why);
        assert_int_equal(paths->count, rows[i].paths[1] == NULL ? 1 : 2);
        assert_string_equal(paths->path[0], rows[i].paths[0]);
        if (rows[i].paths[1] != NULL) {
            assert_string_equal(paths->path[1], rows[i].paths[1]);
        }
        assert_int_equal(paths->is_first_required, rows[i].is_first_required);
    }
    free(paths);
}

/* -- the text ------------------------------------------------------------------------------- */

static void services_comments_and_blanks_are_parsed_as_in_libpq(void **state)
{
    (void)state;
    static const char text[] = "ignored=before any group\n"
                               "# [comment]\n"
                               "[a] text behind the bracket\r\n"
                               "  host=leading blanks  \t \n"
                               "\n"
                               "port=1\n"
                               "port=2\n"
                               "user=has = signs\n"
                               "dbname=\"quotes\" # stay\n"
                               "[b c]\n"
                               "host=last line without newline";
    RIA_AUTO(service_file) file;
    read_good(text, &file);
    assert_int_equal(file.count, 2);
    assert_string_equal(value(&file, "a", "host"), "leading blanks");
    assert_string_equal(value(&file, "a", "port"), "1");
    assert_string_equal(value(&file, "a", "user"), "has = signs");
    assert_string_equal(value(&file, "a", "dbname"), "\"quotes\" # stay");
    assert_null(value(&file, "a", "ignored"));
    assert_string_equal(value(&file, "b c", "host"), "last line without newline");
    assert_int_equal(find(&file, "a")->line, 3);
    assert_int_equal(ria_service_setting(&file, find(&file, "a"), "user")->line, 8);
}

static void a_line_without_an_equals_sign_is_a_key(void **state)
{
    (void)state;
    RIA_AUTO(service_file) file;
    read_good("[a]\nhost\n", &file);
    assert_string_equal(file.settings[0].key, "host");
    assert_null(file.settings[0].value);
    assert_null(value(&file, "a", "host"));
}

static void an_open_bracket_ends_the_service(void **state)
{
    (void)state;
    RIA_AUTO(service_file) file;
    read_good("[a]\nhost=x\n[broken\nuser=y\n", &file);
    assert_null(value(&file, "a", "user"));
    assert_string_equal(file.services[1].name, "");
}

static void binary_missing_and_empty_files_are_distinguished(void **state)
{
    (void)state;
    struct one_file self = {.text = "[a]\nho\0st=x\n", .len = 12};
    struct ria_world world = world_of(&self);
    struct ria_error err;
    RIA_AUTO(service_file) file;
    assert_int_equal(ria_service_read("f", true, &world, &file, &err), RIA_FAILED);
    assert_string_equal(err.text, "f:2: contains a NUL byte; write it as plain text");
    ria_service_file_release(&file);
    assert_int_equal(read_text(NULL, &file, &err), RIA_ABSENT);
    ria_service_file_release(&file);
    assert_int_equal(read_text("", &file, &err), RIA_FOUND);
    assert_int_equal(file.count, 0);
}

static void the_first_invalid_line_is_reported(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
    } rows[] = {
        {"", 0},
        {"# a comment\n\n[a]\nhost=x\n", 0},
        {"[a]\nhost=x\nrubbish\nmore\n", 3},
        {"host=x\n[a]\n", 1},
        {"[a]\n[b\nhost=x\n", 2},
        {"\n\x7f"
         "ELF\n",
         2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        RIA_AUTO(service_file) file;
        read_good(rows[i].text, &file);
        assert_int_equal(file.odd_line, rows[i].line);
    }
}

static void a_file_that_others_can_change_is_rejected(void **state)
{
    (void)state;
    static const struct {
        struct ria_file facts;
        const char *text; /* NULL: it is read */
    } rows[] = {
        {{.owner = 0, .mode = 0100644}, NULL},
        {{.owner = 7, .group = 7, .mode = 0100664}, NULL},
        {{.owner = 7, .group = 8, .mode = 0100644}, NULL},
        {{.owner = 0, .group = 0, .mode = 0100620}, NULL},
        {{.owner = 7, .group = 8, .mode = 0100664},
         "f: all of group 8 can write it; run: chmod g-w f"},
        {{.owner = 8, .mode = 0100600},
         "f: belongs to uid 8, neither to root nor to you; run: chown 7 f, or copy it and name the "
         "copy: PGSERVICEFILE=COPY"},
        {{.owner = 7, .mode = 0100666}, "f: every user can write it; run: chmod o-w f"},
        {{.owner = 0, .mode = 0100602},
         "f: every user can write it; its owner must run: chmod o-w f"},
        {{.owner = 7, .group = 7, .mode = 0100660, .acl = {.is_present = true, .has_writer = true}},
         "f: an ACL lets user 0 write it; run: setfacl -b f"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct one_file self = {.text = "[a]\n", .facts = rows[i].facts};
        struct ria_world world = world_of(&self);
        struct ria_error err;
        RIA_AUTO(service_file) file;
        enum ria_outcome wanted = rows[i].text == NULL ? RIA_FOUND : RIA_FAILED;
        assert_int_equal(ria_service_read("f", true, &world, &file, &err), wanted);
        if (rows[i].text != NULL) {
            assert_string_equal(err.text, rows[i].text);
        }
    }
}

/* Writes the service [a], a comment line of `length` bytes including its newline, and the services
 * [b] and [c]. */
static void long_line(char *out, size_t length)
{
    char *at = out + sprintf(out, "[a]\nuser=u\n#");
    memset(at, 'x', length - 2);
    (void)sprintf(at + length - 2, "\n[b]\nuser=u\n[c]\n");
}

static void a_line_beyond_the_limit_marks_its_service_and_all_later_ones(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        bool is_lost;
    } rows[] = {{254, false}, {255, false}, {1022, false}, {1023, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[2048];
        long_line(text, rows[i].length);
        RIA_AUTO(service_file) file;
        read_good(text, &file);
        unsigned lost = rows[i].is_lost ? 3 : 0;
        assert_int_equal(find(&file, "a")->long_line, lost);
        assert_int_equal(find(&file, "b")->long_line, lost);
        assert_int_equal(find(&file, "c")->long_line, lost);
    }
    RIA_AUTO(service_file) file;
    char text[2048] = "[before]\nuser=u\n";
    long_line(text + strlen(text), 1023);
    read_good(text, &file);
    assert_int_equal(find(&file, "before")->long_line, 0);
}

/* -- entries -------------------------------------------------------------------------------- */

#define GOOD "host=h\nuser=u\nsslmode=verify-full\npassfile=/d/p\n"

static void take(const struct ria_service_file *file, const char *name, struct ria_entry *entry)
{
    assert_true(ria_entry_from_service(file, find(file, name), entry));
}

static void a_service_without_a_passfile_is_ignored(void **state)
{
    (void)state;
    RIA_AUTO(service_file) file;
    read_good("[a]\nhost=h\n[b]\npassfile=\n", &file);
    struct ria_entry entry;
    assert_false(ria_entry_from_service(&file, find(&file, "a"), &entry));
    assert_false(ria_entry_from_service(&file, find(&file, "b"), &entry));
}

static void hosts_and_ports_are_paired_as_in_libpq(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        const char *hosts[3];
        const char *ports[3];
        size_t count;
    } rows[] = {
        {GOOD, {"h"}, {"5432"}, 1},
        {GOOD "gssencmode=disable\n", {"h"}, {"5432"}, 1},
        {GOOD "port=\n", {"h"}, {"5432"}, 1},
        {GOOD "port=6000\n", {"h"}, {"6000"}, 1},
        {"host=a,b,c\n" GOOD "port=6000\n", {"a", "b", "c"}, {"6000", "6000", "6000"}, 3},
        {"host=a,b,c\n" GOOD "port=1,,3\n", {"a", "b", "c"}, {"1", "5432", "3"}, 3},
        {GOOD "port=05432\n", {"h"}, {"05432"}, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), "[a]\n%s", rows[i].settings);
        RIA_AUTO(service_file) file;
        read_good(text, &file);
        struct ria_entry entry;
        struct ria_error err = {0};
        take(&file, "a", &entry);
        if (!ria_entry_check(&entry, &err)) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(ria_entry_host_count(&entry), rows[i].count);
        for (size_t j = 0; j < rows[i].count; j++) {
            struct ria_entry_host host;
            assert_true(ria_entry_host(&entry, j, &host));
            assert_string_equal(host.host, rows[i].hosts[j]);
            assert_string_equal(host.port, rows[i].ports[j]);
            assert_int_equal(host.number, atoi(rows[i].ports[j]));
        }
        struct ria_entry_host host;
        assert_false(ria_entry_host(&entry, rows[i].count, &host));
    }
}

static void a_rejected_entry_is_reported_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        const char *message; /* the beginning */
    } rows[] = {
        {"user=u\nsslmode=verify-full\npassfile=/d/p\n", "f:1: [a] has no host="},
        {"host=\n" GOOD, "f:2: [a] has no host="},
        {"host=h\nsslmode=verify-full\npassfile=/d/p\n", "f:1: [a] has no user="},
        {"host=h\nuser=u\npassfile=/d/p\n", "f:1: [a] has no sslmode="},
        {"sslmode=prefer\n" GOOD, "f:2: [a] has sslmode=prefer, which lets the token go"},
        {"sslmode=Verify-Full\n" GOOD, "f:2: [a] has sslmode=Verify-Full, which lets"},
        {GOOD "gssencmode=prefer\n", "f:6: [a] has gssencmode=prefer: with a Kerberos ticket"},
        {GOOD "gssencmode=require\n", "f:6: [a] has gssencmode=require: with a Kerberos"},
        {GOOD "gssencmode=\n", "f:6: [a] has gssencmode=: with a Kerberos"},
        {GOOD "password=x\n", "f:6: [a] has a password=, and with it libpq"},
        {"host=/tmp\n" GOOD, "f:2: [a] has the Unix socket /tmp as its host"},
        {"host=h,@x\n" GOOD, "f:2: [a] has the Unix socket @x as its host"},
        {"host=h,\n" GOOD, "f:2: [a] has an empty or overlong host"},
        {GOOD "port=111111111\n", "f:6: [a] has a port that is not between 1 and 65535"},
        {GOOD "port=65536\n", "f:6: [a] has a port that is not between 1 and 65535"},
        {GOOD "port=-1\n", "f:6: [a] has a port that is not between 1 and 65535"},
        {GOOD "port= 1\n", "f:6: [a] has a port that is not between 1 and 65535"},
        {GOOD "port=1,2\n", "f:6: [a] has 1 hosts and 2 ports"},
        {GOOD "hostaddr=1,2\n", "f:6: [a] has fewer or more addresses than hosts"},
        {GOOD "service=b\n", "f:6: [a] libpq does not know \"service\", so it rejects"},
        {GOOD "nonsense\n", "f:6: [a] the line contains no ="},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), "[a]\n%s", rows[i].settings);
        RIA_AUTO(service_file) file;
        read_good(text, &file);
        struct ria_entry entry;
        struct ria_error err = {0};
        take(&file, "a", &entry);
        assert_false(ria_entry_check(&entry, &err));
        assert_int_equal(err.code, RIA_E_CONFIG);
        err.text[strnlen(rows[i].message, sizeof(err.text))] = '\0';
        assert_string_equal(err.text, rows[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_service_files_are_those_of_libpq),
        cmocka_unit_test(services_comments_and_blanks_are_parsed_as_in_libpq),
        cmocka_unit_test(a_line_without_an_equals_sign_is_a_key),
        cmocka_unit_test(an_open_bracket_ends_the_service),
        cmocka_unit_test(binary_missing_and_empty_files_are_distinguished),
        cmocka_unit_test(the_first_invalid_line_is_reported),
        cmocka_unit_test(a_file_that_others_can_change_is_rejected),
        cmocka_unit_test(a_line_beyond_the_limit_marks_its_service_and_all_later_ones),
        cmocka_unit_test(a_service_without_a_passfile_is_ignored),
        cmocka_unit_test(hosts_and_ports_are_paired_as_in_libpq),
        cmocka_unit_test(a_rejected_entry_is_reported_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
