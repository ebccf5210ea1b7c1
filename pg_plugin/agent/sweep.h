/* SPDX-License-Identifier: MIT
 *
 * What an agent that was killed has left: passfiles with tokens in them. The directory may hold
 * other things, so a file counts only if it looks like one of ours: regular, with one name, the
 * user's alone, and beginning with a line with a token.
 */
#ifndef RIA_AGENT_SWEEP_H
#define RIA_AGENT_SWEEP_H

#include "agent/directory.h"

/* Removes them. For an agent that has no file open yet. */
void ria_sweep(const struct ria_directory *directory);

#endif
