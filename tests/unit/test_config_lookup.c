/* SPDX-License-Identifier: MIT
 *
 * Section lookup in configurations of random sections. The test compares the hash table with a
 * linear search that follows the documented rule. The random numbers are the same in every run. */
#include "config/config.h"

#include "fake_world.h"
#include "unit.h"

#include <stdlib.h>

enum {
    CONFIGURATIONS = 1500,
    SECTIONS_MAX = 24,
    LOOKUPS = 60,
    NAME_SIZE = 64,
};

static uint32_t seed = 20270628;

static unsigned pick(unsigned count)
{
    seed = (seed * 1664525U) + 1013904223U;
    return (seed >> 12) % count;
}

/* -- the rule as a linear search --------------------------------------------------------------- */

struct named {
    char user[NAME_SIZE]; /* "": any */
    char host[NAME_SIZE]; /* may begin with "*." */
    unsigned port;        /* 0: any */
};

/* Copies a host name in lower case and without a trailing dot: "H.x." becomes "h.x". */
static void plain_host(const char *host, char out[NAME_SIZE])
{
    size_t len = strlen(host);
    len -= len > 1 && host[len - 1] == '.' ? 1 : 0;
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] + 32 : host[i]);
    }
    out[len] = '\0';
}

static bool host_fits(const char *pattern, const char *dialed)
{
    char a[NAME_SIZE];
    char b[NAME_SIZE];
    plain_host(pattern, a);
    plain_host(dialed, b);
    if (a[0] != '*') {
        return strcmp(a, b) == 0;
    }
    size_t end = strlen(a + 1);
    return strlen(b) > end && strcmp(b + strlen(b) - end, a + 1) == 0;
}

static bool fits(const struct named *section, const struct named *dialed)
{
    return (section->user[0] == '\0' || strcmp(section->user, dialed->user) == 0) &&
           (section->port == 0 || section->port == dialed->port) &&
           host_fits(section->host, dialed->host);
}

static bool is_same(const struct named *a, const struct named *b)
{
    char x[NAME_SIZE];
    char y[NAME_SIZE];
    plain_host(a->host, x);
    plain_host(b->host, y);
    return a->port == b->port && strcmp(a->user, b->user) == 0 && strcmp(x, y) == 0;
}

/* -- random names ------------------------------------------------------------------------------ */

static void random_host(char out[NAME_SIZE], bool may_be_wildcard)
{
    static const char *const labels[] = {"a", "b", "A", "bb", "x", "X"};
    static const char *const addresses[] = {"::1", "127.0.0.1", "fe80::a", ".x", "a..x"};
    bool is_wildcard = may_be_wildcard && pick(3) == 0;
    out[0] = '\0';
    if (!is_wildcard && pick(12) == 0) {
        strcat(out, addresses[pick(RIA_COUNT(addresses))]);
        return;
    }
    strcat(out, is_wildcard ? "*." : "");
    for (unsigned i = pick(4) + 1; i > 0; i--) {
        strcat(out, labels[pick(RIA_COUNT(labels))]);
        strcat(out, i > 1 ? "." : "");
    }
    strcat(out, pick(10) == 0 ? "." : "");
}

static void random_name(struct named *out, bool is_section)
{
    static const char *const users[] = {"u", "U", "v", "j@corp", "a:b"};
    static const unsigned ports[] = {1, 3306, 5432};
    bool has_user = !is_section || pick(3) == 0;
    (void)snprintf(
        out->user, sizeof(out->user), "%s", has_user ? users[pick(RIA_COUNT(users))] : "");
    out->port = !is_section || pick(3) == 0 ? ports[pick(RIA_COUNT(ports))] : 0;
    random_host(out->host, is_section);
}

static void write_section(struct ria_buf *text, const struct named *section, unsigned number)
{
    bool is_ipv6 = strchr(section->host, ':') != NULL;
    bool needs_brackets = is_ipv6 && (section->port != 0 || pick(2) == 0);
    ria_buf_addf(
        text,
        "[%s%s%s%s%s",
        section->user,
        section->user[0] != '\0' ? "@" : "",
        needs_brackets ? "[" : "",
        section->host,
        needs_brackets ? "]" : "");
    if (section->port != 0) {
        ria_buf_addf(text, ":%u", section->port);
    }
    ria_buf_addf(text, "]\nprofile = %u\n", number);
}

/* -- files ------------------------------------------------------------------------------------- */

struct written {
    struct named
        sections[2 * SECTIONS_MAX]; /* of both files, in the order in which they are read */
    unsigned count;
    struct ria_buf text[RIA_CONFIG_FILES];
};

static void written_add(struct written *out, unsigned file, unsigned first)
{
    struct named *next = &out->sections[out->count];
    random_name(next, true);
    for (unsigned i = first; i < out->count; i++) {
        if (is_same(&out->sections[i], next)) {
            return;
        }
    }
    write_section(&out->text[file], next, out->count++);
}

