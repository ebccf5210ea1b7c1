/* SPDX-License-Identifier: MIT
 *
 * The credentials behind a token, and the explanation where they come from. */
#include "rds_iam.h"

#include "base/timestamp.h"
#include "provider/cache.h"
#include "provider/chain.h"
#include "resolve.h"

#include <stdio.h>
#include <string.h>

static void add_place(struct ria_buf *out, const struct ria_setting *setting)
{
    if (setting->path == NULL) {
        return;
    }
    if (setting->line > 0) {
        ria_buf_addf(out, " (%s:%u)", setting->path, setting->line);
    } else {
        ria_buf_addf(out, " (%s)", setting->path);
    }
}

/* What was chosen before anything was asked. */
static void explain_choice(
    const struct ria_login *login, const struct ria_ask *ask, struct ria_buf *out)
{
    if (ask->region != NULL) {
        ria_buf_addf(out, "database   %s, region %s\n", login->host, ask->region);
    }
    if (ask->profile.value != NULL) {
        ria_buf_addf(out, "profile    %s", ask->profile.value);
        add_place(out, &ask->profile);
        ria_buf_add_char(out, '\n');
    }
    if (ask->role != NULL) {
        ria_buf_addf(out, "role       %s", ask->role->value[RIA_ROLE_ARN].value);
        add_place(out, &ask->role->value[RIA_ROLE_ARN]);
        ria_buf_add_char(out, '\n');
    }
}

static void explain_trail(const struct ria_trail *trail, struct ria_buf *out)
{
    static const char *const words[] = {
        [RIA_FOUND] = "found", [RIA_ABSENT] = "absent", [RIA_FAILED] = "FAILED"};
    for (size_t i = 0; i < trail->count; i++) {
        const struct ria_trail_step *step = &trail->step[i];
        ria_buf_addf(out, "%-18s %-7s %s\n", step->source, words[step->outcome], step->text);
    }
}

static void explain_answer(
    const struct ria_world *world, const struct ria_answer *answer, struct ria_buf *out)
{
    const struct ria_credentials *credentials = &answer->credentials;
    char when[RIA_TIMESTAMP_SIZE] = "";
    ria_buf_addf(out, "access key %s\n", credentials->access_key_id.data);
    if (answer->identity[0] != '\0') {
        ria_buf_addf(out, "identity   %s\n", answer->identity);
    }
    if (credentials->expires != 0 && ria_timestamp_format(credentials->expires, when)) {
        ria_buf_addf(out, "expires    %s\n", when);
    } else {
        ria_buf_add_text(out, "expires    does not say\n");
    }
    int64_t offset = ria_cache_offset(world, &answer->offset);
    if (offset != 0) {
        ria_buf_addf(out, "clock      %lld s are added to this machine's\n", (long long)offset);
    }
}

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
    return login->host == NULL || (ria_resolve_check_login(login, world, err) &&
                                   ria_resolve_target(login, world, resolved, err) &&
                                   ria_resolve_endpoint(login, world, resolved, err));
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
    RIA_AUTO(answer) answer = RIA_ANSWER_INIT;
    struct ria_trail trail = {0};
    if (world->is_privileged(world->self)) {
        return ria_failed(
            err,
            RIA_E_SYSTEM,
            "this program runs with more rights than its caller; it gets no credentials");
    }
    if (!resolve(login, world, &resolved, err)) {
        return RIA_FAILED;
    }
    struct ria_ask ask = ria_resolve_ask(login, &resolved, deadline, world);
    ask.mfa_code = mfa_code;
    explain_choice(login, &ask, &session->explanation);
    enum ria_outcome outcome = ria_chain_find(&ask, &answer, &trail, err);
    explain_trail(&trail, &session->explanation);
    if (outcome == RIA_FOUND) {
        explain_answer(world, &answer, &session->explanation);
        take_answer(&answer, session);
    }
    return outcome;
}

bool ria_session_directory(const struct ria_world *world, size_t index, char *path, size_t size)
{
    char directory[RIA_PATH_MAX];
    return ria_cache_directory(world, index, directory) &&
           snprintf(path, size, "%s", directory) < (int)size;
}

void ria_session_release(struct ria_session *session)
{
    ria_buf_release(&session->access_key_id);
    ria_buf_release(&session->secret_access_key);
    ria_buf_release(&session->session_token);
    ria_buf_release(&session->explanation);
    session->expires = 0;
}
