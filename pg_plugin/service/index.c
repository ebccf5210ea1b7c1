/* SPDX-License-Identifier: MIT
 *
 * Builds the index of all services. Sorts the services once by name and once by passfile, and then
 * compares only neighbors. So the time does not grow with the square of the number of services.
 * (There may be ten thousand services.) Checks each entry once. */
#include "service/index.h"

#include <stdlib.h>
#include <string.h>

/* The array is in libpq's order, so a lower address means that libpq reads the service earlier. */
static int compare_order(
    const struct ria_indexed_service *left, const struct ria_indexed_service *right)
{
    return (left > right) - (left < right);
}

/* -- names ---------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct ria_indexed_service *left = *(struct ria_indexed_service *const *)a;
    const struct ria_indexed_service *right = *(struct ria_indexed_service *const *)b;
    int order = strcmp(left->service->name, right->service->name);
    return order != 0 ? order : compare_order(left, right);
}

/* Sets `first` of every service. `sorted` is scratch memory with room for all services. */
static void find_first(struct ria_service_index *index, struct ria_indexed_service **sorted)
{
    for (size_t i = 0; i < index->count; i++) {
        sorted[i] = &index->services[i];
    }
    qsort(sorted, index->count, sizeof(struct ria_indexed_service *), compare_names);
    for (size_t i = 0; i < index->count; i++) {
        bool is_first =
            i == 0 || strcmp(sorted[i - 1]->service->name, sorted[i]->service->name) != 0;
        sorted[i]->first = is_first ? sorted[i] : sorted[i - 1]->first;
    }
}

/* -- passfiles ------------------------------------------------------------------------------ */

static int compare_passfiles(const void *a, const void *b)
{
    const struct ria_indexed_service *left = *(struct ria_indexed_service *const *)a;
    const struct ria_indexed_service *right = *(struct ria_indexed_service *const *)b;
    int order = ria_passfile_compare(&left->passfile, &right->passfile);
    return order != 0 ? order : compare_order(left, right);
}

/* Sets `opposite` for the services of one passfile: the first valid service is the opposite of each
 * invalid one, and the first invalid service is the opposite of each valid one. */
static void compare_run(struct ria_indexed_service *const *run, size_t size)
{
    const struct ria_indexed_service *first[2] = {NULL, NULL};
    for (size_t i = 0; i < size; i++) {
        const struct ria_indexed_service **kind = &first[run[i]->is_valid ? 1 : 0];
        *kind = *kind == NULL ? run[i] : *kind;
    }
    for (size_t i = 0; i < size; i++) {
        run[i]->opposite = first[run[i]->is_valid ? 0 : 1];
    }
}

/* Finds the place of the entry's passfile. `before` is the previous service that has a passfile, or
 * NULL. Neighbors often have the same passfile, so if both paths are the same text, copies the
 * place of `before`. */
static void locate_passfile(
    struct ria_indexed_service *here,
    const struct ria_indexed_service *before,
    const struct ria_passfile_directory *own)
{
    if (before != NULL && strcmp(before->passfile.path, here->entry.passfile) == 0) {
        here->passfile = before->passfile;
    } else {
        ria_passfile_locate(here->entry.passfile, own, &here->passfile);
    }
}

/* Checks every service that names a passfile, fills by_passfile, and compares the entries that
 * share a passfile. */
static void find_shared(struct ria_service_index *index, const struct ria_passfile_directory *own)
{
    struct ria_error ignored;
    const struct ria_indexed_service *before = NULL;
    for (size_t i = 0; i < index->count; i++) {
        struct ria_indexed_service *here = &index->services[i];
        if (!ria_entry_from_service(here->file, here->service, &here->entry)) {
            continue;
        }
        locate_passfile(here, before, own);
        before = here;
        here->is_valid = ria_entry_check(&here->entry, &ignored);
        if (here->first == here) {
            index->by_passfile[index->entry_count++] = here;
        }
    }
    struct ria_indexed_service **sorted = index->by_passfile;
    qsort(sorted, index->entry_count, sizeof(struct ria_indexed_service *), compare_passfiles);
    for (size_t first = 0, end = 0; first < index->entry_count; first = end) {
        const struct ria_passfile_place *passfile = &sorted[first]->passfile;
        while (end < index->entry_count &&
               ria_passfile_compare(passfile, &sorted[end]->passfile) == 0) {
            end++;
        }
        compare_run(&sorted[first], end - first);
    }
}

/* -- the index ------------------------------------------------------------------------------ */

bool ria_service_index_make(
    const struct ria_service_file *files,
    size_t count,
    const struct ria_passfile_directory *own,
    struct ria_service_index *out)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += files[i].count;
    }
    *out = (struct ria_service_index){
        .services = calloc(total + 1, sizeof(*out->services)),
        .by_passfile = calloc(total + 1, sizeof(struct ria_indexed_service *)),
    };
    if (out->services == NULL || out->by_passfile == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < files[i].count; j++) {
            out->services[out->count++] =
                (struct ria_indexed_service){.file = &files[i], .service = &files[i].services[j]};
        }
    }
    find_first(out, out->by_passfile);
    find_shared(out, own);
    return true;
}

void ria_service_index_describe_sharing(
    const struct ria_indexed_service *service, struct ria_error *err)
{
    const struct ria_indexed_service *other = service->opposite;
    const char *invalid = service->is_valid ? other->service->name : service->service->name;
    const struct ria_service_setting *setting =
        ria_service_setting(service->file, service->service, "passfile");
    (void)ria_fail(
        err,
        RIA_E_CONFIG,
        "%s:%u: [%.64s] shares its passfile with [%.64s] (%s:%u), but [%.64s] does not qualify for "
        "tokens; fix [%.64s] or give it a passfile of its own",
        service->file->path,
        setting->line,
        service->service->name,
        other->service->name,
        other->file->path,
        other->service->line,
        invalid,
        invalid);
}

bool ria_service_index_check(const struct ria_indexed_service *service, struct ria_error *err)
{
    /* An invalid entry is checked again for the message. */
    if (!service->is_valid && !ria_entry_check(&service->entry, err)) {
        return false;
    }
    if (service->opposite != NULL) {
        ria_service_index_describe_sharing(service, err);
    }
    return service->opposite == NULL;
}

void ria_service_index_release(struct ria_service_index *index)
{
    free(index->services);
    free(index->by_passfile);
    *index = (struct ria_service_index){0};
}
