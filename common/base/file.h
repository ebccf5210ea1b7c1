/* SPDX-License-Identifier: MIT
 *
 * Facts about files, for the rule of base/trust.h: asked of the kernel here, and judged there. Used
 * by the process's own world, and by programs that open directories themselves.
 */
#ifndef RIA_FILE_H
#define RIA_FILE_H

#include "base/world.h"

/* Fills *out for an open descriptor. False with errno set. */
bool ria_file_facts(int fd, struct ria_file *out) RIA_MUST_USE;

/* The same for a path, whose last component is followed if it is a link: for directories that
 * cannot be opened. False with errno set. */
bool ria_file_facts_at(const char *path, struct ria_file *out) RIA_MUST_USE;

#endif
