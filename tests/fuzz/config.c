/* SPDX-License-Identifier: MIT
 *
 * rds-iam's own configuration (manual page rds-iam.conf): which section matches a connection, and
 * which token it leads to.
 *
 * Input: three lines (host, port, user), then the file.
 *
 * Properties:
 *   1. if the file is accepted, the section that matches is the first one whose name matches by the
 *      rules of the manual page. A second, simple implementation of these rules in this file finds
 *      the same section;
 *   2. a token is made only over a verified channel. If the section has tls = verify-ca, a verified
 *      chain is enough; a section with a wildcard cannot have this setting;
 *   3. the token names the endpoint of the section, or the dialed host. It also names the section's
 *      region, or else the endpoint's;
 *   4. if the file is refused, no token is made, and the message begins with the name of the file;
 *   5. no message and no log line contains the value of an unknown key. */
#include "fuzz.h"

#include "base/ascii.h"
#include "config/config.h"
#include "fake_world.h"
#include "rds_iam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct connection {
    char host[300];
    char port_text[16];
    char user[256];
    unsigned port;
};

/* -- a second implementation of the match ---------------------------------------------------- */

/* Compares two host names without case and without a dot at the end. */
static bool same_host(const char *a, size_t a_len, const char *b, size_t b_len)
{
    a_len -= a_len > 1 && a[a_len - 1] == '.' ? 1 : 0;
    b_len -= b_len > 1 && b[b_len - 1] == '.' ? 1 : 0;
    return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

static bool matches_host(const char *pattern, size_t len, const char *host)
{
    size_t host_len = strlen(host);
    if (len < 2 || pattern[0] != '*' || pattern[1] != '.') {
        return same_host(pattern, len, host, host_len);
    }
    host_len -= host_len > 1 && host[host_len - 1] == '.' ? 1 : 0;
    len -= len > 2 && pattern[len - 1] == '.' ? 1 : 0;
    size_t suffix = len - 1; /* with its dot */
    return host_len > suffix && strncasecmp(host + host_len - suffix, pattern + 1, suffix) == 0;
}

/* Splits "host", "host:port", "[host]" and "[host]:port". */
static const char *split_address(const char *address, size_t *len, unsigned *port)
{
    *port = 0;
    if (*address == '[') {
        const char *close = strrchr(address, ']');
        *len = (size_t)(close - address) - 1;
        *port = close[1] == ':' ? (unsigned)strtoul(close + 2, NULL, 10) : 0;
        return address + 1;
    }
    const char *colon = strchr(address, ':');
    bool has_port = colon != NULL && strchr(colon + 1, ':') == NULL;
    *port = has_port ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
    *len = has_port ? (size_t)(colon - address) : strlen(address);
    return address;
}

/* The name must be that of a section in an accepted file. */
static bool matches(const char *name, const struct connection *connection)
{
    const char *at = strrchr(name, '@');
    size_t user = at == NULL ? 0 : (size_t)(at - name);
    if (at != NULL &&
        (strlen(connection->user) != user || memcmp(connection->user, name, user) != 0)) {
        return false;
    }
    size_t len;
    unsigned port;
    const char *host = split_address(at == NULL ? name : at + 1, &len, &port);
    return (port == 0 || port == connection->port) && matches_host(host, len, connection->host);
}

static const struct ria_ini_section *find_section(
    const struct ria_ini *ini, const struct connection *connection)
{
    for (size_t i = 0; i < ini->section_count; i++) {
        if (matches(ini->sections[i].name, connection)) {
            return &ini->sections[i];
        }
    }
    return NULL;
}

/* -- comparisons ----------------------------------------------------------------------------- */

static const char *value_of(
    const struct ria_ini *ini, const struct ria_ini_section *section, const char *key)
{
    const struct ria_ini_entry *entry = section == NULL ? NULL : ria_ini_find(ini, section, key);
    return entry == NULL ? NULL : entry->value;
}

static bool same_value(const struct ria_setting *setting, const char *value)
{
    return value == NULL ? setting->value == NULL
                         : setting->value != NULL && strcmp(setting->value, value) == 0;
}

/* A section with a wildcard has neither `endpoint` nor `tls`. A section with tls = verify-ca names
 * an endpoint, or the dialed host is an endpoint; this endpoint's certificate is not issued by a
 * public CA. */
static void check_restrictions(
    const struct ria_section *found,
    const struct ria_ini_section *section,
    const struct connection *connection)
{
    struct ria_endpoint dialed;
    ria_endpoint_read(connection->host, &dialed);
    const char *name = section == NULL ? "" : section->name;
    const char *at = strrchr(name, '@');
    bool is_wildcard = strchr(at == NULL ? name : at + 1, '*') != NULL;
    bool is_mapped = found->endpoint.value != NULL;
    const struct ria_endpoint *endpoint = is_mapped ? &found->signed_for : &dialed;
    fuzz_require(!is_wildcard || (!is_mapped && found->tls.value == NULL));
    fuzz_require(
        !found->chain_suffices || ((is_mapped || ria_endpoint_is_database(endpoint)) &&
                                   !ria_endpoint_has_public_ca(endpoint)));
}

static void check_match(
    const struct ria_config *config,
    const struct ria_ini *ini,
    const struct ria_ini_section *section,
    const struct connection *connection)
{
    struct ria_section found;
    ria_config_match(
        config, connection->host, (uint16_t)connection->port, connection->user, &found);
    fuzz_require(same_value(&found.profile, value_of(ini, section, "profile")));
    fuzz_require(same_value(&found.region, value_of(ini, section, "region")));
    fuzz_require(same_value(&found.endpoint, value_of(ini, section, "endpoint")));
    fuzz_require(same_value(&found.tls, value_of(ini, section, "tls")));
    fuzz_require(same_value(&found.role.value[RIA_ROLE_ARN], value_of(ini, section, "role_arn")));
    const char *tls = value_of(ini, section, "tls");
    bool is_chain = tls != NULL && strcmp(tls, "verify-ca") == 0;
    fuzz_require(found.chain_suffices == is_chain);
    check_restrictions(&found, section, connection);
}

/* Writes the host and the port that a token must name. */
static void expected_place(
    const struct ria_ini *ini,
    const struct ria_ini_section *section,
    const struct connection *connection,
    struct ria_endpoint *endpoint,
    unsigned *port)
{
    char host[RIA_HOST_SIZE];
    uint16_t mapped;
    const char *value = value_of(ini, section, "endpoint");
    ria_endpoint_read(connection->host, endpoint);
    *port = connection->port;
    if (value != NULL) {
        fuzz_require(ria_endpoint_split(value, host, &mapped));
        ria_endpoint_read(host, endpoint);
        *port = mapped;
    }
}

static void check_token(
    const struct ria_token *token,
    const struct ria_ini *ini,
    const struct ria_ini_section *section,
    const struct connection *connection)
{
    RIA_AUTO(buf) start = {.max = 1024};
    RIA_AUTO(buf) scope = {.max = 256};
    struct ria_endpoint endpoint;
    unsigned port;
    expected_place(ini, section, connection, &endpoint, &port);
    bool is_dsql = endpoint.kind == RIA_ENDPOINT_DSQL;
    ria_buf_add_text(&start, endpoint.host);
    if (!is_dsql) {
        ria_buf_addf(&start, ":%u", port);
    }
    ria_buf_add_text(&start, "/?Action=");
    fuzz_require(strncmp(token->text.data, start.data, start.len) == 0);
    const char *region = value_of(ini, section, "region");
    ria_buf_addf(
        &scope,
        "%%2F%s%%2F%s%%2Faws4_request",
        region == NULL ? endpoint.region : region,
        is_dsql ? "dsql" : "rds-db");
    fuzz_require(strstr(token->text.data, scope.data) != NULL);
}

/* -- logins ---------------------------------------------------------------------------------- */

static void make_fake(struct ria_fake *fake, const struct ria_buf *file)
{
    ria_fake_init(fake);
    ria_fake_env(fake, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    ria_fake_env(fake, "AWS_SECRET_ACCESS_KEY", "secret");
    ria_fake_file(fake, RIA_FAKE_CONFIG, file->data)->len = file->len;
}

static enum ria_outcome ask_for_token(
    struct ria_fake *fake,
    const struct connection *connection,
    enum ria_channel channel,
    struct ria_token *token,
    struct ria_error *err)
{
    const struct ria_login login = {
        .host = connection->host,
        .port = connection->port,
        .user = connection->user,
        .channel = channel};
    struct ria_deadline deadline = ria_deadline_in(&fake->world, RIA_LOGIN_BUDGET_MS);
    return ria_token_for(&login, deadline, &fake->world, token, err);
}

static void check_accepted(
    struct ria_fake *fake, const struct ria_buf *file, const struct connection *connection)
{
    static const enum ria_channel channels[] = {
        RIA_CHANNEL_VERIFIED,
        RIA_CHANNEL_CHAIN_VERIFIED,
        RIA_CHANNEL_UNVERIFIED,
        RIA_CHANNEL_PLAIN};
    RIA_AUTO(buf) text = {0};
    struct ria_ini ini = {0};
    struct ria_error err = {0};
    fuzz_fill(&text, file->data, file->len);
    fuzz_require(ria_ini_parse("f", &text, &ini, &err) && ini.warning_count == 0);
    const struct ria_ini_section *section = find_section(&ini, connection);
    struct ria_config config = {0};
    fuzz_require(ria_config_load(&fake->world, &config, &err));
    check_match(&config, &ini, section, connection);
    ria_config_release(&config);
    const char *tls = value_of(&ini, section, "tls");
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        if (ask_for_token(fake, connection, channels[i], &token, &err) != RIA_FOUND) {
            fuzz_require(err.text[0] != '\0' && token.text.len == 0);
            continue;
        }
        fuzz_require(
            channels[i] == RIA_CHANNEL_VERIFIED || (channels[i] == RIA_CHANNEL_CHAIN_VERIFIED &&
                                                    tls != NULL && strcmp(tls, "verify-ca") == 0));
        check_token(&token, &ini, section, connection);
    }
    ria_ini_release(&ini);
}

static void check_refused(
    struct ria_fake *fake, const struct connection *connection, const struct ria_error *refusal)
{
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err = {0};
    fuzz_require(strncmp(refusal->text, RIA_FAKE_CONFIG ":", strlen(RIA_FAKE_CONFIG) + 1) == 0);
    fuzz_require(ask_for_token(fake, connection, RIA_CHANNEL_VERIFIED, &token, &err) != RIA_FOUND);
}

/* Messages show hosts, users, section names and unknown keys. So the check is left out if the
 * secret is anywhere else than in the value of the unknown key `password`. */
static void check_secret(
    const struct ria_fake *fake,
    const struct connection *connection,
    const struct ria_buf *file,
    const struct ria_error *err)
{
    if (strcasestr(connection->host, FUZZ_SECRET) != NULL ||
        strcasestr(connection->user, FUZZ_SECRET) != NULL) {
        return;
    }
    static const char line[] = "\npassword = " FUZZ_SECRET "\n";
    if (fuzz_count(file->data, file->len, FUZZ_SECRET) != fuzz_count(file->data, file->len, line)) {
        return;
    }
    fuzz_require(strstr(err->text, FUZZ_SECRET) == NULL);
    for (size_t i = 0; i < fake->log_count; i++) {
        fuzz_require(strstr(fake->log[i].text, FUZZ_SECRET) == NULL);
    }
}

static bool take_line(const char **text, char *out, size_t size)
{
    size_t len = strcspn(*text, "\n");
    if (len >= size) {
        return false;
    }
    memcpy(out, *text, len);
    out[len] = '\0';
    *text += len + ((*text)[len] == '\n' ? 1 : 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RIA_AUTO(buf) text = {0};
    RIA_AUTO(buf) file = {0};
    struct connection connection;
    struct ria_fake fake;
    struct ria_error err = {0};
    fuzz_fill(&text, data, size);
    const char *at = text.data;
    if (!take_line(&at, connection.host, sizeof(connection.host)) ||
        !take_line(&at, connection.port_text, sizeof(connection.port_text)) ||
        !take_line(&at, connection.user, sizeof(connection.user))) {
        return 0;
    }
    connection.port = ria_port_parse(connection.port_text);
    fuzz_fill(&file, at, text.len - (size_t)(at - text.data));
    make_fake(&fake, &file);
    struct ria_config config = {0};
    bool is_accepted = ria_config_load(&fake.world, &config, &err);
    ria_config_release(&config);
    /* A text of RIA_HOST_SIZE bytes or more is not a host name; port 0 and an empty user are
     * refused before the file is read. */
    bool is_login = connection.port > 0 && connection.host[0] != '\0' &&
                    connection.user[0] != '\0' && strlen(connection.host) < RIA_HOST_SIZE;
    if (is_login && is_accepted) {
        check_accepted(&fake, &file, &connection);
    } else if (is_login) {
        check_refused(&fake, &connection, &err);
    }
    check_secret(&fake, &connection, &file, &err);
    return 0;
}
