/* SPDX-License-Identifier: MIT
 *
 * Parses the keys of a section. A table lists the keys and the parser of each value. Rejects an
 * unknown key, an empty or invalid value, and a value whose form AWS would reject. */
#include "config/section.h"

#include "aws/identifier.h"
#include "aws/tag.h"

#include <string.h>

/* Parses HOST:PORT. Rejects a HOST that is neither a host name nor an address, or that is a
 * placeholder. */
static bool section_parse_endpoint(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    char host[RIA_HOST_SIZE];
    if (!ria_endpoint_split(setting->value, host, &section->signed_for_port)) {
        return ria_fail_at(
            err,
            RIA_E_CONFIG,
            setting,
            "endpoint needs a host and a port; write endpoint = HOST:PORT");
    }
    struct ria_error reason;
    if (ria_host_is_placeholder(host, strlen(host))) {
        return ria_fail_at(
            err,
            RIA_E_CONFIG,
            setting,
            "%.64s is a placeholder; write the name of the RDS endpoint",
            host);
    }
    if (ria_endpoint_parse(host, &section->signed_for, &reason) == RIA_FAILED) {
        return ria_fail_at(err, RIA_E_CONFIG, setting, "%s", reason.text);
    }
    return true;
}

static bool section_parse_tls(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    section->chain_suffices = strcmp(setting->value, "verify-ca") == 0;
    if (!section->chain_suffices && strcmp(setting->value, "verify-full") != 0) {
        return ria_fail_at(err, RIA_E_CONFIG, setting, "tls must be verify-full or verify-ca");
    }
    return true;
}

static bool section_parse_region(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    (void)section;
    return ria_setting_check_region(setting, RIA_E_CONFIG, err);
}

static bool section_parse_profile(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    (void)section;
    if (*setting->value == '\0') {
        return ria_fail_at(
            err, RIA_E_CONFIG, setting, "profile is empty; name a profile or remove the line");
    }
    return true;
}

static bool section_parse_cli_cache(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    if (strcmp(setting->value, "off") == 0) {
        section->cli_cache = (struct ria_setting){0};
        return true;
    }
    return strcmp(setting->value, "read") == 0 ||
           ria_fail_at(err, RIA_E_CONFIG, setting, "aws_cli_cache must be read or off");
}

static bool section_parse_process_cache(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    if (strcmp(setting->value, "no") == 0) {
        section->process_cache = (struct ria_setting){0};
        return true;
    }
    return strcmp(setting->value, "yes") == 0 ||
           ria_fail_at(
               err,
               RIA_E_CONFIG,
               setting,
               "cache_credential_process is \"%.32s\"; write yes or no",
               setting->value);
}

/* Checks an identifier that is sent to STS. */
static bool section_parse_name(
    enum ria_identifier kind, const struct ria_setting *setting, struct ria_error *err)
{
    if (*setting->value == '\0') {
        return ria_fail_at(
            err, RIA_E_CONFIG, setting, "the value is empty; write a value, or remove this line");
    }
    return ria_identifier_check(kind, setting, RIA_E_CONFIG, err);
}

static bool section_parse_role_arn(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    (void)section;
    return section_parse_name(RIA_ID_ROLE_ARN, setting, err);
}

static bool section_parse_external_id(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    (void)section;
    return section_parse_name(RIA_ID_EXTERNAL_ID, setting, err);
}

static bool section_parse_session_name(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    (void)section;
    return section_parse_name(RIA_ID_SESSION_NAME, setting, err);
}

static bool section_parse_source_identity(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    (void)section;
    return section_parse_name(RIA_ID_SOURCE_IDENTITY, setting, err);
}

static bool section_parse_duration(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    return ria_setting_number(
        setting, &ria_role_duration, RIA_E_CONFIG, &section->role.duration, err);
}

/* Checks a list of tags, or of tag keys, by the rules of STS. */
static bool section_parse_list(
    const struct ria_setting *setting, bool has_values, struct ria_error *err)
{
    const char *fault = ria_tag_list_fault(setting->value, has_values);
    if (fault == NULL && *setting->value == '\0') {
        fault = "the list is empty";
    }
    return fault == NULL || ria_fail_at(err, RIA_E_CONFIG, setting, "the tags: %s", fault);
}

static bool section_parse_tags(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    (void)section;
    return section_parse_list(setting, true, err);
}

static bool section_parse_tag_keys(
    const struct ria_setting *setting, struct ria_section *section, struct ria_error *err)
{
    (void)section;
    return section_parse_list(setting, false, err);
}

struct config_key {
    const char *name;
    size_t offset; /* offset of the key's struct ria_setting in struct ria_section */
    bool (*parse)(
        const struct ria_setting *setting, struct ria_section *section, struct ria_error *err);
};

#define ROLE(value_of_role) offsetof(struct ria_section, role.value[value_of_role])

static const struct config_key config_keys[] = {
    {"profile", offsetof(struct ria_section, profile), section_parse_profile},
    {"region", offsetof(struct ria_section, region), section_parse_region},
    {"endpoint", offsetof(struct ria_section, endpoint), section_parse_endpoint},
    {"tls", offsetof(struct ria_section, tls), section_parse_tls},
    {"aws_cli_cache", offsetof(struct ria_section, cli_cache), section_parse_cli_cache},
    {"role_arn", ROLE(RIA_ROLE_ARN), section_parse_role_arn},
    {"external_id", ROLE(RIA_ROLE_EXTERNAL_ID), section_parse_external_id},
    {"role_session_name", ROLE(RIA_ROLE_SESSION_NAME), section_parse_session_name},
    {"cache_credential_process",
     offsetof(struct ria_section, process_cache),
     section_parse_process_cache},
    {"duration_seconds", ROLE(RIA_ROLE_DURATION), section_parse_duration},
    {"session_tags", ROLE(RIA_ROLE_TAGS), section_parse_tags},
    {"transitive_tag_keys", ROLE(RIA_ROLE_TRANSITIVE_TAG_KEYS), section_parse_tag_keys},
    {"source_identity", ROLE(RIA_ROLE_SOURCE_IDENTITY), section_parse_source_identity},
};

bool ria_section_parse(
    const char *path,
    const struct ria_ini_entry *entry,
    struct ria_section *section,
    struct ria_error *err)
{
    struct ria_setting setting = {entry->value, path, entry->line};
    for (size_t i = 0; i < sizeof(config_keys) / sizeof(config_keys[0]); i++) {
        const struct config_key *key = &config_keys[i];
        if (!entry->is_sub && strcmp(entry->key, key->name) == 0) {
            memcpy((char *)section + key->offset, &setting, sizeof(setting));
            return key->parse(&setting, section, err);
        }
    }
    return ria_fail_at(
        err,
        RIA_E_CONFIG,
        &setting,
        "unknown key \"%.64s\"; the keys are profile, region, endpoint, tls, aws_cli_cache, "
        "cache_credential_process, role_arn, external_id, role_session_name, duration_seconds, "
        "session_tags, transitive_tag_keys, source_identity",
        entry->key);
}
