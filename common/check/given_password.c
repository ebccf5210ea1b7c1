/* SPDX-License-Identifier: MIT
 *
 * Checks a password that a client sends in place of rds-iam's token. The password may be in a
 * service, in an option file or in the environment. It may be a token that the user has made; such
 * a token may be cut off, expired, or for another server. Does not copy the password or a part of
 * it. */
#include "check/facts.h"

#include <stdlib.h>
#include <string.h>

/* Returns whether `token` is for the same host and port as rds-iam's token for this login, or true
 * if rds-iam makes no token. A token of Aurora DSQL contains no port. */
static bool is_for_this_server(const struct ria_facts *facts, const char *token)
{
    const char *scheme = strstr(token, "://");
    const char *host = scheme == NULL ? token : scheme + strlen("://");
    if (!facts->has_name) {
        return true;
    }
    if (!ria_ascii_begins(host, facts->name.endpoint)) {
        return false;
    }
    const char *after = host + strlen(facts->name.endpoint);
    return ria_host_is_dsql(facts->name.endpoint)
               ? *after == '/'
               : *after == ':' && strtoul(after + 1, NULL, 10) == facts->name.port;
}

static enum ria_given classify_password(const struct ria_facts *facts, const char *password)
{
    if (ria_token_is_cut(password)) {
        return RIA_GIVEN_CUT_TOKEN;
    }
    if (!ria_is_token(password)) {
        return RIA_GIVEN_PASSWORD;
    }
    if (ria_token_is_over(password, facts->world->now(facts->world->self))) {
        return RIA_GIVEN_OLD_TOKEN;
    }
    return is_for_this_server(facts, password) ? RIA_GIVEN_TOKEN : RIA_GIVEN_OTHER_TOKEN;
}

void ria_check_given_password(struct ria_facts *facts, const char *password, const char *place)
{
    if (facts->given == RIA_GIVEN_NONE && password != NULL && *password != '\0') {
        facts->given = classify_password(facts, password);
        facts->given_place = place;
        facts->given_len = strlen(password);
    }
}

/* If a service or an option file contains a password, an earlier check has found it. That password
 * then counts, because the client ignores the password in the environment. */
void ria_check_environment_password(struct ria_facts *facts)
{
    static const struct {
        enum ria_mark mark;
        const char *text;
    } rows[] = {
        [RIA_GIVEN_PASSWORD] = {RIA_MARK_WARNING, "contains a password, which the client sends"},
        [RIA_GIVEN_TOKEN] = {RIA_MARK_WARNING, "contains a token, which the client may send"},
        [RIA_GIVEN_CUT_TOKEN] = {RIA_MARK_WARNING, "contains the beginning of a token"},
        [RIA_GIVEN_OLD_TOKEN] = {RIA_MARK_WARNING, "contains a token that has expired"},
        [RIA_GIVEN_OTHER_TOKEN] = {RIA_MARK_WARNING, "contains a token for another server"},
    };
    const char *variable = facts->target.engine == RIA_ENGINE_POSTGRES ? "PGPASSWORD" : "MYSQL_PWD";
    ria_check_given_password(facts, ria_world_env(facts->world, variable), variable);
    if (facts->given != RIA_GIVEN_NONE) {
        ria_report_add(
            facts->report,
            rows[facts->given].mark,
            "password",
            RIA_REMOVE_PASSWORD,
            "%s %s",
            facts->given_place,
            rows[facts->given].text);
    }
}

const char *ria_check_password_place(const struct ria_facts *facts)
{
    static const struct {
        const char *words; /* words in the warning that the preload or a plugin prints */
        const char *place;
    } rows[] = {
        {"the program's own password", "a setting of the program"},
        {"in the passfile ", "the passfile"},
    };
    if (facts->given != RIA_GIVEN_NONE) {
        return facts->given_place;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && facts->attempt.errors.len > 0; i++) {
        if (strstr(facts->attempt.errors.data, rows[i].words) != NULL) {
            return rows[i].place;
        }
    }
    return NULL;
}

bool ria_check_has_password(const struct ria_facts *facts)
{
    bool is_token = facts->given != RIA_GIVEN_NONE && facts->given != RIA_GIVEN_PASSWORD;
    return !is_token && ria_check_password_place(facts) != NULL;
}
