/* SPDX-License-Identifier: MIT
 *
 * Finds the memory mapping in which the product stores secrets (base/secret.h). Reads the kernel's
 * list of this process's mappings and calls no function of the product.
 */
#ifndef RIA_UNIT_MAPPING_H
#define RIA_UNIT_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

struct ria_mapping {
    const char *data;      /* NULL: no such mapping */
    size_t resident;       /* resident bytes */
    bool is_dumped;        /* core files include it */
    bool is_between_walls; /* both neighbours are inaccessible */
};

/* Returns the writable mapping of RIA_SECRETS_MAX bytes between two inaccessible ones. */
struct ria_mapping ria_mapping_find(void);

/* Returns how often the bytes occur in the mapping. */
size_t ria_mapping_count(const void *bytes, size_t len);

#endif
