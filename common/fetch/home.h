/* SPDX-License-Identifier: MIT
 *
 * Answers the question for the home directory of the passwd entry (codec/passwd.h).
 */
#ifndef RIA_FETCH_HOME_H
#define RIA_FETCH_HOME_H

#include "base/world.h"

/* The home() of rds-iam-fetch's own world: asks NSS, and waits for as long as it takes; the caller
 * of rds-iam-fetch kills it at the deadline. */
const char *ria_fetch_home(void *self);

/* False, with *record unchanged, for bytes that are another question. */
bool ria_fetch_answer_home(const struct ria_buf *bytes, struct ria_buf *record);

#endif
