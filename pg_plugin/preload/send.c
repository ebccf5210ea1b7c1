/* SPDX-License-Identifier: MIT
 *
 * Decides the usual case here, so that a program that brings its own tokens needs no other object.
 */
#include "preload/send.h"

#include "preload/query.h"

#include <string.h>

bool ria_is_surely_fit(const struct ria_pq_target *target)
{
    bool is_tls = target->gssencmode == NULL || strcmp(target->gssencmode, "disable") == 0;
    return is_tls && !target->has_socket && target->service_path == NULL &&
           target->sslmode != NULL && strcmp(target->sslmode, "verify-full") == 0;
}

bool ria_may_send(const struct ria_pq_target *target)
{
    struct ria_pq_question question = {.wish = RIA_PQ_MAY_SEND, .target = target};
    if (ria_is_surely_fit(target)) {
        return true;
    }
    ria_pq_ask(&question);
    return question.ok;
}
