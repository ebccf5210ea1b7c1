/* SPDX-License-Identifier: MIT
 *
 * The form of the request for each question of inquiry.h, and the elements of the response that
 * contain the parts of the answer. Sends no request.
 */
#ifndef RIA_AWS_INQUIRY_FORM_H
#define RIA_AWS_INQUIRY_FORM_H

#include "aws/inquiry.h"
#include "aws/service.h"
#include "base/error.h"

struct ria_question_form {
    const char *action; /* "rds:DescribeDBInstances" */
    enum ria_service service;
    const char *version;        /* of the API */
    const char *name_parameter; /* of the request */
    const char
        *element[RIA_ANSWER_TEXTS]; /* the element of the response that contains the part: the
                                       element's name, or the path from an ancestor to the element
                                       ("Role/Arn"); NULL if the response does not have this part */
};

/* Returns the form of a question. */
const struct ria_question_form *ria_question_form(enum ria_question question);

/* Finds a question by its action. Returns false if no question has this action. */
bool ria_question_find(const char *action, enum ria_question *out) RIA_MUST_USE;

#endif
