/* SPDX-License-Identifier: MIT
 *
 * Asks the other half.
 */
#ifndef RIA_PRELOAD_ASK_H
#define RIA_PRELOAD_ASK_H

#include "preload/module.h"

/* Loads the module from its installed path if it is not there yet and has it answer, on a thread of
 * our own: the program may call from a stack of a few KB, and its signal handlers must not run on
 * ours. The thread has ended when this returns. Without module or thread the answer is no. Keeps
 * errno. */
void ria_pq_ask(struct ria_pq_question *question);

#endif
