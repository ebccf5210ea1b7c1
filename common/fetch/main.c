/* SPDX-License-Identifier: MIT
 *
 * rds-iam-fetch: reads one request from its standard input, which is a socket, and sends the
 * response on the same socket. A request for credentials contains a plan (aws/plan.h): a source of
 * credentials and the roles to assume. Carries out the plan and caches the result (cached.h). Also
 * serves four other kinds of requests: for the identity of keys, for the answer of RDS or IAM to a
 * question, for the RDS name behind a DNS alias, and for a trust bundle. The core starts this
 * program (common/os/fetch_client.c); users do not start it. It reads no configuration file,
 * because the request contains the settings. Rejects malformed input with a hint on stderr and exit
 * status 2.
 */
#include "fetch/cached.h"
#include "fetch/dns.h"
#include "fetch/fetch.h"
#include "fetch/json.h"
#include "provider/request.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static ria_fetch_source *const sources[] = {
    [RIA_SOURCE_KEYS] = NULL,
    [RIA_SOURCE_WEB_IDENTITY] = ria_fetch_web_identity,
    [RIA_SOURCE_PROCESS] = ria_fetch_process,
    [RIA_SOURCE_CONTAINER] = ria_fetch_container,
    [RIA_SOURCE_INSTANCE] = ria_fetch_instance,
    [RIA_SOURCE_SSO] = ria_fetch_sso,
    [RIA_SOURCE_LOGIN] = ria_fetch_login,
};

/* -- the plan ------------------------------------------------------------------------------- */

static enum ria_outcome find_source(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err)
{
    const struct ria_plan *plan = fetch->plan;
    if (plan->source == RIA_SOURCE_PROCESS && plan->role_count > 0) {
        return ria_fetch_cached_process(fetch, out, err);
    }
    if (sources[plan->source] != NULL) {
        return sources[plan->source](fetch, out, err);
    }
    ria_buf_add(&out->access_key_id, plan->keys.access_key_id.data, plan->keys.access_key_id.len);
    ria_buf_add(
        &out->secret_access_key,
        plan->keys.secret_access_key.data,
        plan->keys.secret_access_key.len);
    if (plan->keys.session_token.len > 0) {
        ria_buf_add(
            &out->session_token, plan->keys.session_token.data, plan->keys.session_token.len);
    }
    out->expires = plan->keys.expires;
    ria_plan_describe(plan, out->source, sizeof(out->source));
    return RIA_FOUND;
}

/* Turns ABSENT into FAILED if the plan assumes a role with the credentials of the instance's role.
 * ABSENT would mean that no credentials are configured, but the user has configured a role to
 * assume. The error names the setting of the last role of the plan. */
static enum ria_outcome require_source(
    const struct ria_plan *plan, enum ria_outcome outcome, struct ria_error *err)
{
    if (outcome != RIA_ABSENT || plan->role_count == 0) {
        return outcome;
    }
    const struct ria_setting *role = &plan->roles[plan->role_count - 1].value[RIA_ROLE_ARN];
    char why[RIA_ERROR_TEXT_MAX];
    memcpy(why, err->text, sizeof(why));
    return ria_failed_at(
        err,
        RIA_E_CREDENTIALS,
        role,
        "%.128s is assumed with the instance's role, but %.200s; %s",
        role->value,
        why,
        strcmp(why, ria_fetch_no_instance) == 0 ? "run this on the instance"
        : strcmp(why, ria_fetch_no_role) == 0   ? "attach one to it"
                                                : "enable the metadata service (IMDSv2)");
}

static enum ria_outcome carry_out(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err)
{
    const struct ria_plan *plan = fetch->plan;
    size_t first = 0;
    enum ria_outcome outcome = RIA_FOUND;
    if (!ria_fetch_cli_cache(fetch, out, &first)) {
        outcome = require_source(plan, find_source(fetch, out, err), err);
        ria_fetch_spent(fetch, plan->label);
        /* The source of a web identity has already assumed the first role. */
        first = plan->source == RIA_SOURCE_WEB_IDENTITY ? 1 : 0;
    }
    for (size_t i = first; outcome == RIA_FOUND && i < plan->role_count; i++) {
        if (!ria_fetch_assume_role(fetch, &plan->roles[i], out, err)) {
            outcome = RIA_FAILED;
        }
        ria_fetch_spent(fetch, plan->roles[i].value[RIA_ROLE_ARN].value);
    }
    return outcome;
}

/* Initializes libcurl here and not earlier, because a process that reads the result of another
 * process from the cache does not need libcurl. */
static enum ria_outcome carry_out_now(struct ria_fetch *fetch, struct ria_response *response)
{
    if (!ria_http_set_up()) {
        return ria_failed(&response->err, RIA_E_SYSTEM, RIA_MESSAGE_LIBCURL);
    }
    return carry_out(fetch, &response->credentials, &response->err);
}

