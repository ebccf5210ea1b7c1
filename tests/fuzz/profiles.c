/* SPDX-License-Identifier: MIT
 *
 * AWS's profiles, compared with botocore (botocore_peer.py): the sections and settings of the two
 * files, and which source of credentials a profile selects, with which roles.
 *
 * Input: the config file, then the credentials file.
 *
 * Properties, for two files that botocore accepts and in which the parser ignores no line:
 *   1. rds-iam and botocore find the same profiles, sessions, keys and values;
 *   2. if both find a source for the profile "p" or "default", the two sources are of the same
 *      kind. They have the same keys, command or SSO account, and the same roles in the same order;
 *   3. if botocore finds a source, rds-iam finds this source or fails; it does not try another one;
 *   4. if botocore finds no source, then rds-iam finds only instance metadata, or fails. If
 *      botocore finds an error, then rds-iam fails.
 *
 * Known differences, which the target leaves out (is_compared()):
 *   - bytes other than printable ASCII, LF and tab: Python also removes other white space, and
 *     changes the case of other letters;
 *   - a comment after a value, which botocore takes for a part of the value; the other SDKs do not;
 *   - an indented line after an empty line: botocore continues the value across the empty line;
 *   - blanks or brackets in the brackets of a section, or text after them: botocore does not remove
 *     the blanks, and takes the last bracket of the line for the end of the name;
 *   - [DEFAULT], whose settings Python's parser adds to every section;
 *   - [profilex y] and [sso-sessionx y], which botocore takes for [profile y];
 *   - [profile x] in the credentials file, whose name botocore does not split; [default] and
 *     [profile default] in one file, of which botocore uses the last; other sections of one profile
 *     in one file, such as [profile 'a b'] and [profile "a b"];
 *   - a blank value, which counts as unset; botocore uses it;
 *   - aws_security_token: botocore prefers it to aws_session_token;
 *   - a profile whose static keys are the source of its own role, or that has a role and a
 *     source_profile with keys and a role: see the comments in provider/profile_role.c;
 *   - sub-properties instead of a value that a source needs: botocore itself fails;
 *   - login_session, which botocore supports from release 1.41 on.
 */
#include "scratch.h"

#include "base/ascii.h"
#include "fake_world.h"
#include "provider/chain.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- botocore -------------------------------------------------------------------------------- */

enum {
    PEER_FIELDS = 5,
    PEER_BYTES_MAX = 1 << 20,
};

static struct peer {
    int to;
    int from;
} peer;

static void start_peer(const char *config, const char *credentials)
{
    int to[2];
    int from[2];
    pid_t pid;
    char *const arguments[] = {
        "/usr/bin/python3", "-sB", FUZZ_BOTOCORE_PEER, strdup(config), strdup(credentials), NULL};
    char *const environment[] = {"HOME=/nonexistent", "LC_ALL=C.UTF-8", NULL};
    posix_spawn_file_actions_t actions;
    fuzz_require(pipe(to) == 0 && pipe(from) == 0);
    fuzz_require(
        posix_spawn_file_actions_init(&actions) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO) == 0 &&
        posix_spawn_file_actions_addclose(&actions, to[1]) == 0 &&
        posix_spawn_file_actions_addclose(&actions, from[0]) == 0);
    fuzz_require(posix_spawn(&pid, arguments[0], &actions, NULL, arguments, environment) == 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    free(arguments[3]);
    free(arguments[4]);
    (void)close(to[0]);
    (void)close(from[1]);
    peer = (struct peer){to[1], from[0]};
}

static void read_all(void *out, size_t len)
{
    char *at = out;
    while (len > 0) {
        ssize_t got = read(peer.from, at, len);
        fuzz_require(got > 0 || (got < 0 && errno == EINTR)); /* libFuzzer's timer interrupts it */
        at += got < 0 ? 0 : got;
        len -= got < 0 ? 0 : (size_t)got;
    }
}

