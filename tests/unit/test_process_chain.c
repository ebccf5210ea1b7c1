/* SPDX-License-Identifier: MIT
 *
 * The list of nested credential_process commands, for names and variable values of all kinds: what
 * is added, and what is rejected. Also the count of keepers (the processes in which rds-iam-fetch
 * starts such commands) among the ancestor processes. */
#include "fetch/process_chain.h"

#include "fake_world.h"
#include "unit.h"

#define FILE_NAME "/home/u/.aws/config"
#define NOT_STARTED FILE_NAME ":2: this credential_process is not started, because "
#define ID "0123456789abcdef0123456789abcdef"

static bool add(
    struct ria_fake *fake,
    const char *profile,
    const char *command,
    struct ria_buf *chain,
    struct ria_error *err)
{
    const struct ria_setting setting = {command, FILE_NAME, 2};
    *err = (struct ria_error){0};
    ria_buf_clear(chain);
    return ria_process_chain_add(&fake->world, &setting, profile, chain, err);
}

/* Sets the variable that passes the list to the next command. */
static void pass_chain_on(
    struct ria_fake *fake, const struct ria_buf *chain, char *storage, size_t size)
{
    assert_true(chain->len < size);
    memcpy(storage, chain->data, chain->len + 1);
    ria_fake_env(fake, RIA_PROCESS_CHAIN_VARIABLE, storage);
}

static void fill(char *out, size_t len, char last)
{
    memset(out, 'n', len);
    out[len - 1] = last;
    out[len] = '\0';
}

static void names_of_all_kinds_make_one_printable_list(void **state)
{
    (void)state;
    char long_name[301];
    char other_long_name[301];
    fill(long_name, 300, '1');
    fill(other_long_name, 300, '2');
    const char *const names[] = {
        "", "a,b:c", "x y\n\tz", "%2C\"'\\", "\xc3\xbc\xff\x01", long_name, other_long_name};
    struct ria_fake fake;
    struct ria_error err;
    char storage[4096];
    RIA_AUTO(buf) chain = {.max = sizeof(storage)};
    ria_fake_init(&fake);
    for_each_row(name, names, *name) {
        expect(*name, add(&fake, *name, "x", &chain, &err));
        expect(
            *name,
            chain.len == strspn(
                             chain.data,
                             "abcdefghijklmnopqrstuvwxyz0123456789"
                             "ABCDEF:,%.-_~"));
        pass_chain_on(&fake, &chain, storage, sizeof(storage));
    }
    for_each_row(row, names, *row) {
        expect(*row, !add(&fake, *row, "x", &chain, &err));
        expect_piece(*row, err.text, NOT_STARTED "it would run itself again: ");
    }
}

static void a_command_is_identified_by_file_profile_and_text(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err;
    char storage[4096];
    RIA_AUTO(buf) chain = {.max = sizeof(storage)};
    ria_fake_init(&fake);
    assert_true(add(&fake, "p", "x", &chain, &err));
    pass_chain_on(&fake, &chain, storage, sizeof(storage));
    assert_true(add(&fake, "q", "x", &chain, &err));
    assert_true(add(&fake, "p", "y", &chain, &err));
    const struct ria_setting elsewhere = {"x", "/other", 2};
    const struct ria_setting moved = {"x", FILE_NAME, 77};
    ria_buf_clear(&chain);
    assert_true(ria_process_chain_add(&fake.world, &elsewhere, "p", &chain, &err));
    assert_false(ria_process_chain_add(&fake.world, &moved, "p", &chain, &err));
    assert_string_equal(
        err.text,
        FILE_NAME ":77: this credential_process is not started, because it would run itself again: "
                  "p -> p; change how one of these profiles gets its credentials");
}

static void only_the_cycle_is_shown(void **state)
{
    (void)state;
    static const char *const names[] = {"first", "a", "b"};
    struct ria_fake fake;
    struct ria_error err;
    char storage[4096];
    RIA_AUTO(buf) chain = {.max = sizeof(storage)};
    ria_fake_init(&fake);
    for_each_row(name, names, *name) {
        expect(*name, add(&fake, *name, "x", &chain, &err));
        pass_chain_on(&fake, &chain, storage, sizeof(storage));
    }
    assert_false(add(&fake, "a", "x", &chain, &err));
    expect_piece("the cycle", err.text, "would run itself again: a -> b -> a;");
}

static void the_length_of_a_list_is_limited(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err;
    char storage[8192];
    char name[301];
    RIA_AUTO(buf) chain = {.max = sizeof(storage)};
    ria_fake_init(&fake);
    for (int i = 0; i < RIA_PROCESS_CHAIN_MAX; i++) {
        fill(name, 300, (char)('1' + i));
        assert_true(add(&fake, name, "x", &chain, &err));
        pass_chain_on(&fake, &chain, storage, sizeof(storage));
    }
    assert_true(chain.len < 2048);
    assert_false(add(&fake, "last", "x", &chain, &err));
    expect_piece("the message", err.text, NOT_STARTED "8 nested commands are already running");
    expect_piece("the shortened list", err.text, "...); shorten the chain");
}