static void write_files(struct written *out)
{
    out->count = 0;
    for (unsigned file = 0; file < RIA_CONFIG_FILES; file++) {
        unsigned first = out->count;
        out->text[file] = (struct ria_buf){.max = 16384};
        ria_buf_add_text(&out->text[file], "# sections\n");
        for (unsigned i = pick(SECTIONS_MAX); i > 0; i--) {
            written_add(out, file, first);
        }
    }
}

static void look_up(const struct ria_config *config, const struct written *written, size_t *found)
{
    struct named dialed;
    struct ria_section target;
    char want[16] = "none";
    random_name(&dialed, false);
    for (unsigned i = 0; i < written->count; i++) {
        if (fits(&written->sections[i], &dialed)) {
            (void)snprintf(want, sizeof(want), "%u", i);
            *found += 1;
            break;
        }
    }
    ria_config_match(config, dialed.host, (uint16_t)dialed.port, dialed.user, &target);
    const char *got = target.profile.value == NULL ? "none" : target.profile.value;
    if (strcmp(got, want) != 0) {
        fail_msg(
            "%s@%s:%u: section %s instead of %s in\n%s---\n%s",
            dialed.user,
            dialed.host,
            dialed.port,
            got,
            want,
            written->text[0].data,
            written->text[1].data);
    }
}

static void the_hash_table_finds_the_same_section_as_a_linear_search(void **state)
{
    (void)state;
    size_t found = 0;
    struct written *written = calloc(1, sizeof(*written));
    assert_non_null(written);
    for (unsigned i = 0; i < CONFIGURATIONS; i++) {
        RIA_AUTO(config) config = {0};
        struct ria_error err;
        struct ria_fake fake;
        ria_fake_init(&fake);
        write_files(written);
        ria_fake_file(&fake, RIA_FAKE_CONFIG, written->text[0].data);
        ria_fake_file(&fake, "/etc/rds-iam/config", written->text[1].data);
        if (!ria_config_load(&fake.world, &config, &err)) {
            fail_msg("%s\n%s---\n%s", err.text, written->text[0].data, written->text[1].data);
        }
        for (unsigned j = 0; j < LOOKUPS; j++) {
            look_up(&config, written, &found);
        }
        ria_buf_release(&written->text[0]);
        ria_buf_release(&written->text[1]);
    }
    free(written);
    /* Control: some lookups match a section, and some do not. */
    size_t all = (size_t)CONFIGURATIONS * LOOKUPS;
    expect("many are found", found > all / 5);
    expect("many are not", found < all - (all / 5));
}

/* A duplicate section is found even after thousands of other sections. The message names the line
 * of the first one. */
static void duplicate_sections_are_rejected_in_a_large_file(void **state)
{
    (void)state;
    enum {
        SECTIONS = 9000
    };
    static const char *const repeated[] = {"u7@H7.X:5", "*.W8.x", "[::9]"};
    static const unsigned line[] = {3 * 7 + 1, 3 * 7 + 2, 3 * 9 + 3};
    for (size_t i = 0; i < RIA_COUNT(repeated); i++) {
        RIA_AUTO(config) config = {0};
        RIA_AUTO(buf) text = {.max = 1024 * 1024};
        struct ria_error err = {0};
        struct ria_fake fake;
        char piece[128];
        for (unsigned j = 0; j < SECTIONS / 3; j++) {
            ria_buf_addf(&text, "[u%u@h%u.x:5]\n[*.w%u.x]\n[::%u]\n", j, j, j + 1, j);
        }
        ria_buf_addf(&text, "[%s]\n", repeated[i]);
        ria_fake_init(&fake);
        ria_fake_file(&fake, RIA_FAKE_CONFIG, text.data);
        expect(repeated[i], !ria_config_load(&fake.world, &config, &err));
        (void)snprintf(
            piece,
            sizeof(piece),
            RIA_FAKE_CONFIG ":%u: [%s] is the same as the section in line %u; join them",
            SECTIONS + 1,
            repeated[i],
            line[i]);
        expect_text(repeated[i], err.text, piece);
    }
}

static void ten_thousand_sections_are_accepted_and_one_more_is_not(void **state)
{
    (void)state;
    for (unsigned count = 10000; count <= 10001; count++) {
        RIA_AUTO(config) config = {0};
        RIA_AUTO(buf) text = {.max = 1024 * 1024};
        struct ria_error err = {0};
        for (unsigned i = 0; i < count; i++) {
            ria_buf_addf(&text, "[h%u]\n", i);
        }
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_file(&fake, RIA_FAKE_CONFIG, text.data);
        assert_int_equal(ria_config_load(&fake.world, &config, &err), count == 10000);
        if (count > 10000) {
            assert_string_equal(
                err.text, RIA_FAKE_CONFIG ": more than 10000 sections; use wildcards");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_table_finds_the_same_section_as_a_linear_search),
        cmocka_unit_test(duplicate_sections_are_rejected_in_a_large_file),
        cmocka_unit_test(ten_thousand_sections_are_accepted_and_one_more_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