/* Carries out the plan, or reads its result from the cache. Does not read the result from the
 * cache if the user has entered an MFA code, because the code is valid for one call and the user
 * wants that call. The cached output of a credential_process is read nevertheless
 * (ria_fetch_cached_process()). */
static void serve(
    struct ria_fetch *fetch, const struct ria_request *request, struct ria_buf *record)
{
    struct ria_cache_place place = {0};
    if (request->cache_directory != NULL) {
        (void)snprintf(place.directory, sizeof(place.directory), "%s", request->cache_directory);
        (void)snprintf(place.name, sizeof(place.name), "%s", request->cache_name);
    }
    ria_fetch_cached(
        fetch, &place, fetch->plan->mfa_code[0] == '\0', carry_out_now, fetch->result, record);
}

/* -- the socket ----------------------------------------------------------------------------- */

/* Waits until input can be read. Returns false at the deadline. */
static bool await_bytes(const struct ria_world *world, struct ria_deadline deadline)
{
    for (;;) {
        struct pollfd watched = {.fd = STDIN_FILENO, .events = POLLIN};
        int ready = poll(&watched, 1, (int)ria_deadline_left(world, deadline));
        if (ready >= 0 || errno != EINTR) {
            return ready > 0;
        }
    }
}

/* Reads up to the end of the input. The core sends the whole request at once, so the time limit of
 * a login is enough. Returns false at that limit or on an error. */
static bool read_whole(const struct ria_world *world, struct ria_buf *out)
{
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    while (await_bytes(world, deadline)) {
        char *room = ria_buf_reserve(out, 4096);
        ssize_t len = room == NULL ? -1 : recv(STDIN_FILENO, room, 4096, 0);
        if (len < 0 && room != NULL && errno == EINTR) {
            continue;
        }
        if (len <= 0) {
            return len == 0;
        }
        ria_buf_grown(out, (size_t)len);
    }
    return false;
}

static void send_whole(const struct ria_buf *record)
{
    size_t done = 0;
    while (done < record->len) {
        ssize_t len = send(STDIN_FILENO, record->data + done, record->len - done, MSG_NOSIGNAL);
        if (len < 0 && errno != EINTR) {
            return;
        }
        done += len < 0 ? 0 : (size_t)len;
    }
}

static int explain_to_user(void)
{
    (void)fputs(
        "rds-iam-fetch: this program is started by the plugins, the agent and rds-iam; do not run "
        "it by "
        "hand; see rds-iam credentials --help\n",
        stderr);
    return 2;
}

/* Makes the kernel kill this process when its caller ends, because after that no process reads the
 * response. A credential_process ends with this process (credential_process.c). If that command
 * runs rds-iam, which starts this program again, the inner processes end too when the outermost
 * caller ends. The kernel watches the thread that started this process; that thread waits for
 * the response. Returns false if the caller had ended before this call. */
static bool end_with_caller(void)
{
    struct pollfd caller = {.fd = STDIN_FILENO};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return poll(&caller, 1, 0) <= 0 || (caller.revents & POLLHUP) == 0;
}

int main(void)
{
    if (!ria_standard_files_open()) {
        return 2;
    }
    /* Close the descriptors that were inherited from the caller. Not every C library has a function
     * with which the core could close them when it starts this program. */
    (void)syscall(SYS_close_range, STDERR_FILENO + 1, UINT_MAX, 0);
    /* Keep secrets out of core dumps, debuggers and logs of TLS keys. */
    (void)unsetenv("SSLKEYLOGFILE");
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!end_with_caller()) {
        return explain_to_user();
    }
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX + 4096};
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    RIA_AUTO(request) request = RIA_REQUEST_INIT;
    const struct ria_world *world = ria_process_world();
    bool is_read = read_whole(world, &bytes);
    if (is_read && (ria_fetch_response_alias(&bytes, &record) ||
                    ria_fetch_response_trust_bundle(world, &bytes, &record))) {
        send_whole(&record);
        return 0;
    }
    if (!is_read || !ria_request_read(&bytes, &request)) {
        return explain_to_user();
    }
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    struct ria_fetch fetch = {
        .world = world,
        .plan = &request.plan,
        .budget = request.budget,
        .deadline = ria_fetch_deadline(world, request.budget),
        .result = &response,
        .spent = {.since = world->ticks(world->self)},
    };
    ria_json_set_up();
    if (request.plan.value[RIA_PLAN_IDENTITY_REGION].value != NULL) {
        ria_fetch_response_identity(&fetch, &record);
    } else if (request.plan.value[RIA_PLAN_QUESTION].value != NULL) {
        ria_fetch_response_answer(&fetch, &record);
    } else {
        serve(&fetch, &request, &record);
    }
    send_whole(&record);
    ria_buf_release(&fetch.bundle);
    return 0;
}
