/* SPDX-License-Identifier: MIT
 *
 * Turns a plan (aws/plan.h) into credentials. Uses static keys at once if no role is assumed with
 * them. For every other plan, reads the in-process copy (memory_cache.h) and the cache file
 * (cache.h), and runs rds-iam-fetch if neither contains fresh credentials (ria_cache_is_fresh()).
 * Rejects keys in quotes, temporary keys without a session token, and a role that needs an MFA code
 * if no code is available. */
#include "provider/obtain.h"

#include "base/messages.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "provider/cache.h"
#include "provider/memory_cache.h"
#include "provider/request.h"

#include <string.h>

enum {
    SHORT_COPY_MS = 60 * 1000,
    COMMAND_MAX = 1280, /* four names of up to 255 characters, and their options */
};

/* Returns the seconds until the credentials expire by AWS's clock, or INT64_MAX if they never
 * expire. */
static int64_t obtain_seconds_left(
    const struct ria_world *world, const struct ria_response *response)
{
    int64_t now = world->now(world->self) + ria_cache_offset(world, &response->offset);
    return response->credentials.expires == 0 ? INT64_MAX : response->credentials.expires - now;
}

/* Returns true if a cached response can be used without running rds-iam-fetch. */
static bool is_fresh(
    const struct ria_world *world, const struct ria_plan *plan, const struct ria_response *response)
{
    return response->outcome == RIA_ABSENT ||
           (response->outcome == RIA_FOUND && ria_cache_is_fresh(world, plan, response));
}

static void move_response(struct ria_response *to, struct ria_response *from)
{
    ria_response_release(to);
    *to = *from;
    *from = (struct ria_response)RIA_RESPONSE_INIT;
}

/* Logs whether credentials were cached, and how long they are valid. */
static void log_cached(
    const struct ria_world *world,
    const struct ria_plan *plan,
    const struct ria_cache_place *place,
    enum ria_origin origin,
    const struct ria_response *cached)
{
    if (!ria_world_logs(world, RIA_LOG_DEBUG)) {
        return;
    }
    if (cached->outcome != RIA_FOUND) {
        ria_world_log(
            world,
            RIA_LOG_DEBUG,
            "%s: %s",
            plan->label,
            cached->outcome == RIA_ABSENT ? "was found to be absent less than a minute ago"
                                          : "no credentials are cached");
        return;
    }
    char until[64] = "without an expiry time";
    if (cached->credentials.expires != 0) {
        int64_t left = obtain_seconds_left(world, cached);
        (void)ria_text_format(until, sizeof(until), "which expire in %lld s", (long long)left);
    }
    bool is_file = origin == RIA_ORIGIN_FILE;
    ria_world_log(
        world,
        RIA_LOG_DEBUG,
        "%s: credentials %s are cached in %s%s%.8s%s",
        plan->label,
        until,
        is_file ? place->directory : "this process",
        is_file ? "/" : "",
        is_file ? place->name : "",
        is_file ? "..." : "");
}

/* Stores the response of the cache file in this process if it is fresh, so that the next login does
 * not read the file. */
static void copy_to_memory(
    const struct ria_world *world,
    const struct ria_plan *plan,
    const struct ria_cache_place *place,
    const struct ria_response *response)
{
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    if (is_fresh(world, plan, response)) {
        ria_response_write(response, &record);
        if (!record.failed) {
            ria_memory_cache_put(world, place->name, INT64_MAX, response, &record);
        }
    }
}

/* Reads the in-process copy. If it is missing or expires too soon, also reads the cache file, and
 * uses whichever of the two expires later. If one of them is used, out->outcome is the cached
 * outcome, FOUND or ABSENT. If nothing is cached, out->outcome stays FAILED. */
static enum ria_origin find_cached(
    const struct ria_world *world,
    const struct ria_plan *plan,
    const struct ria_cache_place *place,
    struct ria_response *out)
{
    if (ria_memory_cache_get(world, place->name, out) && is_fresh(world, plan, out)) {
        return RIA_ORIGIN_MEMORY;
    }
    RIA_AUTO(response) filed = RIA_RESPONSE_INIT;
    if (ria_cache_read(world, place, &filed) &&
        (out->outcome != RIA_FOUND || filed.credentials.expires > out->credentials.expires)) {
        move_response(out, &filed);
        copy_to_memory(world, plan, place, out);
        return RIA_ORIGIN_FILE;
    }
    return RIA_ORIGIN_MEMORY;
}

/* Returns true if a role of the plan needs an MFA code, but the plan contains no code. In this case
 * *serial is set to mfa_serial of the first role that needs a code. */
static bool needs_mfa(const struct ria_plan *plan, const struct ria_setting **serial)
{
    for (size_t i = 0; i < plan->role_count; i++) {
        *serial = &plan->roles[i].value[RIA_ROLE_MFA_SERIAL];
        if ((*serial)->value != NULL) {
            return plan->mfa_code[0] == '\0';
        }
    }
    return false;
}

