/* SPDX-License-Identifier: MIT
 *
 * Searches /proc/self/smaps for the mapping in which the product stores secrets: RIA_SECRETS_MAX
 * bytes between two inaccessible pages. */
#include "mapping.h"

#include "base/secret.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A range of memory, as its line in smaps describes it. */
struct range {
    uintptr_t start;
    uintptr_t end;
    char mode[8];
};

/* Returns true if the range is one inaccessible page. AddressSanitizer has a mapping of the same
 * size as the mapping for secrets, but AddressSanitizer's mapping stands between larger
 * inaccessible ranges. */
static bool is_wall(const struct range *range)
{
    return strncmp(range->mode, "---", 3) == 0 &&
           range->end - range->start == (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* Parses the first line of a mapping in smaps: "start-end mode ...". Returns false for other lines.
 */
static bool read_range(const char *line, struct range *out)
{
    unsigned long start;
    unsigned long end;
    if (sscanf(line, "%lx-%lx %7s ", &start, &end, out->mode) != 3) {
        return false;
    }
    out->start = start;
    out->end = end;
    return true;
}

static void take_fact(const char *line, struct ria_mapping *out)
{
    unsigned long kilobytes;
    if (sscanf(line, "Rss: %lu kB", &kilobytes) == 1) {
        out->resident = (size_t)kilobytes * 1024;
    }
    if (strncmp(line, "VmFlags:", 8) == 0) {
        out->is_dumped = strstr(line, " dd") == NULL;
    }
}

struct ria_mapping ria_mapping_find(void)
{
    struct ria_mapping found = {0};
    struct range before = {0};
    bool is_here = false;
    char line[512];
    FILE *smaps = fopen("/proc/self/smaps", "r");
    while (smaps != NULL && fgets(line, sizeof(line), smaps) != NULL) {
        struct range range;
        if (!read_range(line, &range)) {
            if (is_here) {
                take_fact(line, &found);
            }
            continue;
        }
        if (is_here) {
            found.is_between_walls =
                is_wall(&range) && (uintptr_t)found.data + RIA_SECRETS_MAX == range.start;
        }
        is_here = found.data == NULL && range.end - range.start == RIA_SECRETS_MAX &&
                  strncmp(range.mode, "rw-p", 4) == 0 && is_wall(&before) &&
                  before.end == range.start;
        if (is_here) {
            found.data = (const char *)range.start; /* NOLINT(performance-no-int-to-ptr) */
        }
        before = range;
    }
    if (smaps != NULL) {
        (void)fclose(smaps);
    }
    return found;
}

size_t ria_mapping_count(const void *bytes, size_t len)
{
    const char *at = ria_mapping_find().data;
    const char *end = at == NULL ? NULL : at + RIA_SECRETS_MAX;
    size_t count = 0;
    while (at != NULL) {
        at = memmem(at, (size_t)(end - at), bytes, len);
        if (at != NULL) {
            count++;
            at++;
        }
    }
    return count;
}
