/* SPDX-License-Identifier: MIT
 *
 * The list of the commands that wait for one another: what is added, what is refused, whatever the
 * names are and whatever the variable holds; and keepers among the ancestors. */
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

/* Hands the list on, as the environment does. */
static void hand_on(struct ria_fake *fake, const struct ria_buf *chain, char *storage, size_t size)
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

static void names_of_all_kinds_make_one_plain_list(void **state)
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
    for (size_t i = 0; i < RIA_COUNT(names); i++) {
        assert_true(add(&fake, names[i], "x", &chain, &err));
        expect(
            names[i],
            chain.len == strspn(
                             chain.data,
                             "abcdefghijklmnopqrstuvwxyz0123456789"
                             "ABCDEF:,%.-_~"));
        hand_on(&fake, &chain, storage, sizeof(storage));
    }
    for (size_t i = 0; i < RIA_COUNT(names); i++) {
        expect(names[i], !add(&fake, names[i], "x", &chain, &err));
        expect_piece(names[i], err.text, NOT_STARTED "it would run itself again: ");
    }
}

static void a_link_is_file_profile_and_command(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err;
    char storage[4096];
    RIA_AUTO(buf) chain = {.max = sizeof(storage)};
    ria_fake_init(&fake);
    assert_true(add(&fake, "p", "x", &chain, &err));
    hand_on(&fake, &chain, storage, sizeof(storage));
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

static void the_circle_alone_is_shown(void **state)
{
    (void)state;
    static const char *const names[] = {"first", "a", "b"};
    struct ria_fake fake;
    struct ria_error err;
    char storage[4096];
    RIA_AUTO(buf) chain = {.max = sizeof(storage)};
    ria_fake_init(&fake);
    for (size_t i = 0; i < RIA_COUNT(names); i++) {
        assert_true(add(&fake, names[i], "x", &chain, &err));
        hand_on(&fake, &chain, storage, sizeof(storage));
    }
    assert_false(add(&fake, "a", "x", &chain, &err));
    expect_piece("circle", err.text, "would run itself again: a -> b -> a;");
}

static void a_list_has_an_end(void **state)
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
        hand_on(&fake, &chain, storage, sizeof(storage));
    }
    assert_true(chain.len < 2048);
    assert_false(add(&fake, "last", "x", &chain, &err));
    expect_piece("limit", err.text, NOT_STARTED "8 nested commands are already running");
    expect_piece("limit", err.text, "...); shorten the chain");
}

static void what_was_not_written_here_is_refused(void **state)
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
    for (size_t i = 0; i < RIA_COUNT(values); i++) {
        ria_fake_env(&fake, RIA_PROCESS_CHAIN_VARIABLE, values[i]);
        expect(values[i], !add(&fake, "p", "x", &chain, &err));
        expect_text(
            values[i],
            err.text,
            NOT_STARTED "RDS_IAM_PROCESS_CHAIN was not written by rds-iam; unset it");
    }
    static const char *const good[] = {"", " ", ID ":", ID ":a%2C%20~b"};
    for (size_t i = 0; i < RIA_COUNT(good); i++) {
        ria_fake_env(&fake, RIA_PROCESS_CHAIN_VARIABLE, good[i]);
        expect(good[i], add(&fake, "p", "x", &chain, &err));
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

/* Keepers, and a shell between two of them; the innermost one is our parent. */
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

static void keepers_among_the_ancestors_are_counted(void **state)
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
                "keepers",
                err.text,
                NOT_STARTED "8 nested commands are already running (p); shorten the chain");
        }
    }
}

static void ancestors_that_cannot_be_read_are_none(void **state)
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
    for (size_t i = 0; i < RIA_COUNT(stats); i++) {
        struct ria_fake fake;
        struct ria_error err;
        RIA_AUTO(buf) chain = {.max = 4096};
        ria_fake_init(&fake);
        ria_fake_file(&fake, "/proc/self/stat", stats[i]);
        ria_fake_file(&fake, "/proc/500/stat", stats[i]); /* its own parent: a walk has an end */
        expect(stats[i], add(&fake, "p", "x", &chain, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_all_kinds_make_one_plain_list),
        cmocka_unit_test(a_link_is_file_profile_and_command),
        cmocka_unit_test(the_circle_alone_is_shown),
        cmocka_unit_test(a_list_has_an_end),
        cmocka_unit_test(what_was_not_written_here_is_refused),
        cmocka_unit_test(keepers_among_the_ancestors_are_counted),
        cmocka_unit_test(ancestors_that_cannot_be_read_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
