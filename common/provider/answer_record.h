/* SPDX-License-Identifier: MIT
 *
 * The answer of AWS to a question of `rds-iam check --aws`. A request for an answer is a plan
 * (provider/request.h) that contains the keys, no role, and the values RIA_PLAN_QUESTION,
 * RIA_PLAN_QUESTION_REGION and RIA_PLAN_QUESTION_NAME. The plan of a RIA_QUESTION_POLICY also
 * contains RIA_PLAN_QUESTION_RESOURCE. This header declares the response, as a record
 * (codec/record.h).
 */
#ifndef RIA_PROVIDER_ANSWER_RECORD_H
#define RIA_PROVIDER_ANSWER_RECORD_H

#include "aws/inquiry.h"
#include "base/buf.h"
#include "base/error.h"

/* Replaces the contents of *out with the record: *answer, and *err if AWS gave no answer. If memory
 * runs out, sets out->failed. */
void ria_answer_write(
    const struct ria_answer *answer, const struct ria_error *err, struct ria_buf *out);

/* Reads a response into *out. Returns true if AWS gave an answer. Otherwise returns false with err
 * filled and out->kind set. If the bytes are not one complete response, out->kind is
 * RIA_ANSWER_NONE. */
bool ria_answer_read(const struct ria_buf *bytes, struct ria_answer *out, struct ria_error *err)
    RIA_MUST_USE;

#endif
