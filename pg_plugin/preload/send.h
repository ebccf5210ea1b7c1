/* SPDX-License-Identifier: MIT
 *
 * Whether a token that was not made here may go to a target.
 */
#ifndef RIA_PRELOAD_SEND_H
#define RIA_PRELOAD_SEND_H

#include "preload/module.h"

#include <stdbool.h>

/* True if the target's own settings say so: a server that is verified by name, no Kerberos, no Unix
 * socket, no service file that would have to be judged. */
bool ria_is_surely_fit(const struct ria_pq_target *target);

/* Asks the other object where that does not decide. Without an answer it may not. */
bool ria_may_send(const struct ria_pq_target *target);

#endif
