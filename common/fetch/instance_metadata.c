/* SPDX-License-Identifier: MIT
 *
 * Gets the credentials of an EC2 instance's role from the instance metadata service, version 2:
 * requests a session token, the name of the role, and the credentials of the role. Never uses
 * version 1, because version 1 also answers an attacker who can only make a program on this machine
 * send a GET request.
 *
 * Returns ABSENT if no service accepts a connection at the default address, because in this case
 * this machine is not an EC2 instance. Also returns ABSENT if the service refuses to give a session
 * token (status 403), or if the instance has no role. Fails if the service accepts the connection
 * but does not respond; the usual cause is the hop limit in a container. Rejects plain http to any
 * host except this machine and the two addresses of AWS. */
#include "base/ascii.h"
#include "base/messages.h"
#include "fetch/fetch.h"
#include "fetch/json.h"

#include "aws/token.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
    TIMEOUT = 1000, /* milliseconds */
    URL_MAX = 1024,
    ENDPOINT_MAX = 512, /* so that the endpoint and the longest path fit into URL_MAX */
    STABLE_MIN = 120,   /* seconds; see extend_expiry() */
    STABLE_SPREAD = 480,
};

const char ria_fetch_no_instance[] = "no service answers at the metadata service's address";
const char ria_fetch_no_role[] = "the instance has no role";

static const char token_path[] = "/latest/api/token";
static const char gives_no_credentials[] = "does not give the role's credentials";
static const char check_server[] = "check that it is AWS's";
static const char names_no_role[] = "does not name the role";
static const char role_path[] = "/latest/meta-data/iam/security-credentials/";

static enum ria_outcome failed(
    const struct ria_fetch *fetch, struct ria_error *err, const char *what, const char *why)
{
    const char *endpoint = fetch->plan->value[RIA_PLAN_METADATA_ENDPOINT].value;
    char place[RIA_URL_SHOWN_SIZE];
    ria_url_show(endpoint, place);
    return ria_failed(
        err,
        RIA_E_CREDENTIALS,
        "the instance's metadata service (%s%.100s) %s%s%s",
        ria_url_scheme(endpoint),
        place,
        what,
        *why == '\0' ? "" : ": ",
        why);
}

/* Fails with "... WHAT; REMEDY: status N". For a transient status, the remedy is to try again. */
static enum ria_outcome failed_by_status(
    const struct ria_fetch *fetch,
    struct ria_error *err,
    const char *what,
    const char *remedy,
    long status)
{
    char message[128];
    char why[32];
    (void)snprintf(
        message,
        sizeof(message),
        "%s; %s",
        what,
        ria_fetch_is_transient(status) ? RIA_REMEDY_LATER : remedy);
    (void)snprintf(why, sizeof(why), "status %ld", status);
    return failed(fetch, err, message, why);
}

/* Fails for a request without a response. `what` is the predicate of the message if the request was
 * sent. */
static enum ria_outcome failed_by_result(
    const struct ria_fetch *fetch,
    struct ria_error *err,
    const char *what,
    enum ria_http_result result,
    const char *why)
{
    char message[128];
    if (result == RIA_HTTP_UNASKED || result == RIA_HTTP_REFUSED) {
        return failed(fetch, err, ria_http_predicate(result), why);
    }
    (void)snprintf(
        message,
        sizeof(message),
        "%s; %s",
        what,
        result == RIA_HTTP_UNUSABLE ? check_server : "try again");
    return failed(fetch, err, message, why);
}

/* Sends one request to the metadata service. `header` is a complete header line. */
static enum ria_http_result send(
    struct ria_fetch *fetch,
    const char *method,
    const char *path,
    const char *header,
    struct ria_http_response *response,
    struct ria_error *err)
{
    const char *endpoint = fetch->plan->value[RIA_PLAN_METADATA_ENDPOINT].value;
    size_t len = strlen(endpoint);
    char url[URL_MAX];
    (void)snprintf(
        url,
        sizeof(url),
        "%.*s%s",
        (int)(len > 0 && endpoint[len - 1] == '/' ? len - 1 : len),
        endpoint,
        path); /* check_endpoint() has checked that the URL fits */
    struct ria_http_request request = {
        .url = url,
        .method = method,
        .headers = {header},
        .connect_timeout = TIMEOUT,
        .timeout = TIMEOUT,
        .is_local = true,
    };
    return ria_fetch_send(fetch, &request, response, err);
}

static bool is_configured(const struct ria_setting *endpoint)
{
    return endpoint->path != NULL && *endpoint->path != '\0';
}

/* Checks the service's URL. The responses are trusted, so plain http is allowed only to this
 * machine and to the addresses of AWS. */
static bool check_endpoint(const struct ria_setting *endpoint, struct ria_error *err)
{
    struct ria_http_place place;
    if (strlen(endpoint->value) >= ENDPOINT_MAX || !ria_http_place(endpoint->value, &place)) {
        return ria_fail_at(
            err, RIA_E_CREDENTIALS, endpoint, "is not a URL; write http://169.254.169.254");
    }
    if (!place.is_https && !place.is_loopback && strcmp(place.name, "169.254.169.254") != 0 &&
        strcmp(place.name, "fd00:ec2::254") != 0) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            endpoint,
            "plain http goes only to this machine, 169.254.169.254 and [fd00:ec2::254], and not to "
            "%.100s; use https",
            place.shown);
    }
    return true;
}

/* Handles a failed connection. At the default address, a failed connection means that this machine
 * is not an EC2 instance. At an address that the user has configured, it is an error. */
