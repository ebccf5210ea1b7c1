/* SPDX-License-Identifier: MIT
 *
 * Sets two values that rds-iam check takes over from the client. One is the user with which the
 * client logs in if the settings name no user. The other is the client's time limit for a
 * connection: the first limit that is set in the service, the option file or the environment, but
 * at most 30 s. */
#include "check/facts.h"

#include <stdlib.h>

void ria_check_use_default_user(struct ria_target *target, const struct ria_world *world)
{
    if (target->login.user == NULL &&
        ria_engine_default_user(target->engine, world, target->user)) {
        target->login.user = target->user;
    }
}

void ria_check_use_timeout(struct ria_target *target, const char *seconds, const char *from)
{
    if (target->timeout_from == NULL && seconds != NULL) {
        long limit = strtol(seconds, NULL, 10);
        limit = limit < 0 ? 0 : limit;
        target->timeout = limit < RIA_CHECK_TIMEOUT_MAX ? (unsigned)limit : RIA_CHECK_TIMEOUT_MAX;
        target->timeout_from = from;
    }
}
