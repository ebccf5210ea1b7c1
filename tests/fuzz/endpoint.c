/* SPDX-License-Identifier: MIT
 *
 * Host names: which of them are endpoints of RDS, Aurora and Aurora DSQL, with which region, and
 * whether a token is made for them.
 *
 * Input: two lines (port, user), then the host.
 *
 * Properties:
 *   1. case and a dot at the end change nothing;
 *   2. an endpoint ends in a suffix of AWS, and has the label "rds", "rds-fips" or "dsql...". Its
 *      region is one of its labels; a region of aws-us-gov is in no endpoint of another partition;
 *   3. no name that ends with ".evil.example" is an endpoint;
 *   4. a token is made only over a verified channel, and only for an endpoint with a region. It
 *      begins with the host, and contains the region and the service. A token for RDS also
 *      contains the port and the user;
 *   5. a text between a ':' and an '@', such as a URL's password, is not repeated by a message;
 *   6. if "host:port" is split, the two parts make the same text again, unless the port begins with
 *      a 0. */
#include "fuzz.h"

#include "aws/service.h"
#include "base/ascii.h"
#include "codec/percent.h"
#include "fake_world.h"
#include "rds_iam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MAX = 1024
};

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Returns whether one of the labels of the name equals the text or, if is_whole is false, begins
 * with it. */