/* Fills *out with the records of botocore_peer.py. Returns false if botocore rejects a file. */
static bool ask_botocore(
    const struct ria_buf *config, const struct ria_buf *credentials, struct ria_buf *out)
{
    static char room[PEER_BYTES_MAX];
    uint32_t len;
    const char *config_path = fuzz_scratch_write("config", config);
    const char *credentials_path = fuzz_scratch_write("credentials", credentials);
    if (peer.to == 0) {
        start_peer(config_path, credentials_path);
    }
    fuzz_require(write(peer.to, "\n", 1) == 1);
    read_all(&len, sizeof(len));
    fuzz_require(len <= sizeof(room));
    read_all(room, len);
    fuzz_fill(out, room, len);
    return strcmp(out->data, "error") != 0;
}

struct record {
    const char *field[PEER_FIELDS];
};

static bool next_record(const struct ria_buf *records, size_t *at, struct record *out)
{
    for (size_t i = 0; i < PEER_FIELDS; i++) {
        if (*at >= records->len) {
            return false;
        }
        out->field[i] = records->data + *at;
        *at += strlen(out->field[i]) + 1;
    }
    return true;
}

/* -- inputs that are left out ---------------------------------------------------------------- */

/* Returns whether a section's name means the same to rds-iam and to botocore. */
static bool is_plain_section(const char *name, size_t len, bool is_config)
{
    static const char *const words[] = {"profile", "sso-session"};
    if (len == 0 || name[0] == ' ' || name[0] == '\t' || name[len - 1] == ' ' ||
        name[len - 1] == '\t' || memchr(name, '[', len) != NULL || memchr(name, ']', len) != NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t word = strlen(words[i]);
        if (len >= word && strncmp(name, words[i], word) == 0 &&
            (!is_config || len == word || strchr(" \t", name[word]) == NULL)) {
            return false;
        }
    }
    return len != strlen("DEFAULT") || strncmp(name, "DEFAULT", len) != 0;
}

static bool is_compared_line(const char *line, size_t len, bool is_config, bool *was_empty)
{
    size_t indent = 0;
    while (indent < len && (line[indent] == ' ' || line[indent] == '\t')) {
        indent++;
    }
    while (len > indent && (line[len - 1] == ' ' || line[len - 1] == '\t')) {
        len--;
    }
    bool is_empty = indent == len;
    if (!is_empty && *was_empty && indent > 0) {
        return false;
    }
    *was_empty = is_empty || (*was_empty && (line[indent] == '#' || line[indent] == ';'));
    if (is_empty || line[indent] == '#' || line[indent] == ';') {
        return true;
    }
    for (size_t i = indent + 1; i < len; i++) {
        if ((line[i] == '#' || line[i] == ';') && (line[i - 1] == ' ' || line[i - 1] == '\t')) {
            return false;
        }
    }
    return line[indent] != '[' ||
           (line[len - 1] == ']' &&
            is_plain_section(line + indent + 1, len - indent - 2, is_config));
}

static bool is_compared(const struct ria_buf *text, bool is_config)
{
    bool was_empty = false;
    bool has_bare = fuzz_count(text->data, text->len, "[default") > 0;
    bool has_other = fuzz_count(text->data, text->len, "default") > 1;
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];
        if ((c < ' ' && c != '\n' && c != '\t') || c > '~') {
            return false;
        }
    }
    const char *at = text->data;
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");
        if (!is_compared_line(at, len, is_config, &was_empty)) {
            return false;
        }
        at += len + (at[len] == '\n' ? 1 : 0);
    }
    return !is_config || !has_bare || !has_other;
}

/* Returns whether the setting of a profile is one of the known differences: blank, without a name,
 * aws_security_token or login_session. */
static bool is_special(const struct record *record)
{
    return record->field[2][0] == '\0' || strcmp(record->field[2], "aws_security_token") == 0 ||
           strcmp(record->field[2], "login_session") == 0 ||
           (strcmp(record->field[0], "value") == 0 &&
            record->field[3][strspn(record->field[3], " \t\n")] == '\0');
}

