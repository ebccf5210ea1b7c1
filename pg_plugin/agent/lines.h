/* SPDX-License-Identifier: MIT
 *
 * A small set of lines, kept as text in one buffer: what was said, which files were written. Lines
 * hold no newline. Searching is linear.
 */
#ifndef RIA_AGENT_LINES_H
#define RIA_AGENT_LINES_H

#include "rds_iam.h"

bool ria_lines_has(const struct ria_buf *lines, const char *line);

/* Adds a line that is not there yet. One that finds no room is left out. */
void ria_lines_add(struct ria_buf *lines, const char *line);

#endif
