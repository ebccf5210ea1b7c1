/* SPDX-License-Identifier: MIT
 *
 * Writes the error message for a credential_process that was too slow. With a time limit longer
 * than a login's, the message names only the limit. In a login, the message names the limit, and
 * the rds-iam command to run on a terminal, where the time limit is longer. If
 * cache_credential_process is not set, the message also names this setting, which caches the output
 * of the credential_process. If XDG_RUNTIME_DIR cannot be used, the message also names the reason.
 * If a client would cut the message, a shorter form is used; the command in it is never shortened.
 */
#include "provider/obtain.h"

#include "base/messages.h"
#include "base/text.h"
#include "config/config.h"
#include "provider/cache.h"

#include <string.h>

enum {
    COMMAND_MAX = 1280, /* four names of up to 255 characters, and their options */
    REMEDY_MAX = 2 * COMMAND_MAX,
    SECOND = 1000, /* milliseconds */
};

/* Writes the remedy: the setting to add and the command to run. */
static void write_remedy(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const char *command,
    bool is_short,
    char out[REMEDY_MAX])
{
    RIA_AUTO(buf) file = {.max = RIA_PATH_MAX};
    if (plan->value[RIA_PLAN_PROCESS_CACHE].value != NULL) {
        (void)ria_text_format(out, REMEDY_MAX, RIA_REMEDY_RUN_PROCESS, command);
    } else if (is_short) {
        (void)ria_text_format(out, REMEDY_MAX, RIA_REMEDY_CACHE_PROCESS_UNNAMED, command);
    } else {
        ria_config_add_name(query->world, &file);
        const char *name = ria_buf_text(&file);
        (void)ria_text_format(
            out, REMEDY_MAX, RIA_REMEDY_CACHE_PROCESS, name == NULL ? "its file" : name, command);
    }
}

/* Writes the whole message into *err, in the long or the short form. */
static void write_refusal(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const char *command,
    bool is_short,
    struct ria_error *err)
{
    char remedy[REMEDY_MAX];
    char whole[REMEDY_MAX];
    const char *fault = ria_cache_runtime_fault(query->world);
    write_remedy(query, plan, command, is_short, remedy);
    if (fault == NULL) {
        (void)ria_text_copy(whole, sizeof(whole), remedy);
    } else {
        (void)ria_text_format(whole, sizeof(whole), RIA_REMEDY_NO_RUNTIME, fault, remedy);
    }
    (void)ria_fail_at(
        err,
        RIA_E_SLOW_PROCESS,
        &plan->value[RIA_PLAN_PROCESS],
        RIA_REFUSAL_SLOW_PROCESS,
        RIA_LOGIN_BUDGET_MS / SECOND,
        whole);
}

/* Writes the message of a login, and shortens it if a client would cut it. */
static void explain_login(
    const struct ria_query *query, const struct ria_plan *plan, struct ria_error *err)
{
    RIA_AUTO(buf) buffer = {.max = COMMAND_MAX};
    if (query->add_command != NULL) {
        query->add_command(query->whose, &buffer);
    }
    const char *text = buffer.len == 0 ? NULL : ria_buf_text(&buffer);
    const char *command = text == NULL ? "rds-iam credentials" : text;
    write_refusal(query, plan, command, false, err);
    if (strlen(err->text) > RIA_ERROR_SHOWN_MAX) {
        write_refusal(query, plan, command, true, err);
    }
}

/* RIA_E_DEADLINE also means a slow command if the plan has no roles. With such a plan,
 * rds-iam-fetch waits only for the command, or for another process that runs the same command. */
void ria_slow_process_explain(
    const struct ria_query *query,
    const struct ria_plan *plan,
    int64_t budget,
    struct ria_error *err)
{
    bool is_reported = err->code == RIA_E_SLOW_PROCESS;
    bool is_alone = plan->source == RIA_SOURCE_PROCESS && plan->role_count == 0;
    if (!is_reported && (err->code != RIA_E_DEADLINE || !is_alone)) {
        return;
    }
    if (budget <= RIA_LOGIN_BUDGET_MS) {
        ria_world_log(query->world, RIA_LOG_INFO, "%s", err->text);
        explain_login(query, plan, err);
    } else if (!is_reported) {
        (void)ria_fail_at(
            err,
            RIA_E_SLOW_PROCESS,
            &plan->value[RIA_PLAN_PROCESS],
            RIA_REFUSAL_SLOW_PROCESS_INTERACTIVE,
            (int)((budget + SECOND / 2) / SECOND));
    }
}
