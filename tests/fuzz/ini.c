/* SPDX-License-Identifier: MIT
 *
 * Settings files: the parser, rds-iam's own configuration, and AWS's profiles. If the parsed
 * sections, keys and values are written to a file, parsing that file gives the same result. No
 * message and no log line contains a secret of a profile.
 *
 * Input: the config file, then the credentials file.
 */
#include "fuzz.h"

#include "config/config.h"
#include "fake_world.h"
#include "provider/chain.h"
#include "provider/request.h"

#include <stdlib.h>
#include <string.h>

static bool read_ini(const struct ria_buf *bytes, struct ria_ini *out, struct ria_error *err)
{
    RIA_AUTO(buf) text = {0};
    fuzz_fill(&text, bytes->data, bytes->len);
    return ria_ini_parse("f", &text, out, err);
}

/* -- the reader ----------------------------------------------------------------------------- */

static bool lies_in(const struct ria_buf *text, const char *piece)
{
    return piece >= text->data && piece + strlen(piece) <= text->data + text->len;
}

static void check_structure(const struct ria_ini *ini)
{
    size_t next = 0;
    unsigned line = 1;
    for (size_t i = 0; i < ini->section_count; i++) {
        const struct ria_ini_section *section = &ini->sections[i];
        fuzz_require(section->first == next && lies_in(&ini->text, section->name));
        fuzz_require(section->line >= line);
        line = section->line;
        next += section->count;
    }
    fuzz_require(next == ini->entry_count);
    for (size_t i = 0; i < ini->entry_count; i++) {
        const struct ria_ini_entry *entry = &ini->entries[i];
        fuzz_require(lies_in(&ini->text, entry->key) && lies_in(&ini->text, entry->value));
        fuzz_require(*entry->key != '\0' && strpbrk(entry->key, "=\n") == NULL);
        fuzz_require(strpbrk(entry->key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
    }
}

/* Continuation lines are indented. Lines end in CR LF, because a CR before an LF is not part of a
 * value. */
static void write_ini(const struct ria_ini *ini, struct ria_buf *out)
{
    for (size_t i = 0; i < ini->section_count; i++) {
        const struct ria_ini_section *section = &ini->sections[i];
        ria_buf_addf(out, "[%s]\r\n", section->name);
        for (size_t j = section->first; j < section->first + section->count; j++) {
            const struct ria_ini_entry *entry = &ini->entries[j];
            ria_buf_addf(out, "%s%s=", entry->is_sub ? " " : "", entry->key);
            for (const char *c = entry->value; *c != '\0'; c++) {
                ria_buf_add_text(out, *c == '\n' ? "\r\n " : (const char[]){*c, '\0'});
            }
            ria_buf_add_text(out, "\r\n");
        }
    }
}

/* Returns whether a name begins with a quote and contains a bracket. Whether the bracket is quoted
 * depends on a blank before the name, which the parser removes. */
static bool has_ambiguous_name(const struct ria_ini *ini)
{
    for (size_t i = 0; i < ini->section_count; i++) {
        const char *name = ini->sections[i].name;
        if ((*name == '"' || *name == '\'') && strpbrk(name, "[]") != NULL) {
            return true;
        }
    }
    return false;
}

static void check_round_trip(const struct ria_ini *ini)
{
    RIA_AUTO(buf) text = {.max = (size_t)2 * RIA_INI_TEXT_MAX};
    struct ria_ini again = {0};
    struct ria_error err;
    write_ini(ini, &text);
    fuzz_require(!text.failed);
    if (text.len > RIA_INI_TEXT_MAX) {
        return; /* with CR LF as line ends, the text exceeds the limit */
    }
    fuzz_require(read_ini(&text, &again, &err));
    fuzz_require(again.warning_count == 0);
    fuzz_require(again.section_count == ini->section_count);
    fuzz_require(again.entry_count == ini->entry_count);
    for (size_t i = 0; i < ini->section_count; i++) {
        fuzz_require(strcmp(again.sections[i].name, ini->sections[i].name) == 0);
        fuzz_require(again.sections[i].count == ini->sections[i].count);
    }
    for (size_t i = 0; i < ini->entry_count; i++) {
        fuzz_require(strcmp(again.entries[i].key, ini->entries[i].key) == 0);
        fuzz_require(strcmp(again.entries[i].value, ini->entries[i].value) == 0);
        fuzz_require(again.entries[i].is_sub == ini->entries[i].is_sub);
    }
    ria_ini_release(&again);
}

static void check_reader(const struct ria_buf *bytes)
{
    struct ria_ini ini = {0};
    struct ria_error err = {0};
    if (!read_ini(bytes, &ini, &err)) {
        fuzz_require(err.text[0] != '\0' && ini.text.data == NULL);
        return;
    }
    check_structure(&ini);
    if (!has_ambiguous_name(&ini)) {
        check_round_trip(&ini);
    }
    ria_ini_release(&ini);
}

/* -- our own configuration ------------------------------------------------------------------ */

static void give_file(struct ria_fake *fake, const char *path, const struct ria_buf *bytes)
{
    ria_fake_file(fake, path, bytes->data)->len = bytes->len;
}

/* Only a section that names an address without a wildcard may have an endpoint. */
static void check_config(const struct ria_buf *bytes)
{
    static const char host[] = "qx7.eu-west-1.rds.amazonaws.com";
    static const char other[] = "qx7.example"; /* not the name of an RDS endpoint */
    struct ria_fake fake;
    struct ria_error err = {0};
    struct ria_section target;
    struct ria_config *config = calloc(1, sizeof(*config));
    fuzz_require(config != NULL);
    ria_fake_init(&fake);
    give_file(&fake, RIA_FAKE_CONFIG, bytes);
    if (ria_config_load(&fake.world, config, &err)) {
        ria_config_match(config, host, 3306, "u", &target);
        fuzz_require(
            (target.endpoint.value == NULL && target.tls.value == NULL) ||
            fuzz_count(bytes->data, bytes->len, host) > 0);
        for (size_t i = 0; i < RIA_ROLE_VALUES; i++) {
            fuzz_require(
                target.role.value[i].value == NULL ||
                target.role.value[RIA_ROLE_ARN].value != NULL);
        }
        ria_config_match(config, other, 3306, "u", &target);
        fuzz_require(!target.chain_suffices || target.endpoint.value != NULL);
    } else {
        fuzz_require(err.text[0] != '\0' && config->count == 0);
    }
    ria_config_release(config);
    free(config);
}

/* -- AWS's profiles ------------------------------------------------------------------------- */

/* Returns true if a log line or a message contains the secret. */
static bool is_shown(const struct ria_fake *fake, const struct ria_error *err, const char *secret)
{
    for (size_t i = 0; i < fake->log_count; i++) {
        if (strstr(fake->log[i].text, secret) != NULL) {
            return true;
        }
    }
    return strstr(err->text, secret) != NULL;
}

/* Checks the values of the two secret keys, if they occur only once in the input. */
static void check_secrets(
    const struct ria_buf *bytes,
    const struct ria_buf *other,
    const struct ria_fake *fake,
    const struct ria_error *err)
{
    struct ria_ini ini = {0};
    struct ria_error ignored;
    if (!read_ini(bytes, &ini, &ignored)) {
        return;
    }
    for (size_t i = 0; i < ini.entry_count; i++) {
        const struct ria_ini_entry *entry = &ini.entries[i];
        bool is_secret = strcmp(entry->key, "aws_secret_access_key") == 0 ||
                         strcmp(entry->key, "aws_session_token") == 0;
        if (is_secret && strlen(entry->value) >= 12 &&
            fuzz_count(bytes->data, bytes->len, entry->value) == 1 &&
            fuzz_count(other->data, other->len, entry->value) == 0) {
            fuzz_require(!is_shown(fake, err, entry->value));
        }
    }
    ria_ini_release(&ini);
}

/* A complete plan can be sent as a record. */
static void check_plan(const struct ria_plan *plan)
{
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    __attribute__((cleanup(ria_request_release))) struct ria_request read = RIA_REQUEST_INIT;
    struct ria_error err = {0};
    if (!ria_request_write(plan, 1000, "/d", "name", &record, &err)) {
        fuzz_require(err.text[0] != '\0');
        return;
    }
    fuzz_require(ria_request_read(&record, &read));
    fuzz_require(read.plan.source == plan->source && read.plan.role_count == plan->role_count);
    fuzz_require(fuzz_same(&read.plan.keys.secret_access_key, &plan->keys.secret_access_key));
    fuzz_require(strcmp(read.plan.label, plan->label) == 0);
}

static void check_profile(
    const struct ria_buf *config, const struct ria_buf *credentials, const char *name)
{
    struct ria_fake fake;
    struct ria_error err = {0};
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    ria_fake_init(&fake);
    give_file(&fake, RIA_FAKE_AWS_CONFIG, config);
    give_file(&fake, RIA_FAKE_AWS_CREDENTIALS, credentials);
    struct ria_trail trail;
    struct ria_query ask = {
        .world = &fake.world,
        .deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS),
        .profile = {name, "--profile", 0},
        .region = {"eu-west-1", "the database's name", 0}};
    enum ria_outcome outcome = ria_chain_plan(&ask, &plan, &trail, &err);
    fuzz_require(outcome == RIA_FOUND || err.text[0] != '\0');
    check_secrets(config, credentials, &fake, &err);
    check_secrets(credentials, config, &fake, &err);
    if (outcome == RIA_FOUND) {
        check_plan(&plan);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    RIA_AUTO(buf) config = {0};
    RIA_AUTO(buf) credentials = {0};
    (void)fuzz_piece(&input, &config);
    (void)fuzz_piece(&input, &credentials);
    check_reader(&config);
    check_config(&config);
    check_profile(&config, &credentials, "p");
    check_profile(&config, &credentials, "default");
    return 0;
}
