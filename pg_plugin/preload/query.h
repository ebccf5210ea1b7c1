/* SPDX-License-Identifier: MIT
 *
 * Asks the other half.
 */
#ifndef RIA_PRELOAD_QUERY_H
#define RIA_PRELOAD_QUERY_H

#include "preload/module.h"

/* Loads the module from its installed path if it is not there yet and has it answer: on the stack
 * in use if that has room, and else on a thread of our own, which has ended when this returns.
 * Cancellation and signals with a handler wait meanwhile (hold.h). Without module or thread the
 * answer is no, and if a token was asked for the reason is said. Keeps errno. */
void ria_pq_ask(struct ria_pq_question *question);

#endif
