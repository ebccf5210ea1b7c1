/* SPDX-License-Identifier: MIT
 *
 * Sorts the services of all files by name and marks the first one of each name, so that ten
 * thousand services need no search through all of them. */
#include "service/index.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct ria_service_place *left = a;
    const struct ria_service_place *right = b;
    int order = strcmp(left->service->name, right->service->name);
    if (order == 0 && left->file != right->file) {
        order = left->file < right->file ? -1 : 1;
    } else if (order == 0) {
        order = left->service->line < right->service->line ? -1 : 1;
    }
    return order;
}

bool ria_service_index_make(
    const struct ria_service_file *files, size_t count, struct ria_service_index *out)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        most += files[i].count;
    }
    *out = (struct ria_service_index){.places = calloc(most + 1, sizeof(*out->places))};
    if (out->places == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < files[i].count; j++) {
            out->places[out->count++] =
                (struct ria_service_place){.file = &files[i], .service = &files[i].services[j]};
        }
    }
    qsort(out->places, out->count, sizeof(*out->places), compare);
    const struct ria_service_place *first = out->places;
    for (size_t i = 0; i < out->count; i++) {
        struct ria_service_place *here = &out->places[i];
        first = strcmp(first->service->name, here->service->name) == 0 ? first : here;
        here->first = first;
    }
    return true;
}

void ria_service_index_release(struct ria_service_index *index)
{
    free(index->places);
    *index = (struct ria_service_index){0};
}
