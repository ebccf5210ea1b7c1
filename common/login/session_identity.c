/* SPDX-License-Identifier: MIT
 *
 * Sends one request to AWS with the credentials that would sign a token, through rds-iam-fetch:
 * asks STS whose credentials they are, or puts a question to RDS or IAM. Gets the credentials as
 * ria_session_for() does, and uses the user's settings for the service. Fails if a setting of the
 * service cannot be used. */
#include "rds_iam.h"

#include "aws/inquiry_form.h"
#include "login/resolve.h"
#include "provider/answer_record.h"
#include "provider/chain.h"
#include "provider/identity_record.h"
#include "provider/network.h"
#include "provider/profile_active.h"
#include "provider/request.h"

#include <string.h>

/* A login, and the request that is sent for it. */
struct question {
    struct ria_resolved resolved;
    struct ria_query query;
    struct ria_plan plan;
};

#define QUESTION_INIT                                                                              \
    {                                                                                              \
        .plan = RIA_PLAN_INIT                                                                      \
    }

static void release_question(struct question *question)
{
    ria_plan_release(&question->plan);
    ria_resolved_release(&question->resolved);
}

/* Gets the credentials of the login. These keys become the source of the plan, and the plan's roles
 * are removed. The plan's other settings stay. Then reads the settings of the service. */
static enum ria_outcome question_prepare(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    enum ria_service service,
    struct question *out,
    struct ria_error *err)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    struct ria_trail trail;
    if (world->is_privileged(world->self, NULL)) {
        (void)ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_PRIVILEGED);
        return RIA_FAILED;
    }
    if (login->host != NULL && (!ria_resolve_login(login, world, &out->resolved, err) ||
                                !ria_resolve_section(login, world, &out->resolved, err) ||
                                !ria_resolve_endpoint(login, world, &out->resolved, err))) {
        return RIA_FAILED;
    }
    out->query = ria_resolve_query(login, &out->resolved, deadline, world);
    enum ria_outcome outcome = ria_chain_plan(&out->query, &out->plan, &trail, err);
    if (outcome == RIA_FOUND && login->host == NULL) {
        ria_resolve_process_cache(&out->query, &out->resolved.config, &out->plan);
    }
    if (outcome == RIA_FOUND) {
        outcome = ria_chain_carry_out(&out->query, &out->plan, &response, &trail, err);
    }
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    /* If the keys come from the environment and no role is assumed, no profile has been read yet,
     * but the request needs the settings of the profile. */
    struct ria_profile active;
    if (out->plan.profiles == NULL &&
        ria_profile_open(&out->query, &out->plan, &active, err) == RIA_FAILED) {
        return RIA_FAILED;
    }
    out->plan.source = RIA_SOURCE_KEYS;
    out->plan.role_count = 0;
    ria_credentials_move(&out->plan.keys, &response.credentials);
    bool ok = ria_network_settings(&out->query, &out->plan, err) &&
              ria_network_check_service(&out->plan, service, err);
    return ok ? RIA_FOUND : RIA_FAILED;
}

/* Sends the plan to rds-iam-fetch and waits for the response. */
static bool question_send(
    const struct question *question, struct ria_buf *response, struct ria_error *err)
{
    const struct ria_world *world = question->query.world;
    struct ria_deadline deadline = question->query.deadline;
    RIA_AUTO(buf) request = {.max = RIA_RECORD_MAX};
    int64_t budget = ria_deadline_left(world, deadline);
    return ria_request_write(&question->plan, budget, NULL, NULL, &request, err) &&
           world->fetch(world->self, &request, deadline, response, err);
}

enum ria_outcome ria_session_identity(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_identity *out,
    struct ria_error *err)
{
    __attribute__((cleanup(release_question))) struct question question = QUESTION_INIT;
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    *out = (struct ria_identity){0};
    enum ria_outcome outcome =
        question_prepare(login, deadline, world, RIA_SERVICE_STS, &question, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    struct ria_plan *plan = &question.plan;
    bool ok = ria_network_region(
                  &question.query, plan, "STS", &plan->value[RIA_PLAN_IDENTITY_REGION], err) &&
              question_send(&question, &response, err) && ria_identity_read(&response, out, err);
    return ok ? RIA_FOUND : RIA_FAILED;
}

enum ria_outcome ria_session_ask(
    const struct ria_login *login,
    const struct ria_inquiry *inquiry,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_answer *out,
    struct ria_error *err)
{
    __attribute__((cleanup(release_question))) struct question question = QUESTION_INIT;
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    const struct ria_question_form *form = ria_question_form(inquiry->question);
    *out = (struct ria_answer){0};
    enum ria_outcome outcome =
        question_prepare(login, deadline, world, form->service, &question, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    struct ria_setting *value = question.plan.value;
    value[RIA_PLAN_QUESTION].value = form->action;
    value[RIA_PLAN_QUESTION_REGION] = question.query.region;
    value[RIA_PLAN_QUESTION_NAME].value = inquiry->name;
    value[RIA_PLAN_QUESTION_RESOURCE].value = inquiry->resource;
    bool ok = question_send(&question, &response, err) && ria_answer_read(&response, out, err);
    return ok ? RIA_FOUND : RIA_FAILED;
}
