/* SPDX-License-Identifier: MIT
 *
 * The road of a plan. */
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

static int64_t obtain_seconds_left(
    const struct ria_world *world, const struct ria_response *response)
{
    int64_t now = world->now(world->self) + ria_cache_offset(world, &response->offset);
    return response->credentials.expires == 0 ? INT64_MAX : response->credentials.expires - now;
}

static bool is_fresh(const struct ria_world *world, const struct ria_response *response)
{
    return response->outcome == RIA_ABSENT ||
           (response->outcome == RIA_FOUND && ria_cache_is_fresh(world, response));
}

static void move(struct ria_response *to, struct ria_response *from)
{
    ria_response_release(to);
    *to = *from;
    *from = (struct ria_response)RIA_RESPONSE_INIT;
}

/* This process's copy, or where that is none to use the file's. What is found is FOUND or ABSENT.
 */
static enum ria_origin find_kept(
    const struct ria_world *world, const struct ria_cache_place *place, struct ria_response *out)
{
    if (ria_memory_cache_get(world, place->name, out) && is_fresh(world, out)) {
        return RIA_ORIGIN_MEMORY;
    }
    RIA_AUTO(response) filed = RIA_RESPONSE_INIT;
    if (ria_cache_read(world, place, &filed) &&
        (out->outcome != RIA_FOUND || filed.credentials.expires > out->credentials.expires)) {
        move(out, &filed);
        return RIA_ORIGIN_FILE;
    }
    return RIA_ORIGIN_MEMORY;
}

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

/* The user has asked for a file that cannot be. */
static void warn_of_cache(const struct ria_world *world, const struct ria_plan *plan)
{
    const struct ria_setting *wanted = &plan->value[RIA_PLAN_PROCESS_CACHE];
    const char *fault = wanted->value == NULL ? NULL : ria_cache_runtime_fault(world);
    if (fault != NULL) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s:%u: cache_credential_process: nothing is cached, because XDG_RUNTIME_DIR is %s",
            wanted->path,
            wanted->line,
            fault);
    }
}

/* Has the plan carried out. */
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
        world->fetch(world->self, &request, query->deadline, &record, &err);
    if (ok && !ria_response_read(&record, out)) {
        ok = ria_fail(
            &err,
            RIA_E_SYSTEM,
            "rds-iam-fetch gave an answer that cannot be read, or memory ran out");
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
        /* "No instance" may change, and keys without an end would serve for ever. */
        bool ends = out->outcome == RIA_FOUND && out->credentials.expires != 0;
        int64_t until = world->ticks(world->self) + SHORT_COPY_MS;
        ria_memory_cache_put(world, place->name, ends ? INT64_MAX : until, out, &record);
    }
}

/* Fetches, and falls back to what is still alive. True if it was fetched. */
static bool obtain_renew(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const struct ria_cache_place *place,
    struct ria_response *kept,
    struct ria_response *out)
{
    const struct ria_setting *serial = NULL;
    bool has_no_code = needs_mfa(plan, &serial);
    /* What the AWS CLI has kept of such a role needs none. */
    if (!has_no_code || plan->value[RIA_PLAN_CLI_CACHE].value != NULL) {
        obtain_fetch(query, plan, place, out);
    }
    if (has_no_code && out->outcome != RIA_FOUND &&
        (out->err.code == RIA_E_MFA || out->err.code == RIA_E_NONE)) {
        refuse_mfa(query, serial, out);
    }
    if (out->outcome == RIA_FOUND || kept->outcome != RIA_FOUND ||
        obtain_seconds_left(query->world, kept) <= 0) {
        return true;
    }
    ria_world_log(
        query->world,
        RIA_LOG_WARNING,
        "the credentials of %s could not be renewed and are used until they end: %s",
        plan->label,
        out->err.text);
    move(out, kept);
    return false;
}

/* Keys that AWS refuses whatever is signed with them, and the database then without a reason. */
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
            "the keys of %s stand in quotes, which count as part of them; take the quotes away",
            plan->label);
    }
    if (ria_credentials_lack_token(keys)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            origin,
            "the keys of %s are temporary ones (ASIA...), which AWS takes only with their session "
            "token; add %s",
            plan->label,
            origin->line > 0 ? "aws_session_token" : "AWS_SESSION_TOKEN");
    }
    return true;
}

static void take_keys(struct ria_plan *plan, struct ria_response *out)
{
    ria_credentials_move(&out->credentials, &plan->keys);
    ria_plan_describe(plan, out->credentials.source, sizeof(out->credentials.source));
    out->outcome = RIA_FOUND;
}

/* Not inlined: its 10 KB would be taken from the host's stack also where the plan has the keys. */
__attribute__((noinline)) static enum ria_origin obtain_elsewhere(
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
    RIA_AUTO(response) kept = RIA_RESPONSE_INIT;
    enum ria_origin origin = find_kept(query->world, &place, &kept);
    if (is_fresh(query->world, &kept)) {
        move(out, &kept);
        return origin;
    }
    return obtain_renew(query, plan, &place, &kept, out) ? RIA_ORIGIN_FETCHED : origin;
}

enum ria_origin ria_obtain(
    const struct ria_query *query, struct ria_plan *plan, struct ria_response *out)
{
    (void)ria_memory_cache_expire(query->world); /* also where this plan needs no copy */
    if (!check_keys(plan, &out->err)) {
        out->outcome = RIA_FAILED;
        return RIA_ORIGIN_PLAN;
    }
    if (ria_plan_needs_fetch(plan)) {
        return obtain_elsewhere(query, plan, out);
    }
    take_keys(plan, out);
    return RIA_ORIGIN_PLAN;
}
