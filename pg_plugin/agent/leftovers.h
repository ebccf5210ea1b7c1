/* SPDX-License-Identifier: MIT
 *
 * What is the agent's in its directory, and what is not. An agent that was killed leaves passfiles
 * with tokens in them. The directory may hold other things, so a file counts only if it looks like
 * one of ours: regular, with one name, the user's alone, and beginning with a line with a token.
 */
#ifndef RIA_AGENT_LEFTOVERS_H
#define RIA_AGENT_LEFTOVERS_H

#include "agent/directory.h"

/* Removes them. For an agent that has no file open yet. */
void ria_leftovers_remove(const struct ria_directory *directory);

/* Whether nothing is lost with what has this name, so that it may be replaced or removed. False,
 * with err filled, for a file with lines that are not the agent's and that has no other name. */
bool ria_leftovers_may_replace(
    const struct ria_directory *directory, const char *name, struct ria_error *err) RIA_MUST_USE;

#endif
