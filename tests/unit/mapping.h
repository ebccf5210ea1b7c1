/* SPDX-License-Identifier: MIT
 *
 * The mapping for secrets, found from outside: by what the kernel says of this process's memory.
 */
#ifndef RIA_UNIT_MAPPING_H
#define RIA_UNIT_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

struct ria_mapping {
    const char *data;      /* NULL: there is none */
    size_t resident;       /* bytes that take memory */
    bool is_dumped;        /* core files hold it */
    bool is_between_walls; /* what lies next to it cannot be read */
};

/* The one writable mapping of RIA_SECRETS_MAX bytes between two that cannot be read. */
struct ria_mapping ria_mapping_find(void);

/* How often the bytes are in it. */
size_t ria_mapping_count(const void *bytes, size_t len);

#endif