/* -- settings -------------------------------------------------------------------------------- */

static void check_setting(const struct ria_profiles *profiles, const struct record *record)
{
    struct ria_setting found = {0};
    bool is_session = strcmp(record->field[0], "session") == 0;
    fuzz_require(
        is_session ? ria_profiles_get_session(profiles, record->field[1], record->field[2], &found)
                   : ria_profiles_get(profiles, record->field[1], record->field[2], &found));
    fuzz_require(strcmp(found.value, record->field[3]) == 0);
}

/* Returns whether botocore has a section of this kind with this key. */
static bool has_record(
    const struct ria_buf *records, const char *kind, const char *name, const char *key)
{
    size_t at = 0;
    struct record record;
    while (next_record(records, &at, &record)) {
        if (strcmp(record.field[0], kind) == 0 && strcmp(record.field[1], name) == 0 &&
            strcmp(record.field[2], key) == 0) {
            return true;
        }
    }
    return false;
}

static void check_section(
    const struct ria_profiles *profiles,
    const struct ria_profile_section *section,
    const struct ria_buf *records)
{
    const struct ria_ini *ini = &profiles->ini[section->file];
    const char *kind = section->kind == RIA_PROFILE ? "value" : "session";
    for (size_t i = 0; section->kind != RIA_PROFILE_SERVICES && i < section->section->count; i++) {
        const struct ria_ini_entry *entry = &ini->entries[section->section->first + i];
        fuzz_require(entry->is_sub || has_record(records, kind, section->name, entry->key));
    }
}

static void check_settings(const struct ria_profiles *profiles, const struct ria_buf *records)
{
    size_t at = 0;
    struct record record;
    while (next_record(records, &at, &record)) {
        bool is_setting =
            strcmp(record.field[0], "value") == 0 || strcmp(record.field[0], "session") == 0;
        if (is_setting && strncmp(record.field[1], "profile", 7) != 0) {
            check_setting(profiles, &record);
        }
    }
    for (size_t i = 0; i < profiles->count; i++) {
        check_section(profiles, &profiles->sections[i], records);
    }
}

/* -- sources --------------------------------------------------------------------------------- */

static bool is_text(const struct ria_setting *setting, const char *text)
{
    return setting->value != NULL && strcmp(setting->value, text) == 0;
}

static void check_source(const struct ria_plan *plan, const struct record *want)
{
    const char *method = want->field[2];
    if (strcmp(method, "keys") == 0) {
        fuzz_require(plan->source == RIA_SOURCE_KEYS);
        fuzz_require(strcmp(plan->keys.access_key_id.data, want->field[3]) == 0);
        fuzz_require(strcmp(plan->keys.secret_access_key.data, want->field[4]) == 0);
    } else if (strcmp(method, "process") == 0) {
        fuzz_require(plan->source == RIA_SOURCE_PROCESS);
        fuzz_require(is_text(&plan->value[RIA_PLAN_PROCESS], want->field[3]));
    } else if (strcmp(method, "web") == 0) {
        fuzz_require(plan->source == RIA_SOURCE_WEB_IDENTITY);
    } else if (strcmp(method, "sso") == 0) {
        fuzz_require(plan->source == RIA_SOURCE_SSO);
        fuzz_require(is_text(&plan->value[RIA_PLAN_SSO_ACCOUNT_ID], want->field[3]));
    } else if (strcmp(method, "credential_source") == 0) {
        fuzz_require(
            plan->source == RIA_SOURCE_KEYS || plan->source == RIA_SOURCE_CONTAINER ||
            plan->source == RIA_SOURCE_INSTANCE || plan->source == RIA_SOURCE_WEB_IDENTITY);
    } else {
        /* After the profile, rds-iam and botocore try the metadata service of the instance. */
        fuzz_require(strcmp(method, "none") == 0 && plan->source == RIA_SOURCE_INSTANCE);
    }
}

