/* SPDX-License-Identifier: MIT
 *
 * The credentials behind a token, and the explanation where they come from. */
#include "rds_iam.h"

#include "base/text.h"
#include "login/explain.h"
#include "provider/cache.h"
#include "provider/memory.h"
#include "provider/profile_active.h"

static void take_answer(struct ria_answer *answer, struct ria_session *session)
{
    ria_buf_move(&session->access_key_id, &answer->credentials.access_key_id);
    ria_buf_move(&session->secret_access_key, &answer->credentials.secret_access_key);
    ria_buf_move(&session->session_token, &answer->credentials.session_token);
    session->expires = answer->credentials.expires;
}

static bool resolve(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *resolved,
    struct ria_error *err)
{
    return login->host == NULL || (ria_resolve_login(login, world, resolved, err) &&
                                   ria_resolve_target(login, world, resolved, err) &&
                                   ria_resolve_endpoint(login, world, resolved, err));
}

/* Without a login the configuration decides about one thing, whether the output of a
 * credential_process is cached: by the sections of the same profile. A file that cannot be used is
 * no reason to give no credentials. */
static void take_process_cache(
    const struct ria_ask *ask, struct ria_config *config, struct ria_plan *plan)
{
    struct ria_error err;
    struct ria_ask unnamed = *ask;
    unnamed.profile = (struct ria_setting){0};
    if (!ria_config_load(ask->world, config, &err)) {
        ria_world_log(ask->world, RIA_LOG_WARNING, "%s", err.text);
        return;
    }
    (void)ria_config_caches_process(
        config,
        ria_profile_choice(ask).value,
        ria_profile_choice(&unnamed).value,
        &plan->value[RIA_PLAN_PROCESS_CACHE]);
}

/* A person can be asked for the code of the first device. */
static void take_mfa_serial(const struct ria_plan *plan, struct ria_session *session)
{
    for (size_t i = 0; i < plan->role_count && session->mfa_serial.len == 0; i++) {
        const char *serial = plan->roles[i].value[RIA_ROLE_MFA_SERIAL].value;
        ria_buf_add_text(&session->mfa_serial, serial == NULL ? "" : serial);
    }
}

/* *config is filled where the login has none yet. */
static enum ria_outcome find(
    const struct ria_ask *ask,
    bool has_login,
    struct ria_config *config,
    struct ria_session *session,
    struct ria_error *err)
{
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(answer) answer = RIA_ANSWER_INIT;
    struct ria_trail trail;
    enum ria_outcome outcome = ria_chain_plan(ask, &plan, &trail, err);
    if (outcome == RIA_FOUND && plan.source == RIA_SOURCE_PROCESS && !has_login) {
        take_process_cache(ask, config, &plan);
    }
    if (outcome == RIA_FOUND) {
        outcome = ria_chain_carry_out(ask, &plan, &answer, &trail, err);
    }
    ria_explain_trail(&trail, &session->explanation);
    if (outcome != RIA_ABSENT) {
        ria_explain_plan(ask->world, &plan, &session->explanation);
    }
    if (outcome == RIA_FOUND) {
        ria_explain_answer(ask->world, &plan, trail.road, &answer, &session->explanation);
        take_answer(&answer, session);
    } else {
        take_mfa_serial(&plan, session);
    }
    return outcome;
}

enum ria_outcome ria_session_for(
    const struct ria_login *login,
    const char *mfa_code,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_session *session,
    struct ria_error *err)
{
    RIA_AUTO(resolved) resolved = {0};
    if (world->is_privileged(world->self)) {
        return ria_failed(err, RIA_E_SYSTEM, RIA_REFUSAL_PRIVILEGED);
    }
    if (!resolve(login, world, &resolved, err)) {
        return RIA_FAILED;
    }
    struct ria_ask ask = ria_resolve_ask(login, &resolved, deadline, world);
    ask.mfa_code = mfa_code;
    ria_explain_login(login, &ask, &resolved, &session->explanation);
    return find(&ask, login->host != NULL, &resolved.config, session, err);
}

bool ria_session_directory(const struct ria_world *world, size_t index, char *path, size_t size)
{
    char directory[RIA_PATH_MAX];
    return ria_cache_directory(world, index, directory) && ria_text_copy(path, size, directory);
}

void ria_session_forget(void)
{
    ria_memory_clear();
}

void ria_session_release(struct ria_session *session)
{
    ria_buf_release(&session->access_key_id);
    ria_buf_release(&session->secret_access_key);
    ria_buf_release(&session->session_token);
    ria_buf_release(&session->explanation);
    ria_buf_release(&session->mfa_serial);
    session->expires = 0;
}