static bool has_label(const char *name, const char *text, bool is_whole)
{
    size_t len = strlen(text);
    for (const char *at = name; at != NULL; at = strchr(at, '.')) {
        at += at == name ? 0 : 1;
        if (strncmp(at, text, len) == 0 && (!is_whole || at[len] == '.' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

/* -- names ----------------------------------------------------------------------------------- */

static void check_same(const struct ria_endpoint *endpoint, const char *other)
{
    struct ria_endpoint again;
    ria_endpoint_read(other, &again);
    fuzz_require(again.kind == endpoint->kind && again.partition == endpoint->partition);
    fuzz_require(strcmp(again.host, endpoint->host) == 0);
    fuzz_require(strcmp(again.region, endpoint->region) == 0);
}

static void check_variants(const char *host, const struct ria_endpoint *endpoint)
{
    char other[TEXT_MAX + 32];
    struct ria_endpoint evil;
    size_t len = strlen(host);
    for (size_t i = 0; i <= len; i++) {
        bool is_lower = ria_ascii_is_lower(host[i]);
        other[i] = (char)(is_lower ? host[i] - 'a' + 'A' : host[i]);
    }
    check_same(endpoint, other);
    if (len > 0 && host[len - 1] != '.' && len < RIA_HOST_SIZE - 1) {
        (void)snprintf(other, sizeof(other), "%s.", host);
        check_same(endpoint, other);
    }
    (void)snprintf(other, sizeof(other), "%s.evil.example", host);
    ria_endpoint_read(other, &evil);
    fuzz_require(!ria_endpoint_is_database(&evil));
}

static void check_database(const struct ria_endpoint *endpoint)
{
    static const struct {
        const char *suffix;
        const char *partition;
    } suffixes[] = {
        {".amazonaws.com", "aws"},
        {".amazonaws.com", "aws-us-gov"},
        {".amazonaws.com.cn", "aws-cn"},
        {".amazonaws.eu", "aws-eusc"},
        {".c2s.ic.gov", "aws-iso"},
        {".sc2s.sgov.gov", "aws-iso-b"},
        {".cloud.adc-e.uk", "aws-iso-e"},
        {".csp.hci.ic.gov", "aws-iso-f"},
        {".on.aws", "aws"},
    };
    const char *host = endpoint->host;
    bool is_known = false;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        is_known = is_known || (ends_in(host, suffixes[i].suffix) &&
                                strcmp(endpoint->partition, suffixes[i].partition) == 0);
    }
    fuzz_require(is_known && ria_partition_exists(endpoint->partition));
    bool is_dsql = endpoint->kind == RIA_ENDPOINT_DSQL;
    fuzz_require(is_dsql == ends_in(host, ".on.aws"));
    fuzz_require(
        is_dsql ? has_label(host, "dsql", false)
                : has_label(host, "rds", true) || has_label(host, "rds-fips", true));
    fuzz_require((endpoint->region[0] == '\0') == (endpoint->kind == RIA_ENDPOINT_GLOBAL));
    if (endpoint->region[0] != '\0') {
        fuzz_require(has_label(host, endpoint->region, true));
        fuzz_require(ria_region_is_plausible(endpoint->region));
        /* The partitions aws and aws-us-gov have the same suffix, so the region decides between
         * them: a region of aws-us-gov is never in an endpoint of another partition. */
        const char *partition = ria_partition_of(endpoint->region).name;
        fuzz_require(
            strcmp(partition, "aws") == 0 || strcmp(partition, endpoint->partition) == 0 ||
            strcmp(partition, "aws-us-gov") != 0);
    }
    for (const char *at = host; *at != '\0'; at++) {
        fuzz_require(!(at[0] == '.' && at[1] == '.') && *at != ':');
    }
}

static void check_message(const char *host, const struct ria_error *err)
{
    const char *secret = strstr(host, FUZZ_SECRET);
    const char *at = strrchr(host, '@');
    fuzz_require(err->code == RIA_E_ENDPOINT && err->text[0] != '\0');
    if (secret != NULL && at != NULL && secret < at && strchr(host, ':') != NULL &&
        strchr(host, ':') < secret) {
        fuzz_require(strstr(err->text, FUZZ_SECRET) == NULL);
    }
}

static void check_name(const char *host)
{
    struct ria_endpoint endpoint;
    struct ria_error err = {0};
    enum ria_outcome outcome = ria_endpoint_parse(host, &endpoint, &err);
    fuzz_require((outcome == RIA_FAILED) == (endpoint.kind == RIA_ENDPOINT_NO_NAME));
    fuzz_require((endpoint.host[0] == '\0') == (outcome == RIA_FAILED));
    if (ria_endpoint_is_database(&endpoint)) {
        check_database(&endpoint);
        fuzz_require(outcome == (endpoint.region[0] != '\0' ? RIA_FOUND : RIA_ABSENT));
    } else {
        fuzz_require(outcome != RIA_FOUND && endpoint.partition == NULL);
        fuzz_require(endpoint.region[0] == '\0');
    }
    if (outcome != RIA_FOUND) {
        check_message(host, &err);
    }
    check_variants(host, &endpoint);
}

static void check_split(const char *text)
{
    char host[RIA_HOST_SIZE];
    char again[RIA_HOST_SIZE + 16];
    uint16_t port;
    if (!ria_endpoint_split(text, host, &port)) {
        return;
    }
    fuzz_require(host[0] != '\0' && port > 0);
    bool has_brackets = *text == '[';
    (void)snprintf(again, sizeof(again), has_brackets ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
    const char *digits = strrchr(text, ':') + 1;
    fuzz_require(digits[0] == '0' || strcmp(again, text) == 0);
}

/* -- tokens ---------------------------------------------------------------------------------- */

struct request {
    const char *host;
    const char *user;
    unsigned port;
};

static void check_token(
    const struct request *request,
    const struct ria_endpoint *endpoint,
    const struct ria_token *token)
{
    RIA_AUTO(buf) start = {.max = 65536};
    bool is_dsql = endpoint->kind == RIA_ENDPOINT_DSQL;
    const char *text = token->text.data;
    if (is_dsql) {
        bool is_admin = strcmp(request->user, "admin") == 0;
        ria_buf_addf(
            &start, "%s/?Action=%s&", endpoint->host, is_admin ? "DbConnectAdmin" : "DbConnect");
    } else {
        ria_buf_addf(&start, "%s:%u/?Action=connect&DBUser=", endpoint->host, request->port);
        ria_percent_add(&start, request->user, strlen(request->user));
        ria_buf_add_char(&start, '&');
    }
    fuzz_require(!start.failed && strncmp(text, start.data, start.len) == 0);
    RIA_AUTO(buf) scope = {.max = 256};
    ria_buf_addf(
        &scope,
        "X-Amz-Credential=AKIDEXAMPLE%%2F20260822%%2F%s%%2F%s%%2Faws4_request&",
        endpoint->region,
        is_dsql ? "dsql" : "rds-db");
    fuzz_require(strstr(text, scope.data) != NULL);
    const char *signature = strstr(text, "X-Amz-Signature=");
    fuzz_require(signature != NULL && strspn(signature + 16, RIA_HEX_DIGITS) == 64);
    for (const char *at = text; *at != '\0'; at++) {
        fuzz_require(*at > ' ' && *at < 0x7f);
    }
}

static void check_login(const struct request *request, enum ria_channel channel)
{
    struct ria_fake fake;
    struct ria_error err = {0};
    struct ria_endpoint endpoint;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    ria_fake_init(&fake);
    ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", FUZZ_SECRET);
    const struct ria_login login = {
        .host = request->host, .port = request->port, .user = request->user, .channel = channel};
    struct ria_deadline deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS);
    enum ria_outcome outcome = ria_token_for(&login, deadline, &fake.world, &token, &err);
    ria_endpoint_read(request->host, &endpoint);
    if (outcome == RIA_FOUND) {
        fuzz_require(channel == RIA_CHANNEL_VERIFIED && endpoint.region[0] != '\0');
        check_token(request, &endpoint, &token);
        return;
    }
    fuzz_require(err.text[0] != '\0' && token.text.len == 0);
    bool is_complete = request->user[0] != '\0' && request->port > 0;
    fuzz_require(
        channel != RIA_CHANNEL_VERIFIED || endpoint.region[0] == '\0' || !is_complete ||
        strlen(request->user) > 64);
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
    char port[16];
    char user[256];
    fuzz_fill(&text, data, size);
    const char *host = text.data;
    if (!take_line(&host, port, sizeof(port)) || !take_line(&host, user, sizeof(user)) ||
        strlen(host) >= TEXT_MAX) {
        return 0;
    }
    const struct request request = {host, user, ria_port_parse(port)};
    check_name(host);
    check_split(host);
    check_login(&request, RIA_CHANNEL_VERIFIED);
    check_login(&request, RIA_CHANNEL_CHAIN_VERIFIED);
    check_login(&request, RIA_CHANNEL_UNVERIFIED);
    check_login(&request, RIA_CHANNEL_PLAIN);
    return 0;
}