static void check_roles(
    const struct ria_plan *plan, const char *name, const struct ria_buf *records)
{
    size_t at = 0;
    size_t count = 0;
    struct record record;
    while (next_record(records, &at, &record)) {
        if (strcmp(record.field[0], "role") == 0 && strcmp(record.field[1], name) == 0) {
            fuzz_require(count < plan->role_count);
            fuzz_require(is_text(&plan->roles[count].value[RIA_ROLE_ARN], record.field[2]));
            count++;
        }
    }
    fuzz_require(count == plan->role_count);
}

static void compare_source(
    struct ria_fake *fake, const struct record *want, const struct ria_buf *records)
{
    struct ria_error err = {0};
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    struct ria_trail trail;
    struct ria_query query = {
        .world = &fake->world,
        .deadline = ria_deadline_in(&fake->world, RIA_LOGIN_BUDGET_MS),
        .profile = {want->field[1], "--profile", 0},
        .region = {"eu-west-1", "the database's name", 0}};
    fuzz_note(want->field[2]);
    enum ria_outcome outcome = ria_chain_plan(&query, &plan, &trail, &err);
    if (outcome == RIA_FOUND) {
        check_source(&plan, want);
        check_roles(&plan, want->field[1], records);
    } else if (outcome == RIA_ABSENT) {
        fuzz_require(strcmp(want->field[2], "none") == 0);
    }
}

static void compare_sources(struct ria_fake *fake, const struct ria_buf *records)
{
    size_t at = 0;
    struct record record;
    while (next_record(records, &at, &record)) {
        if (strcmp(record.field[0], "value") == 0 && is_special(&record)) {
            return;
        }
    }
    at = 0;
    while (next_record(records, &at, &record)) {
        if (strcmp(record.field[0], "source") == 0 && strcmp(record.field[2], "defect") != 0) {
            compare_source(fake, &record, records);
        }
    }
}

/* Returns whether one file has two sections of one profile or session, whose names differ in their
 * quotes: botocore rejects a file with two equal names. */
static bool has_two_sections(const struct ria_profiles *profiles)
{
    for (size_t i = 0; i < profiles->count; i++) {
        const struct ria_profile_section *a = &profiles->sections[i];
        for (size_t j = i + 1; j < profiles->count; j++) {
            const struct ria_profile_section *b = &profiles->sections[j];
            if (a->kind == b->kind && a->file == b->file && strcmp(a->name, b->name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void compare(const struct ria_buf *config, const struct ria_buf *credentials)
{
    struct ria_fake fake;
    struct ria_error err;
    RIA_AUTO(buf) records = {0};
    struct ria_profiles *profiles = calloc(1, sizeof(*profiles));
    fuzz_require(profiles != NULL);
    ria_fake_init(&fake);
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, config->data)->len = config->len;
    ria_fake_file(&fake, RIA_FAKE_AWS_CREDENTIALS, credentials->data)->len = credentials->len;
    bool is_read = ria_profiles_load(&fake.world, profiles, &err) == RIA_FOUND;
    bool has_warning = is_read && (profiles->ini[RIA_PROFILE_CONFIG].warning_count > 0 ||
                                   profiles->ini[RIA_PROFILE_CREDENTIALS].warning_count > 0);
    if (is_read && !has_warning && !has_two_sections(profiles) &&
        ask_botocore(config, credentials, &records)) {
        check_settings(profiles, &records);
        compare_sources(&fake, &records);
    }
    ria_profiles_release(profiles);
    free(profiles);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    RIA_AUTO(buf) config = {0};
    RIA_AUTO(buf) credentials = {0};
    (void)fuzz_piece(&input, &config);
    if (!fuzz_piece(&input, &credentials)) {
        fuzz_fill(&credentials, "", 0);
    }
    if (is_compared(&config, true) && is_compared(&credentials, false)) {
        compare(&config, &credentials);
    }
    return 0;
}