static enum ria_outcome not_connected(struct ria_fetch *fetch, struct ria_error *err)
{
    const struct ria_setting *endpoint = &fetch->plan->value[RIA_PLAN_METADATA_ENDPOINT];
    if (ria_deadline_left(fetch->world, fetch->deadline) == 0) {
        (void)failed(fetch, err, "was not reached in the time of a login; try again", "");
        err->code = RIA_E_DEADLINE;
        return RIA_FAILED;
    }
    if (is_configured(endpoint)) {
        return ria_failed_at(
            err, RIA_E_CREDENTIALS, endpoint, "no service answers there; fix or unset it");
    }
    return ria_absent(err, "%s", ria_fetch_no_instance);
}

static enum ria_outcome get_token(
    struct ria_fetch *fetch, struct ria_buf *header, struct ria_error *err)
{
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    struct ria_error why = {0};
    enum ria_http_result result = send(
        fetch, "PUT", token_path, "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600", &response, &why);
    if (result == RIA_HTTP_NOBODY) {
        return not_connected(fetch, err);
    }
    if (result == RIA_HTTP_SILENT) {
        return failed(
            fetch,
            err,
            "accepts a connection and does not answer; in a container its hop limit must be at "
            "least 2: aws "
            "ec2 modify-instance-metadata-options --http-put-response-hop-limit 2 --instance-id ID",
            "");
    }
    if (result != RIA_HTTP_ANSWERED) {
        return failed_by_result(fetch, err, "gives no session token", result, why.text);
    }
    if (response.status == 403) {
        return ria_absent(
            err,
            "the metadata service is switched off (status 403) or has no version 2, and version 1 "
            "is never used");
    }
    if (response.status == 404 || response.status == 405) {
        char message[256];
        (void)snprintf(
            message,
            sizeof(message),
            "answers with status %ld: it has no version 2, and version 1 is never used; enable "
            "version 2, or set AWS_EC2_METADATA_DISABLED=true",
            response.status);
        return failed(fetch, err, message, "");
    }
    if (response.status != 200 || response.body.len == 0 ||
        strpbrk(response.body.data, "\r\n") != NULL) {
        return failed_by_status(
            fetch, err, "gives no session token", check_server, response.status);
    }
    ria_buf_add_text(header, "X-Aws-Ec2-Metadata-Token: ");
    ria_buf_add_text(header, response.body.data);
    return header->failed ? ria_failed(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the metadata token")
                          : RIA_FOUND;
}

/* Requests the name of the role, which is the first line of the response. */
static enum ria_outcome get_role(
    struct ria_fetch *fetch, const char *token, char role[128], struct ria_error *err)
{
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    struct ria_error why = {0};
    enum ria_http_result result = send(fetch, "GET", role_path, token, &response, &why);
    if (result != RIA_HTTP_ANSWERED) {
        return failed_by_result(fetch, err, names_no_role, result, why.text);
    }
    if (response.status == 404) {
        return ria_absent(err, "%s", ria_fetch_no_role);
    }
    size_t len = response.body.data == NULL ? 0 : strcspn(response.body.data, "\r\n");
    static const char allowed[] = RIA_ALNUM "_+=,.@-";
    if (response.status != 200 || len == 0 || len >= 128 ||
        strspn(response.body.data, allowed) != len) {
        return failed_by_status(fetch, err, names_no_role, check_server, response.status);
    }
    memcpy(role, response.body.data, len);
    role[len] = '\0';
    return RIA_FOUND;
}

/* Extends the expiry time of credentials that expire within the life of an RDS token (15 minutes).
 * During an outage the metadata service returns the last credentials that it has, and AWS accepts
 * them after their expiry time ("static stability"). The new expiry time is 17 to 25 minutes ahead,
 * so that the credentials are usable now and requested again soon. */
static void extend_expiry(struct ria_fetch *fetch, struct ria_credentials *credentials)
{
    int64_t now = ria_fetch_now(fetch);
    if (credentials->expires - now >= RIA_TOKEN_LIFE) {
        return;
    }
    uint32_t random = 0;
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    credentials->expires = now + RIA_TOKEN_LIFE + STABLE_MIN + (random % STABLE_SPREAD);
    ria_response_warn(
        fetch->result,
        "the instance's metadata service gives credentials that have expired or expire soon; they "
        "are still used, as AWS recommends during an outage");
}

enum ria_outcome ria_fetch_instance(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err)
{
    static const struct ria_json_form form = {
        .session_token = "Token", .needs_session_token = true, .wanted_code = "Success"};
    RIA_AUTO(buf) token = {.max = 4096};
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    struct ria_error why = {0};
    char role[128];
    char path[sizeof(role_path) + sizeof(role)];
    if (!check_endpoint(&fetch->plan->value[RIA_PLAN_METADATA_ENDPOINT], err)) {
        return RIA_FAILED;
    }
    enum ria_outcome outcome = get_token(fetch, &token, err);
    outcome = outcome == RIA_FOUND ? get_role(fetch, token.data, role, err) : outcome;
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    (void)snprintf(path, sizeof(path), "%s%s", role_path, role);
    enum ria_http_result result = send(fetch, "GET", path, token.data, &response, &why);
    if (result != RIA_HTTP_ANSWERED) {
        return failed_by_result(fetch, err, gives_no_credentials, result, why.text);
    }
    if (response.status != 200) {
        return failed_by_status(
            fetch, err, gives_no_credentials, "check the instance's role", response.status);
    }
    if (!ria_json_credentials(&response.body, &form, out, &why)) {
        return failed(
            fetch,
            err,
            "does not answer with credentials; check that the role exists and trusts "
            "ec2.amazonaws.com",
            why.text);
    }
    extend_expiry(fetch, out);
    (void)snprintf(out->source, sizeof(out->source), "the instance's role %.120s", role);
    return RIA_FOUND;
}
