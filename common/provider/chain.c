/* SPDX-License-Identifier: MIT
 *
 * Implements the credential chain. Tries the sources of a table in order, and carries out the plan
 * (aws/plan.h) of the first source that is configured. Stops at a source that is configured but
 * broken. Fails if the deadline passes before a source is found. */
#include "provider/chain.h"

#include "base/messages.h"
#include "base/text.h"
#include "provider/chain_copy.h"
#include "provider/network.h"

#include <string.h>

enum {
    /* Bytes. Enough for most keys of ria_chain_copy_key(); a longer key is allocated. */
    KEY_ROOM = 1024
};

struct source {
    const char *name;
    ria_provide *provide;
};

static const struct source sources[] = {
    {"environment", ria_provider_environment},
    {"profile", ria_provider_profile_role},
    {"web identity", ria_provider_web_identity},
    {"profile", ria_provider_profile},
    {"container", ria_provider_container},
    {"instance metadata", ria_provider_instance_metadata},
};

_Static_assert(
    sizeof(sources) / sizeof(sources[0]) <= RIA_TRAIL_MAX, "the trail holds every source");

static void add_step(
    struct ria_trail *trail, const char *source, enum ria_outcome outcome, const char *text)
{
    struct ria_trail_step *step = &trail->step[trail->count++];
    step->source = source;
    step->outcome = outcome;
    (void)ria_text_copy(step->text, sizeof(step->text), text);
}

/* Fills *err with RIA_REFUSAL_NO_CREDENTIALS and the list of sources, such as "no AWS credentials:
 * ... environment: AWS_ACCESS_KEY_ID is not set; profile: ...; ...". */
static enum ria_outcome absent_everywhere(const struct ria_trail *trail, struct ria_error *err)
{
    /* ria_absent() truncates a list that is longer than an error's text, and marks the cut. */
    RIA_AUTO(buf) list = {.max = sizeof(trail->step) + RIA_ERROR_TEXT_MAX};
    for (size_t i = 0; i < trail->count; i++) {
        ria_buf_addf(&list, "; %s: %s", trail->step[i].source, trail->step[i].text);
    }
    const char *text = ria_buf_text(&list);
    return ria_absent(err, RIA_REFUSAL_NO_CREDENTIALS, text == NULL ? "" : text + 1);
}

/* Gets the plan of one source, and appends the role in rds-iam's configuration, if a role is set
 * there. */
static enum ria_outcome plan_from_source(
    const struct ria_query *query,
    const struct source *source,
    struct ria_plan *plan,
    struct ria_error *err)
{
    enum ria_outcome outcome = source->provide(query, plan, err);
    plan->value[RIA_PLAN_CLI_CACHE] = query->cli_cache;
    if (plan->source == RIA_SOURCE_PROCESS) {
        plan->value[RIA_PLAN_PROCESS_CACHE] = query->process_cache;
    }
    if (outcome == RIA_FOUND && query->role != NULL &&
        !ria_network_add_role(query, plan, query->role, err)) {
        return RIA_FAILED;
    }
    return outcome;
}

/* Empties the plan for the next source. Keeps the profiles, because they are read only once, and
 * because the settings of the active profile apply to every source. */
static void empty_plan(struct ria_plan *plan)
{
    struct ria_profiles *profiles = plan->profiles;
    struct ria_setting active = plan->value[RIA_PLAN_PROFILE];
    plan->profiles = NULL;
    ria_plan_release(plan);
    plan->profiles = profiles;
    plan->value[RIA_PLAN_PROFILE] = active;
}

/* The table has two entries for "profile". If one of them is ABSENT without a message, it adds no
 * step to the trail, because the other entry reports the profile. */
static bool is_silent(enum ria_outcome outcome, const struct ria_error *err)
{
    return outcome == RIA_ABSENT && err->text[0] == '\0';
}

enum ria_outcome ria_chain_plan(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_trail *trail,
    struct ria_error *err)
{
    trail->count = 0;
    trail->origin = RIA_ORIGIN_PLAN;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (ria_deadline_left(query->world, query->deadline) == 0) {
            return ria_failed(
                err,
                RIA_E_DEADLINE,
                "the time for a login ran out before the credential source \"%s\" was tried",
                sources[i].name);
        }
        enum ria_outcome outcome = plan_from_source(query, &sources[i], plan, err);
        if (!is_silent(outcome, err)) {
            add_step(trail, sources[i].name, outcome, err->text);
        }
        if (outcome == RIA_FOUND) {
            struct ria_trail_step *step = &trail->step[trail->count - 1];
            ria_plan_describe(plan, step->text, sizeof(step->text));
        }
        if (outcome != RIA_ABSENT) {
            return outcome;
        }
        empty_plan(plan);
    }
    return absent_everywhere(trail, err);
}

/* ria_obtain() sets the outcome ABSENT only for instance metadata, which is the last source, and
 * only in three cases: no service accepts a connection at the default address; the service refuses
 * a session token (status 403); or the instance has no role. If the plan assumes a role, the
 * outcome is FAILED in these cases. For any other source, the outcome is FOUND or FAILED. */
enum ria_outcome ria_chain_carry_out(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_response *out,
    struct ria_trail *trail,
    struct ria_error *err)
{
    trail->origin = ria_obtain(query, plan, out);
    if (out->outcome == RIA_FOUND) {
        return RIA_FOUND;
    }
    *err = out->err;
    const char *source = trail->step[--trail->count].source;
    add_step(trail, source, out->outcome, err->text);
    return out->outcome == RIA_ABSENT ? absent_everywhere(trail, err) : RIA_FAILED;
}

/* Makes the plan and carries it out. Stores the result for the next equal query, if
 * ria_chain_copy_put() allows it. `key` is empty if nothing may be stored for the query. Also wipes
 * old copies of other queries, because ria_chain_copy_get(), which wipes them too, may not have
 * been called. */
static enum ria_outcome find_and_cache(
    const struct ria_query *query,
    const struct ria_buf *key,
    struct ria_response *out,
    struct ria_trail *trail,
    struct ria_error *err)
{
    struct ria_credentials_room room;
    RIA_AUTO(plan) plan;
    ria_plan_init(&plan, &room);
    enum ria_outcome outcome = ria_chain_plan(query, &plan, trail, err);
    if (outcome == RIA_FOUND) {
        outcome = ria_chain_carry_out(query, &plan, out, trail, err);
    }
    if (outcome == RIA_FOUND) {
        ria_chain_copy_put(query, key, &plan, out);
    }
    ria_chain_copy_expire(query->world);
    return outcome;
}

enum ria_outcome ria_chain_find(
    const struct ria_query *query,
    struct ria_response *out,
    struct ria_trail *trail,
    struct ria_error *err)
{
    char room[KEY_ROOM];
    RIA_AUTO(buf) key = RIA_BUF_IN(room, RIA_RECORD_MAX);
    trail->count = 0;
    trail->origin = RIA_ORIGIN_MEMORY;
    bool has_copy = !ria_environment_decides(query) && ria_chain_copy_key(query, &key) &&
                    ria_deadline_left(query->world, query->deadline) > 0 &&
                    ria_chain_copy_get(query, &key, out);
    return has_copy ? RIA_FOUND : find_and_cache(query, &key, out, trail, err);
}
