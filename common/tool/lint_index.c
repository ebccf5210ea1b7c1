/* SPDX-License-Identifier: MIT
 *
 * Two sorted lists: by name, and by what libpq looks for in which passfile. */
#include "tool/lint_index.h"

#include <stdlib.h>
#include <string.h>

/* One host of a service that has a passfile and a user. */
struct found_host {
    struct ria_lint_service *service;
    struct ria_entry entry;
    struct ria_entry_host host;
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

static int compare_lookups(const struct found_host *left, const struct found_host *right)
{
    int order = strcmp(left->entry.passfile, right->entry.passfile);
    order = order != 0 ? order : strcmp(left->host.host, right->host.host);
    order = order != 0 ? order : strcmp(left->host.port, right->host.port);
    return order != 0 ? order : strcmp(left->entry.user, right->entry.user);
}

static int compare_hosts(const void *a, const void *b)
{
    const struct found_host *left = a;
    const struct found_host *right = b;
    int order = compare_lookups(left, right);
    return order != 0 ? order : compare_order(left->service, right->service);
}

static void spoil(struct found_host *host, const struct ria_lint_service *by)
{
    const struct ria_lint_service *known = host->service->spoiler;
    if (by < host->service && (known == NULL || by < known)) {
        host->service->spoiler = by;
    }
}

/* A run reads one line of one passfile. Its services are of two kinds, so who may not share with
 * one of a kind may with none of it. */
static void check_run(struct found_host *run, size_t size)
{
    struct ria_error ignored;
    const struct found_host *other = NULL;
    for (size_t i = 1; i < size; i++) {
        if (!ria_entry_may_share(&run[i].entry, &run->entry, &ignored)) {
            other = other == NULL ? &run[i] : other;
            spoil(&run[i], run->service);
        } else if (other != NULL) {
            spoil(&run[i], other->service);
        }
    }
}

/* The hosts of one service; out may be NULL. Returns how many there are. */
static size_t list_service(struct ria_lint_service *service, struct found_host *out)
{
    struct ria_entry entry;
    if (!ria_entry_take(service->file, service->service, &entry) || entry.user == NULL ||
        entry.host == NULL) {
        return 0;
    }
    size_t listed = 0;
    size_t hosts = ria_entry_host_count(&entry);
    for (size_t i = 0; i < hosts; i++) {
        struct ria_entry_host host;
        if (!ria_entry_host(&entry, i, &host)) {
            continue;
        }
        if (out != NULL) {
            out[listed] = (struct found_host){service, entry, host};
        }
        listed++;
    }
    return listed;
}

static size_t list_hosts(struct ria_lint_index *index, struct found_host *out)
{
    size_t listed = 0;
    for (size_t i = 0; i < index->count; i++) {
        listed += list_service(&index->services[i], out == NULL ? NULL : out + listed);
    }
    return listed;
}

static bool find_spoilers(struct ria_lint_index *index)
{
    size_t count = list_hosts(index, NULL);
    struct found_host *hosts = calloc(count + 1, sizeof(*hosts));
    if (hosts == NULL) {
        return false;
    }
    (void)list_hosts(index, hosts);
    qsort(hosts, count, sizeof(*hosts), compare_hosts);
    for (size_t first = 0, end = 0; first < count; first = end) {
        while (end < count && compare_lookups(&hosts[first], &hosts[end]) == 0) {
            end++;
        }
        check_run(&hosts[first], end - first);
    }
    free(hosts);
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
