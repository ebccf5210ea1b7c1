/* SPDX-License-Identifier: MIT
 *
 * What the scenarios of both MySQL plugins share: the host, a home directory with credentials, the
 * modes, and the rule that decides whether a login has succeeded. A plugin is a fault object of its
 * own, which the test loads.
 */
#ifndef RIA_FAULTS_LOGIN_WALK_H
#define RIA_FAULTS_LOGIN_WALK_H

#include "walk.h"

#define LOGIN_HOST "mydb.abc123def456.us-east-1.rds.amazonaws.com"

/* Writes the home directory, sets the environment, and calls walk_set_up(). Call it first in
 * main(). */
void login_walk_set_up(void);

/* Walks through all modes. */
void login_walk(const struct walk_scenario *scenario);

/* The result of a login, for the walk: the message, or what was sent. If a refusal is expected, a
 * refusal with a message counts as the success, and must have sent nothing. */
void login_walk_result(
    struct walk_result *out,
    bool has_sent,
    bool expects_refusal,
    const char *sent,
    const char *error);

#endif
