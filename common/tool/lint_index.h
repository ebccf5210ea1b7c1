/* SPDX-License-Identifier: MIT
 *
 * Every service of the files that were read, in the order in which libpq reads them, and which
 * others it has to do with. There may be ten thousand, so nothing is compared with everything.
 */
#ifndef RIA_TOOL_LINT_INDEX_H
#define RIA_TOOL_LINT_INDEX_H

#include "service/entry.h"

struct ria_lint_service {
    const struct ria_service_file *file;
    const struct ria_service *service;
    const struct ria_lint_service *first;   /* of its name; most often itself */
    const struct ria_lint_service *spoiler; /* the first one in front of it with which it may not
                                               share its passfile, or NULL */
};

struct ria_lint_index {
    struct ria_lint_service *services;
    size_t count;
};

/* False without memory. Release it in any case. */
bool ria_lint_index_make(
    const struct ria_service_file *files, size_t count, struct ria_lint_index *out) RIA_MUST_USE;

void ria_lint_index_release(struct ria_lint_index *index);

#endif