static void a_value_from_another_writer_is_rejected(void **state)
{
    (void)state;
    static const char *const values[] = {
        "x",
        ID,
        ":a",
        ID "a:a",
        "0123456789ABCDEF0123456789ABCDEF:a",
        ID ":a,",
        "," ID ":a",
        ID ":a," ID,
        ID ":a b",
        ID ":a%",
        ID ":a%4",
        ID ":a%zz",
        ID ":a%2c",
        ID ":a%00",
        ID ":a\n",
        ID ":\xff",
        ID ":nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
        "1:,2:,3:",
    };
    struct ria_fake fake;
    struct ria_error err;
    RIA_AUTO(buf) chain = {.max = 4096};
    ria_fake_init(&fake);
    for_each_row(value, values, *value) {
        ria_fake_env(&fake, RIA_PROCESS_CHAIN_VARIABLE, *value);
        expect(*value, !add(&fake, "p", "x", &chain, &err));
        expect_text(
            *value, err.text, NOT_STARTED "RDS_IAM_PROCESS_CHAIN was not set by rds-iam; unset it");
    }
    static const char *const good[] = {"", " ", ID ":", ID ":a%2C%20~b"};
    for_each_row(row, good, *row) {
        ria_fake_env(&fake, RIA_PROCESS_CHAIN_VARIABLE, *row);
        expect(*row, add(&fake, "p", "x", &chain, &err));
    }
}

/* -- ancestors ------------------------------------------------------------------------------ */

enum {
    KEEPERS = 12
};

struct ancestors {
    char path[2 * KEEPERS][32];
    char stat[2 * KEEPERS][96];
};

/* Sets ancestors: keepers, each of which has a shell as its parent. The innermost keeper is the
 * parent of this process. */
static void set_ancestors(struct ria_fake *fake, struct ancestors *out, int keepers)
{
    ria_fake_file(fake, "/proc/self/stat", "500 (rds-iam-fetch) R 100 1 1 0 -1");
    for (int i = 0; i < keepers; i++) {
        for (int j = 0; j < 2; j++) {
            int at = (2 * i) + j;
            (void)snprintf(out->path[at], sizeof(out->path[at]), "/proc/%d/stat", 100 + at);
            (void)snprintf(
                out->stat[at],
                sizeof(out->stat[at]),
                "%d (%s) S %d 1 1 0 -1",
                100 + at,
                j == 0 ? "rds-iam-keeper" : "sh ) (rds-iam-keeper",
                at == (2 * keepers) - 1 ? 0 : 101 + at);
            ria_fake_file(fake, out->path[at], out->stat[at]);
        }
    }
}

static void keepers_among_the_ancestors_are_counted_by_name(void **state)
{
    (void)state;
    for (int keepers = 0; keepers <= KEEPERS; keepers++) {
        struct ria_fake fake;
        struct ria_error err;
        struct ancestors ancestors;
        RIA_AUTO(buf) chain = {.max = 4096};
        ria_fake_init(&fake);
        set_ancestors(&fake, &ancestors, keepers);
        bool ok = add(&fake, "p", "x", &chain, &err);
        assert_int_equal(ok, keepers < RIA_PROCESS_CHAIN_MAX);
        if (!ok) {
            expect_text(
                "too many keepers",
                err.text,
                NOT_STARTED "8 nested commands are already running (p); shorten the chain");
        }
    }
}

static void unreadable_ancestors_are_not_counted(void **state)
{
    (void)state;
    static const char *const stats[] = {
        "",
        "500",
        "500 (x",
        "500 (x)",
        "500 (x) ",
        "500 (x) R",
        ") (",
        "500 (x) R 500 1",
        "500 (x) R -1",
        "500 (x) R y"};
    for_each_row(stat, stats, *stat) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(buf) chain = {.max = 4096};
        ria_fake_init(&fake);
        ria_fake_file(&fake, "/proc/self/stat", *stat);
        ria_fake_file(
            &fake,
            "/proc/500/stat",
            *stat); /* a process that is its own parent: the walk must end */
        expect(*stat, add(&fake, "p", "x", &chain, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_all_kinds_make_one_printable_list),
        cmocka_unit_test(a_command_is_identified_by_file_profile_and_text),
        cmocka_unit_test(only_the_cycle_is_shown),
        cmocka_unit_test(the_length_of_a_list_is_limited),
        cmocka_unit_test(a_value_from_another_writer_is_rejected),
        cmocka_unit_test(keepers_among_the_ancestors_are_counted_by_name),
        cmocka_unit_test(unreadable_ancestors_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
