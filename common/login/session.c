/* SPDX-License-Identifier: MIT
 *
 * Gets the AWS credentials with which a token is signed, for rds-iam credentials and rds-iam check,
 * and appends the explanation of --explain. If the login has a host, resolves the login as
 * ria_token_for() does, but does not check the channel (the connection to the server). If the login
 * has no host, uses AWS's settings, and reads only cache_credential_process from rds-iam's
 * configuration. Refuses to run in a privileged program (setuid, file capabilities).
 */
#include "rds_iam.h"

#include "base/text.h"
#include "login/explain.h"
#include "provider/cache.h"
#include "provider/chain_copy.h"
#include "provider/memory_cache.h"

/* Moves the keys from the response to the session, so that only one copy of them exists. */
static void session_move_response(struct ria_response *response, struct ria_session *session)
{
    ria_buf_move(&session->access_key_id, &response->credentials.access_key_id);
    ria_buf_move(&session->secret_access_key, &response->credentials.secret_access_key);
    ria_buf_move(&session->session_token, &response->credentials.session_token);
    session->expires = response->credentials.expires;
}

/* Resolves the login if it has a host; else *resolved stays zeroed. The channel is not checked,
 * because no token is sent. */
static bool resolve(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *resolved,
    struct ria_error *err)
{
    return login->host == NULL || (ria_resolve_login(login, world, resolved, err) &&
                                   ria_resolve_section(login, world, resolved, err) &&
                                   ria_resolve_endpoint(login, world, resolved, err));
}

/* Copies the serial of the first MFA device in the plan. With the serial, the program can prompt
 * for a code of that device. */
static void find_mfa_serial(const struct ria_plan *plan, struct ria_session *session)
{
    for (size_t i = 0; i < plan->role_count && session->mfa_serial.len == 0; i++) {
        const char *serial = plan->roles[i].value[RIA_ROLE_MFA_SERIAL].value;
        ria_buf_add_text(&session->mfa_serial, serial == NULL ? "" : serial);
    }
}

/* Gets the credentials and appends the explanation. Loads *config if the login has no host and its
 * credentials come from a credential_process. */
static enum ria_outcome session_find(
    const struct ria_query *query,
    bool has_login,
    struct ria_config *config,
    struct ria_session *session,
    struct ria_error *err)
{
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    struct ria_trail trail;
    enum ria_outcome outcome = ria_chain_plan(query, &plan, &trail, err);
    if (outcome == RIA_FOUND && !has_login) {
        ria_resolve_process_cache(query, config, &plan);
    }
    if (outcome == RIA_FOUND) {
        outcome = ria_chain_carry_out(query, &plan, &response, &trail, err);
    }
    ria_explain_trail(&trail, &session->explanation);
    if (outcome != RIA_ABSENT) {
        ria_explain_plan(query->world, &plan, &session->explanation);
    }
    if (outcome == RIA_FOUND) {
        ria_explain_response(query->world, &plan, trail.origin, &response, &session->explanation);
        session_move_response(&response, session);
    } else {
        find_mfa_serial(&plan, session);
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
    if (world->is_privileged(world->self, NULL)) {
        return ria_failed(err, RIA_E_SYSTEM, RIA_REFUSAL_PRIVILEGED);
    }
    if (!resolve(login, world, &resolved, err)) {
        return RIA_FAILED;
    }
    struct ria_query query = ria_resolve_query(login, &resolved, deadline, world);
    query.mfa_code = mfa_code;
    ria_explain_login(login, &query, &resolved, &session->explanation);
    return session_find(&query, login->host != NULL, &resolved.config, session, err);
}

bool ria_session_directory(const struct ria_world *world, size_t index, char *path, size_t size)
{
    char directory[RIA_PATH_MAX];
    return ria_cache_directory(world, index, directory) && ria_text_copy(path, size, directory);
}

void ria_session_forget(void)
{
    ria_memory_cache_clear();
    ria_chain_copy_clear();
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
