/* SPDX-License-Identifier: MIT
 *
 * Gets the credentials of a container from the endpoint that ECS or EKS Pod Identity provides. The
 * request carries an authorization token, so plain http is allowed only to this machine and to the
 * fixed addresses of AWS. Rejects plain http to any other host, without resolving the host name. */
#include "base/messages.h"
#include "fetch/fetch.h"
#include "fetch/json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    TIMEOUT = 2000, /* milliseconds, as in botocore */
    TOKEN_MAX = 8 * 1024,
};

static const char ecs_host[] = "http://169.254.170.2";

/* The address of ECS, and the IPv4 and IPv6 addresses of EKS Pod Identity. */
static const char *const fixed_addresses[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};

static bool is_fixed(const char *name)
{
    struct in6_addr address;
    char canonical[INET6_ADDRSTRLEN];
    const char *text = name;
    if (inet_pton(AF_INET6, name, &address) == 1) {
        text = inet_ntop(AF_INET6, &address, canonical, sizeof(canonical));
    }
    for (size_t i = 0; i < sizeof(fixed_addresses) / sizeof(fixed_addresses[0]); i++) {
        if (text != NULL && strcmp(text, fixed_addresses[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool find_url(
    struct ria_fetch *fetch,
    const struct ria_setting *uri,
    char url[2048],
    const struct ria_buf **authorities,
    struct ria_error *err)
{
    struct ria_http_place place;
    int len = snprintf(url, 2048, "%s%s", *uri->value == '/' ? ecs_host : "", uri->value);
    if (len >= 2048 || !ria_http_place(url, &place)) {
        return ria_fail_at(err, RIA_E_CREDENTIALS, uri, RIA_REFUSAL_NO_URL);
    }
    if (!place.is_https && !place.is_loopback && !is_fixed(place.name)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            uri,
            "plain http goes only to localhost, 127.0.0.0/8, [::1], 169.254.170.2, 169.254.170.23 "
            "and [fd00:ec2::23], and not to %.100s; use https",
            place.shown);
    }
    return !place.is_https || ria_fetch_authorities(fetch, authorities, err);
}

/* Appends the Authorization header if a token is configured. AWS rotates the token file, so each
 * call reads the file. The file overrides the variable AWS_CONTAINER_AUTHORIZATION_TOKEN. */
static bool fetch_container_add_token(
    const struct ria_fetch *fetch, struct ria_buf *header, struct ria_error *err)
{
    const struct ria_setting *file = &fetch->plan->value[RIA_PLAN_CONTAINER_TOKEN_FILE];
    const struct ria_setting *token = &fetch->plan->value[RIA_PLAN_CONTAINER_TOKEN];
    RIA_AUTO(buf) text = {.max = TOKEN_MAX};
    if (file->value != NULL) {
        struct ria_file facts;
        const struct ria_named_file named = {file, file->path, "token file"};
        if (!ria_setting_read_named(fetch->world, &named, &text, &facts, err)) {
            return false;
        }
        ria_buf_trim_end(&text);
    } else if (token->value != NULL) {
        ria_buf_add_text(&text, token->value);
    } else {
        return true;
    }
    if (text.failed || text.len == 0 || strlen(text.data) != text.len ||
        strpbrk(text.data, "\r\n") != NULL) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            file->value != NULL ? file : token,
            "is not an authorization token: it is empty, too long or contains a line break; create "
            "it again");
    }
    ria_buf_add_text(header, "Authorization: ");
    ria_buf_add_text(header, text.data);
    return !header->failed ||
           ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the container's token");
}

static enum ria_outcome fetch_container_parse_response(
    const struct ria_fetch *fetch,
    const struct ria_http_response *response,
    struct ria_credentials *out,
    struct ria_error *err)
{
    static const struct ria_json_form form = {
        .session_token = "Token", .needs_session_token = true};
    const struct ria_setting *uri = &fetch->plan->value[RIA_PLAN_CONTAINER_URI];
    struct ria_error why = {0};
    if (response->status != 200) {
        char message[160];
        ria_json_message(&response->body, message, sizeof(message));
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            uri,
            "the container's endpoint answers with status %ld%s%s; %s",
            response->status,
            message[0] == '\0' ? "" : ": ",
            message,
            ria_fetch_is_transient(response->status) ? RIA_REMEDY_LATER
                                                     : "check the task's or pod's role");
    }
    if (!ria_json_credentials(&response->body, &form, out, &why)) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            uri,
            "the container's endpoint does not answer with credentials (%s); check this URL",
            why.text);
    }
    ria_plan_describe(fetch->plan, out->source, sizeof(out->source));
    return RIA_FOUND;
}

static const char *remedy(enum ria_http_result result)
{
    switch (result) {
    case RIA_HTTP_NOBODY:
    case RIA_HTTP_SILENT:
    case RIA_HTTP_BROKEN:
        return "; run this process in the container";
    case RIA_HTTP_UNUSABLE:
        return "; check the URL";
    case RIA_HTTP_REFUSED:
        return "; check AWS_CA_BUNDLE";
    case RIA_HTTP_ANSWERED:
    case RIA_HTTP_NO_PROXY: /* cannot happen: the request uses no proxy */
    case RIA_HTTP_UNASKED:
    case RIA_HTTP_RESULTS:
    default:
        return "";
    }
}

enum ria_outcome ria_fetch_container(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err)
{
    const struct ria_setting *uri = &fetch->plan->value[RIA_PLAN_CONTAINER_URI];
    char url[2048];
    const struct ria_buf *authorities = NULL;
    RIA_AUTO(buf) token = {.max = TOKEN_MAX + 32};
    if (!find_url(fetch, uri, url, &authorities, err) ||
        !fetch_container_add_token(fetch, &token, err)) {
        return RIA_FAILED;
    }
    struct ria_http_request request = {
        .url = url,
        .method = "GET",
        .headers = {"Accept: application/json", token.data},
        .connect_timeout = TIMEOUT,
        .timeout = TIMEOUT,
        .authorities = authorities,
        .is_local = true,
    };
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    struct ria_error why = {0};
    enum ria_http_result result = ria_fetch_send(fetch, &request, &response, &why);
    if (result != RIA_HTTP_ANSWERED) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            uri,
            "the container's endpoint %s: %s%s",
            ria_http_predicate(result),
            why.text,
            remedy(result));
    }
    return fetch_container_parse_response(fetch, &response, out, err);
}
