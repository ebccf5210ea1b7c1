/* SPDX-License-Identifier: MIT
 *
 * The names of a configuration's sections, read once: [host], [host:port], [user@host] and
 * [user@host:port], where host may be "*." and a name. A table of hashes finds the section of what
 * is dialled: it is asked for the whole host and for each of its ends that a wildcard can stand in
 * front of, not for each section.
 */
#ifndef RIA_CONFIG_SECTION_TABLE_H
#define RIA_CONFIG_SECTION_TABLE_H

#include "codec/ini.h"

#include <stdint.h>

#define RIA_NO_SECTION UINT32_MAX

/* What one section is keyed by. */
struct ria_section_key {
    const char *user; /* NULL: any */
    const char
        *host; /* lower case; without the "*" of a wildcard: ".eu-west-1.rds.amazonaws.com" */
    uint32_t hash;
    uint16_t host_len;
    uint16_t port; /* 0: any */
    bool is_wildcard;
};

/* The keys lie in the order of the document's sections. {0} is empty. */
struct ria_section_table {
    struct ria_section_key *keys;
    uint32_t count;
    char *text; /* that the keys point into */
    size_t text_len;
    uint32_t *slots; /* index plus 1; 0: free */
    uint32_t slot_mask;
};

/* Makes room for the sections of *ini. False without memory. Release it in any case. */
bool ria_sections_begin(const struct ria_ini *ini, struct ria_section_table *out) RIA_MUST_USE;

/* Reads the next section's name. NULL: it is no address. The key is not found before
 * ria_sections_enter(). */
const struct ria_section_key *ria_sections_read(struct ria_section_table *table, const char *name);

/* Enters the key that was read last. Returns the earlier section with an equal key, or
 * RIA_NO_SECTION. */
uint32_t ria_sections_enter(struct ria_section_table *table);

/* The first section that matches what is dialled, or RIA_NO_SECTION. Host names have no case, and a
 * dot at their end does not count. From any thread, while nothing is entered. */
uint32_t ria_sections_find(
    const struct ria_section_table *table, const char *host, uint16_t port, const char *user);

void ria_section_table_release(struct ria_section_table *table);

#endif
