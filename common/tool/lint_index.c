/* SPDX-License-Identifier: MIT
 *
 * Two sorted lists: by name, and by passfile. */
#include "tool/lint_index.h"

#include <stdlib.h>
#include <string.h>

/* A service that has a passfile. One whose name another has before it is never read. */
struct reader {
    struct ria_lint_service *service;
    struct ria_entry entry;
};

static int compare_order(const void *a, const void *b)
{
    return a < b ? -1 : a > b;
}

/* -- names ----------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct ria_lint_service *left = *(struct ria_lint_service *const *)a;
    const struct ria_lint_service *right = *(struct ria_lint_service *const *)b;
    int order = strcmp(left->service->name, right->service->name);
    return order != 0 ? order : compare_order(left, right);
}

static bool find_first_ones(struct ria_lint_index *index)
{
    struct ria_lint_service **sorted = calloc(index->count + 1, sizeof(struct ria_lint_service *));
    if (sorted == NULL) {
        return false;
    }
    for (size_t i = 0; i < index->count; i++) {
        sorted[i] = &index->services[i];
    }
    qsort(sorted, index->count, sizeof(struct ria_lint_service *), compare_names);
    for (size_t i = 0; i < index->count; i++) {
        bool is_first =
            i == 0 || strcmp(sorted[i - 1]->service->name, sorted[i]->service->name) != 0;
        sorted[i]->first = is_first ? sorted[i] : sorted[i - 1]->first;
    }
    free(sorted);
    return true;
}

/* -- passfiles ------------------------------------------------------------------------------- */

static int compare_readers(const void *a, const void *b)
{
    const struct reader *left = a;
    const struct reader *right = b;
    int order = strcmp(left->entry.passfile, right->entry.passfile);
    return order != 0 ? order : compare_order(left->service, right->service);
}

/* A run reads one passfile. Its services are of two kinds, so who may not share with one of a kind
 * may with none of it. */
static void check_run(struct reader *run, size_t size)
{
    struct ria_error ignored;
    const struct reader *other = NULL;
    for (size_t i = 1; i < size; i++) {
        if (!ria_entry_may_share(&run[i].entry, &run->entry, &ignored)) {
            other = other == NULL ? &run[i] : other;
            run[i].service->spoiler = run->service;
        } else if (other != NULL) {
            run[i].service->spoiler = other->service;
        }
    }
}

static bool find_spoilers(struct ria_lint_index *index)
{
    size_t count = 0;
    struct reader *readers = calloc(index->count + 1, sizeof(*readers));
    if (readers == NULL) {
        return false;
    }
    for (size_t i = 0; i < index->count; i++) {
        struct ria_lint_service *service = &index->services[i];
        if (service->first == service &&
            ria_entry_take(service->file, service->service, &readers[count].entry)) {
            readers[count++].service = service;
        }
    }
    qsort(readers, count, sizeof(*readers), compare_readers);
    for (size_t first = 0, end = 0; first < count; first = end) {
        const char *passfile = readers[first].entry.passfile;
        while (end < count && strcmp(readers[end].entry.passfile, passfile) == 0) {
            end++;
        }
        check_run(&readers[first], end - first);
    }
    free(readers);
    return true;
}

/* -- the whole ------------------------------------------------------------------------------- */

bool ria_lint_index_make(
    const struct ria_service_file *files, size_t count, struct ria_lint_index *out)
{
    *out = (struct ria_lint_index){0};
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        most += files[i].count;
    }
    out->services = calloc(most + 1, sizeof(*out->services));
    if (out->services == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < files[i].count; j++) {
            out->services[out->count++] =
                (struct ria_lint_service){.file = &files[i], .service = &files[i].services[j]};
        }
    }
    return find_first_ones(out) && find_spoilers(out);
}

void ria_lint_index_release(struct ria_lint_index *index)
{
    free(index->services);
    *index = (struct ria_lint_index){0};
}