/* Fills out->err with a message that names the rds-iam command to run on a terminal. That command
 * prompts for the code. */
static void refuse_mfa(
    const struct ria_query *query, const struct ria_setting *serial, struct ria_response *out)
{
    RIA_AUTO(buf) command = {.max = COMMAND_MAX};
    if (query->add_command != NULL) {
        query->add_command(query->whose, &command);
    }
    bool is_written = ria_buf_text(&command) != NULL && command.len > 0;
    (void)ria_fail_at(
        &out->err,
        RIA_E_MFA,
        serial,
        RIA_REFUSAL_MFA,
        is_written ? command.data : "rds-iam credentials");
    out->outcome = RIA_FAILED;
}

static void log_warnings(const struct ria_world *world, const struct ria_response *response)
{
    for (size_t i = 0; i < response->warning_count; i++) {
        ria_world_log(world, RIA_LOG_WARNING, "%s", response->warnings[i]);
    }
}

/* Warns if cache_credential_process is set but XDG_RUNTIME_DIR cannot be used for the cache file.
 */
static void warn_of_cache(const struct ria_world *world, const struct ria_plan *plan)
{
    const struct ria_setting *setting = &plan->value[RIA_PLAN_PROCESS_CACHE];
    const char *fault = setting->value == NULL ? NULL : ria_cache_runtime_fault(world);
    if (fault != NULL) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s:%u: cache_credential_process: nothing is cached, because XDG_RUNTIME_DIR is %s",
            setting->path,
            setting->line,
            fault);
    }
}

/* Sends the request to rds-iam-fetch, and logs the result and its duration. */
static bool obtain_exchange(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const struct ria_buf *request,
    struct ria_buf *record,
    struct ria_error *err)
{
    const struct ria_world *world = query->world;
    int64_t begin = world->ticks(world->self);
    bool ok = world->fetch(world->self, request, query->deadline, record, err);
    ria_world_log(
        world,
        RIA_LOG_DEBUG,
        "%s: rds-iam-fetch was asked and %s after %lld ms%s%s",
        plan->label,
        ok                           ? "responded"
        : err->code == RIA_E_PENDING ? "runs in the background"
                                     : "failed",
        (long long)(world->ticks(world->self) - begin),
        ok ? "" : ": ",
        ok ? "" : err->text);
    return ok;
}

/* Runs rds-iam-fetch to carry out the plan, and stores its response in this process. */
static void obtain_fetch(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const struct ria_cache_place *place,
    struct ria_response *out)
{
    const struct ria_world *world = query->world;
    RIA_AUTO(buf) request = {.max = RIA_RECORD_MAX};
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    struct ria_error err = {0};
    bool has_directory = place->directory[0] != '\0';
    int64_t budget = ria_deadline_left(world, query->deadline);
    bool ok =
        ria_request_write(
            plan, budget, has_directory ? place->directory : NULL, place->name, &request, &err) &&
        obtain_exchange(query, plan, &request, &record, &err);
    if (ok && !ria_response_read(&record, out)) {
        ok = ria_fail(
            &err, RIA_E_SYSTEM, "rds-iam-fetch returned an invalid response, or memory ran out");
    }
    if (!ok) {
        out->outcome = RIA_FAILED;
        out->err = err;
        ria_slow_process_explain(query, plan, budget, &out->err);
        return;
    }
    log_warnings(world, out);
    if (out->outcome == RIA_FAILED) {
        ria_slow_process_explain(query, plan, budget, &out->err);
    } else {
        warn_of_cache(world, plan);
        /* Two responses have no expiry time of their own and are cached for a short time only: "no
         * metadata service", which may change, and keys that never expire. */
        bool expires = out->outcome == RIA_FOUND && out->credentials.expires != 0;
        int64_t until = world->ticks(world->self) + SHORT_COPY_MS;
        ria_memory_cache_put(world, place->name, expires ? INT64_MAX : until, out, &record);
    }
}

/* Runs rds-iam-fetch, except in two cases. First, a role needs an MFA code, the user has not
 * entered it, and rds-iam must not read the AWS CLI's cache, which may contain the role's
 * credentials (aws_cli_cache). Second, the last renewal failed a short time ago, and the cached
 * credentials have not expired. If no new credentials are obtained, uses the cached credentials if
 * they have not expired; the next renewal is then tried after a tenth of their remaining time.
 * Returns false if *out is the cached response, else true. */
