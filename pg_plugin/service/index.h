/* SPDX-License-Identifier: MIT
 *
 * Every service of all files by its name. Of the services of one name libpq reads the first one
 * only, over both files. Whatever serves or makes tokens follows that.
 */
#ifndef RIA_SERVICE_INDEX_H
#define RIA_SERVICE_INDEX_H

#include "service/service_file.h"

/* A service and its file, and where libpq finds its name: `first` is the place itself, or another.
 */
struct ria_service_place {
    const struct ria_service_file *file;
    const struct ria_service *service;
    const struct ria_service_place *first;
};

/* By name, and those of one name in libpq's order. */
struct ria_service_index {
    struct ria_service_place *places;
    size_t count;
};

/* Sorts the services of `count` files, which stand in an array in the order in which libpq reads
 * them, and are borrowed. False without memory. Release it, or use RIA_AUTO(service_index), in any
 * case. */
bool ria_service_index_make(
    const struct ria_service_file *files, size_t count, struct ria_service_index *out) RIA_MUST_USE;

void ria_service_index_release(struct ria_service_index *index);

#endif
