/* SPDX-License-Identifier: MIT
 *
 * Recognises passfiles that an earlier agent wrote. An agent that is killed leaves passfiles that
 * may contain tokens. The directory may contain other files, too, so a file counts as a leftover
 * only if it looks like a passfile of the agent: it is a regular file with one link, only the user
 * can access it, and its first line contains a token.
 */
#ifndef RIA_AGENT_LEFTOVERS_H
#define RIA_AGENT_LEFTOVERS_H

#include "agent/directory.h"

/* Removes the leftovers in the directory. The caller must have no passfile open. */
void ria_leftovers_remove(const struct ria_directory *directory);

/* Returns true if the file of that name may be replaced or removed without loss. Returns false with
 * err filled if it contains lines that the agent did not write and has no other link. */
bool ria_leftovers_may_replace(
    const struct ria_directory *directory, const char *name, struct ria_error *err) RIA_MUST_USE;

#endif
