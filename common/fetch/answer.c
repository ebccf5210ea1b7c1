/* SPDX-License-Identifier: MIT
 *
 * Asks AWS a question of `rds-iam check --aws`: sends one request to RDS or IAM with the keys of
 * the plan (aws/plan.h), and parses the answer. Rejects an answer about a name that was not
 * requested. If AWS gives no answer, the record for the caller contains the reason: for example,
 * that the identity is not allowed to send the request, or that no object has the requested
 * name. */
#include "provider/answer_record.h"

#include "aws/inquiry_form.h"
#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"
#include "fetch/query_call.h"

#include <string.h>

/* The struct that receives the answer, and the name that the answer must be about. */
struct inquiry_target {
    const struct ria_question_form *form;
    const char *name;
    struct ria_answer *answer;
};

/* Copies the texts of XML elements into the answer. The form names these elements. */
static bool read_elements(
    const struct ria_question_form *form, const struct ria_buf *body, struct ria_answer *answer)
{
    struct ria_buf found[RIA_ANSWER_TEXTS];
    struct ria_xml_wanted wanted[RIA_ANSWER_TEXTS];
    size_t count = 0;
    for (size_t i = 0; i < RIA_ANSWER_TEXTS; i++) {
        found[i] = (struct ria_buf){.max = RIA_ANSWER_SIZE - 1};
        if (form->element[i] != NULL) {
            wanted[count++] = (struct ria_xml_wanted){form->element[i], &found[i]};
        }
    }
    bool ok = ria_xml_read(body, wanted, count);
    for (size_t i = 0; i < RIA_ANSWER_TEXTS; i++) {
        const char *text = ria_buf_text(&found[i]);
        (void)ria_text_copy(answer->text[i], RIA_ANSWER_SIZE, text == NULL ? "" : text);
        ria_printable(answer->text[i]);
        ria_buf_release(&found[i]);
    }
    return ok;
}

/* Parses the response. If no object has the requested name, AWS sends an empty list: the response
 * is complete, but contains no name. */
static bool inquiry_parse(void *self, const struct ria_buf *body)
{
    const struct inquiry_target *target = self;
    struct ria_answer *answer = target->answer;
    if (!read_elements(target->form, body, answer) || answer->text[RIA_ANSWER_REQUEST][0] == '\0') {
        return false;
    }
    const char *name = answer->text[RIA_ANSWER_NAME];
    answer->kind = name[0] == '\0' ? RIA_ANSWER_NOT_FOUND : RIA_ANSWER_GIVEN;
    return name[0] == '\0' || ria_ascii_same(name, target->name);
}

static void add_parameters(
    struct ria_buf *form, const struct ria_question_form *question, const struct ria_plan *plan)
{
    const char *resource = plan->value[RIA_PLAN_QUESTION_RESOURCE].value;
    ria_form_begin(form, strchr(question->action, ':') + 1, question->version);
    ria_form_add(form, question->name_parameter, plan->value[RIA_PLAN_QUESTION_NAME].value);
    if (resource != NULL) {
        ria_form_add(form, "ActionNames.member.1", "rds-db:connect");
        ria_form_add(form, "ResourceArns.member.1", resource);
    }
}

static enum ria_answer_kind classify_fault(const struct ria_call_fault *fault)
{
    static const struct {
        const char *code;
        enum ria_answer_kind kind;
    } table[] = {
        {"AccessDenied", RIA_ANSWER_NOT_PERMITTED},
        {"AccessDeniedException", RIA_ANSWER_NOT_PERMITTED},
        {"UnauthorizedOperation", RIA_ANSWER_NOT_PERMITTED},
        {"DBInstanceNotFound", RIA_ANSWER_NOT_FOUND},
        {"DBClusterNotFoundFault", RIA_ANSWER_NOT_FOUND},
        {"DBClusterEndpointNotFoundFault", RIA_ANSWER_NOT_FOUND},
        {"DBProxyNotFoundFault", RIA_ANSWER_NOT_FOUND},
        {"NoSuchEntity", RIA_ANSWER_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(fault->code, table[i].code) == 0) {
            return table[i].kind;
        }
    }
    return RIA_ANSWER_NONE;
}

/* Writes the reason why AWS gave no answer. */
static bool inquiry_refused(
    const char *service, const struct ria_call_fault *fault, struct ria_error *err)
{
    char why[RIA_ERROR_TEXT_MAX];
    if (fault->status != 0) {
        return ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "%s rejects the request: %s%s%.300s",
            service,
            fault->code,
            fault->message[0] == '\0' ? "" : ", ",
            fault->message);
    }
    (void)ria_text_copy(why, sizeof(why), err->text);
    return ria_fail(
        err,
        RIA_E_CREDENTIALS,
        "%s %s: %.300s%s",
        service,
        ria_http_predicate(fault->result),
        why,
        ria_http_remedy(fault->result));
}

static bool inquiry_send(
    struct ria_fetch *fetch,
    const struct ria_question_form *question,
    struct ria_answer *answer,
    struct ria_error *err)
{
    RIA_AUTO(buf) form = {.max = 8192};
    struct ria_call_fault fault = {0};
    struct inquiry_target target = {
        question, fetch->plan->value[RIA_PLAN_QUESTION_NAME].value, answer};
    if (fetch->plan->value[RIA_PLAN_QUESTION_RESOURCE].value != NULL) {
        target.name = fetch->plan->value[RIA_PLAN_QUESTION_RESOURCE].value;
    }
    add_parameters(&form, question, fetch->plan);
    if (ria_buf_text(&form) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, question->action);
    }
    if (!ria_http_set_up()) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_LIBCURL);
    }
    const struct ria_call call = {
        .service = question->service,
        .body = &form,
        .signer = &fetch->plan->keys,
        .region = &fetch->plan->value[RIA_PLAN_QUESTION_REGION],
        .parse = inquiry_parse,
        .self = &target,
    };
    if (ria_call_send(fetch, &call, &fault, err)) {
        return answer->kind == RIA_ANSWER_GIVEN ||
               ria_fail(err, RIA_E_USAGE, "the list in the response is empty");
    }
    answer->kind = fault.status == 0 ? RIA_ANSWER_NONE : classify_fault(&fault);
    return inquiry_refused(ria_service_name(question->service), &fault, err);
}

void ria_fetch_response_answer(struct ria_fetch *fetch, struct ria_buf *record)
{
    struct ria_error err = {0};
    struct ria_answer answer = {0};
    enum ria_question question = RIA_QUESTIONS;
    if (ria_question_find(fetch->plan->value[RIA_PLAN_QUESTION].value, &question)) {
        (void)inquiry_send(fetch, ria_question_form(question), &answer, &err);
    } else {
        (void)ria_fail(
            &err, RIA_E_SYSTEM, "rds-iam-fetch does not know this question; reinstall rds-iam");
    }
    ria_answer_write(&answer, &err, record);
}
