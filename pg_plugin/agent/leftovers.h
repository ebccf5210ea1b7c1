/* SPDX-License-Identifier: MIT
 *
 * Recognizes leftovers, which are passfiles that an earlier agent has left in the directory: an
 * agent that is killed removes no passfile, and the passfiles may contain tokens. The directory may
 * also contain other files. So a file counts as a leftover only if three conditions hold: it is a
 * regular file with one link, only the user can access it, and its first line contains a token.
 */
#ifndef RIA_AGENT_LEFTOVERS_H
#define RIA_AGENT_LEFTOVERS_H

#include "agent/directory.h"

/* Removes the leftovers in the directory. The caller must have no passfile open. */
void ria_leftovers_remove(const struct ria_directory *directory);

/* Returns true if the file of that name can be replaced or removed without loss. Returns false with
 * err filled if the file may contain text that no agent has written: it is a regular file with one
 * link, it is not empty, and its first line contains no token or cannot be read. */
bool ria_leftovers_may_replace(
    const struct ria_directory *directory, const char *name, struct ria_error *err) RIA_MUST_USE;

#endif
