/* SPDX-License-Identifier: MIT
 *
 * All rows of tests/vectors/config_grammar.json: the texts of AWS's two files, and exactly the
 * profiles that they define. No expected profile or key may be missing, and no other may exist. */
#include "aws/profile.h"

#include "fake_world.h"
#include "unit.h"
#include "vectors.h"

#include <openssl/evp.h>

/* The member of a vector's "expect" for each kind of section. */
static const struct {
    enum ria_profile_kind kind;
    const char *member;
} kinds[] = {
    {RIA_PROFILE, "profiles"},
    {RIA_PROFILE_SSO_SESSION, "sso_sessions"},
    {RIA_PROFILE_SERVICES, "services"},
};

/* Copies the bytes of NAME, or of NAME_base64, into a buffer. */
static void add_bytes(const json_t *row, const char *name, struct ria_buf *out)
{
    const char *text = ria_vector_text(row, name);
    if (text != NULL) {
        ria_buf_add_text(out, text);
        return;
    }
    char key[64];
    (void)snprintf(key, sizeof(key), "%s_base64", name);
    const char *encoded = ria_vector_need(row, key);
    unsigned char bytes[1024];
    size_t len = strlen(encoded);
    assert_true(len < sizeof(bytes));
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)encoded, (int)len);
    assert_true(decoded > 0);
    for (size_t at = len; encoded[at - 1] == '='; at--) {
        decoded--;
    }
    ria_buf_add(out, bytes, (size_t)decoded);
}

static const struct ria_ini_entry *find_entry(
    const struct ria_profiles *profiles,
    enum ria_profile_kind kind,
    const char *name,
    const char *key,
    const struct ria_ini **ini)
{
    for (size_t i = profiles->count; i > 0; i--) {
        const struct ria_profile_section *section = &profiles->sections[i - 1];
        *ini = &profiles->ini[section->file];
        const struct ria_ini_entry *entry = ria_ini_find(*ini, section->section, key);
        if (section->kind == kind && strcmp(section->name, name) == 0 && entry != NULL) {
            return entry;
        }
    }
    return NULL;
}

/* Checks that the sub-properties after `parent` are exactly those of `want`. */
static void check_subs(
    const char *message,
    const struct ria_ini *ini,
    const struct ria_ini_entry *parent,
    const json_t *want)
{
    size_t count = 0;
    const struct ria_ini_entry *end = ini->entries + ini->entry_count;
    expect_text(message, parent->value, "");
    for (const struct ria_ini_entry *sub = parent + 1; sub < end && sub->is_sub; sub++) {
        expect_text(message, sub->value, ria_vector_need(want, sub->key));
        count++;
    }
    expect_number(message, count, json_object_size(want));
}

static void check_value(
    const char *message,
    const struct ria_profiles *profiles,
    size_t kind,
    const char *name,
    const char *key,
    const json_t *want)
{
    const struct ria_ini *ini = NULL;
    const struct ria_ini_entry *entry = find_entry(profiles, kinds[kind].kind, name, key, &ini);
    expect(message, entry != NULL);
    if (json_is_object(want)) {
        check_subs(message, ini, entry, want);
        return;
    }
    if (kinds[kind].kind == RIA_PROFILE) {
        struct ria_setting setting = {0};
        expect(message, ria_profiles_get(profiles, name, key, &setting));
        expect_text(message, setting.value, json_string_value(want));
    } else {
        expect_text(message, entry->value, json_string_value(want));
    }
}

/* Checks that every parsed section and key is expected. If the config file has [profile default],
 * its [default] is not used. The vectors give both sections the same keys. */
static void check_nothing_more(
    const char *message, const struct ria_profiles *profiles, size_t kind, const json_t *want)
{
    for (size_t i = 0; i < profiles->count; i++) {
        const struct ria_profile_section *section = &profiles->sections[i];
        if (section->kind != kinds[kind].kind) {
            continue;
        }
        const json_t *keys = json_object_get(want, section->name);
        expect(message, keys != NULL);
        const struct ria_ini_entry *entry =
            profiles->ini[section->file].entries + section->section->first;
        for (size_t j = 0; j < section->section->count; j++) {
            expect(message, entry[j].is_sub || json_object_get(keys, entry[j].key) != NULL);
        }
    }
}

static void check_kind(
    const char *message, const struct ria_profiles *profiles, size_t kind, json_t *want)
{
    const char *name;
    json_t *keys;
    json_object_foreach(want, name, keys)
    {
        const char *key;
        json_t *value;
        expect(message, ria_profiles_has(profiles, kinds[kind].kind, name, NULL));
        json_object_foreach(keys, key, value)
        {
            check_value(message, profiles, kind, name, key, value);
        }
    }
    check_nothing_more(message, profiles, kind, want);
}

/* profiles_base64 contains the bytes of values that are not UTF-8. */
static void check_bytes(const char *message, const struct ria_profiles *profiles, json_t *want)
{
    const char *name;
    json_t *keys;
    json_object_foreach(want, name, keys)
    {
        const char *key;
        json_t *value;
        json_object_foreach(keys, key, value)
        {
            RIA_AUTO(buf) bytes = {.max = 1024};
            struct ria_setting setting = {0};
            json_t *wrapped = json_pack("{s:O}", "value_base64", value);
            add_bytes(wrapped, "value", &bytes);
            json_decref(wrapped);
            expect(message, ria_profiles_get(profiles, name, key, &setting));
            expect_text(message, setting.value, ria_buf_text(&bytes));
        }
    }
}

static void check_row(const json_t *row)
{
    const char *message = ria_vector_need(row, "name");
    json_t *want = json_object_get(row, "expect");
    RIA_AUTO(buf) config = {.max = 4096};
    RIA_AUTO(buf) credentials = {.max = 4096};
    RIA_AUTO(profiles) profiles = {0};
    struct ria_error err = {0};
    struct ria_fake fake;
    ria_fake_init(&fake);
    add_bytes(row, "config", &config);
    add_bytes(row, "credentials", &credentials);
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, ria_buf_text(&config))->len = config.len;
    ria_fake_file(&fake, RIA_FAKE_AWS_CREDENTIALS, ria_buf_text(&credentials));
    enum ria_outcome outcome = ria_profiles_load(&fake.world, &profiles, &err);
    if (json_is_true(json_object_get(want, "error"))) {
        expect_number(message, outcome, RIA_FAILED);
        expect_piece(message, err.text, RIA_FAKE_AWS_CONFIG ":");
        return;
    }
    expect_number(message, outcome, RIA_FOUND);
    json_t *bytes = json_object_get(want, "profiles_base64");
    if (bytes != NULL) {
        check_bytes(message, &profiles, bytes);
        return;
    }
    for (size_t kind = 0; kind < RIA_COUNT(kinds); kind++) {
        check_kind(message, &profiles, kind, json_object_get(want, kinds[kind].member));
    }
    if (json_is_true(json_object_get(want, "warning"))) {
        expect_number(message, ria_fake_log_count(&fake, RIA_LOG_WARNING), 1);
    } else {
        expect_number(message, ria_fake_log_count(&fake, RIA_LOG_WARNING), 0);
    }
}

static void every_text_of_the_vectors_gives_its_profiles(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("config_grammar.json");
    json_t *cases = json_object_get(root, "cases");
    size_t i;
    json_t *row;
    assert_int_equal(json_array_size(cases), 44);
    json_array_foreach(cases, i, row)
    {
        check_row(row);
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_of_the_vectors_gives_its_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