static bool obtain_renew(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const struct ria_cache_place *place,
    struct ria_response *cached,
    struct ria_response *out)
{
    const struct ria_setting *serial = NULL;
    bool has_no_code = needs_mfa(plan, &serial);
    int64_t left = cached->outcome == RIA_FOUND ? obtain_seconds_left(query->world, cached) : 0;
    if (left > 0 && ria_memory_cache_is_put_off(query->world, place->name)) {
        move_response(out, cached);
        return false;
    }
    /* A role that the AWS CLI has already assumed and cached needs no code. */
    if (!has_no_code || plan->value[RIA_PLAN_CLI_CACHE].value != NULL) {
        obtain_fetch(query, plan, place, out);
    }
    if (has_no_code && out->outcome != RIA_FOUND &&
        (out->err.code == RIA_E_MFA || out->err.code == RIA_E_NONE)) {
        refuse_mfa(query, serial, out);
    }
    if (out->outcome == RIA_FOUND || left <= 0) {
        return true;
    }
    /* The agent gets RIA_E_PENDING while it fetches in the background; that is not a failure. */
    if (out->err.code != RIA_E_PENDING) {
        ria_memory_cache_put_off(query->world, place->name, ria_cache_renewal_pause(left));
    }
    ria_world_log(
        query->world,
        RIA_LOG_WARNING,
        "the credentials of %s could not be renewed and are used until they expire: %s",
        plan->label,
        out->err.text);
    move_response(out, cached);
    return false;
}

/* Rejects keys with which every signature is invalid. Without this check, the database would refuse
 * the login and give no reason. */
static bool check_keys(const struct ria_plan *plan, struct ria_error *err)
{
    const struct ria_setting *origin = ria_plan_source_setting(plan);
    const struct ria_credentials *keys = &plan->keys;
    if (keys->access_key_id.len == 0 || keys->secret_access_key.len == 0) {
        return true;
    }
    if (strchr("\"'", keys->access_key_id.data[0]) != NULL ||
        strchr("\"'", keys->secret_access_key.data[0]) != NULL ||
        (keys->session_token.len > 0 && strchr("\"'", keys->session_token.data[0]) != NULL)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            origin,
            "the keys of %s are in quotes, which count as part of them; remove the quotes",
            plan->label);
    }
    if (ria_credentials_lack_token(keys)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            origin,
            "the keys of %s are temporary (ASIA...), and AWS accepts these only with their session "
            "token; add %s",
            plan->label,
            origin->line > 0 ? "aws_session_token" : "AWS_SESSION_TOKEN");
    }
    return true;
}

static void set_renewal(const struct ria_plan *plan, struct ria_response *out)
{
    const struct ria_credentials *credentials = &out->credentials;
    out->renewal =
        credentials->expires == 0 ? 0 : credentials->expires - ria_cache_margin(plan, credentials);
}

/* Moves the plan's keys to *out. No AWS request is sent. */
static void use_static_keys(struct ria_plan *plan, struct ria_response *out)
{
    ria_credentials_move(&out->credentials, &plan->keys);
    ria_plan_describe(plan, out->credentials.source, sizeof(out->credentials.source));
    out->outcome = RIA_FOUND;
}

/* Gets the credentials of a plan that needs a request: from a cache, else from rds-iam-fetch. Not
 * inlined, because its stack frame has 10 KB, and a login with static keys must not use that much
 * of the host program's stack. */
__attribute__((noinline)) static enum ria_origin obtain_from_cache(
    const struct ria_query *query, struct ria_plan *plan, struct ria_response *out)
{
    if (query->mfa_code != NULL) {
        (void)ria_text_copy(plan->mfa_code, sizeof(plan->mfa_code), query->mfa_code);
    }
    struct ria_cache_place place;
    if (!ria_cache_find_place(query->world, plan, &place, &out->err)) {
        out->outcome = RIA_FAILED;
        return RIA_ORIGIN_PLAN;
    }
    RIA_AUTO(response) cached = RIA_RESPONSE_INIT;
    enum ria_origin origin = find_cached(query->world, plan, &place, &cached);
    log_cached(query->world, plan, &place, origin, &cached);
    if (is_fresh(query->world, plan, &cached)) {
        move_response(out, &cached);
        return origin;
    }
    return obtain_renew(query, plan, &place, &cached, out) ? RIA_ORIGIN_FETCHED : origin;
}

enum ria_origin ria_obtain(
    const struct ria_query *query, struct ria_plan *plan, struct ria_response *out)
{
    (void)ria_memory_cache_expire(query->world); /* every login wipes expired copies */
    if (!check_keys(plan, &out->err)) {
        out->outcome = RIA_FAILED;
        return RIA_ORIGIN_PLAN;
    }
    if (ria_plan_needs_fetch(plan)) {
        enum ria_origin origin = obtain_from_cache(query, plan, out);
        set_renewal(plan, out);
        return origin;
    }
    use_static_keys(plan, out);
    set_renewal(plan, out);
    return RIA_ORIGIN_PLAN;
}
