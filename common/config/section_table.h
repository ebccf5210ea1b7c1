/* SPDX-License-Identifier: MIT
 *
 * The section names of a configuration file, parsed once: [host], [host:port], [user@host] and
 * [user@host:port], where the host may be "*." and a name. A hash table finds the section for a
 * connection. A search looks up the whole host name and each of its suffixes that a wildcard can
 * match. Therefore a search need not compare the name of every section.
 */
#ifndef RIA_CONFIG_SECTION_TABLE_H
#define RIA_CONFIG_SECTION_TABLE_H

#include "codec/ini.h"

#include <stdint.h>

#define RIA_NO_SECTION UINT32_MAX

/* The parsed name of a section. */
struct ria_section_key {
    const char *user; /* NULL: any */
    const char *host; /* lower case; without the "*" of a wildcard */
    uint32_t hash;
    uint16_t host_len;
    uint16_t port; /* 0: any */
    bool is_wildcard;
};

/* The keys are in the order of the document's sections. {0} is an empty table. */
struct ria_section_table {
    struct ria_section_key *keys;
    uint32_t count;
    char *text; /* storage of the strings of the keys */
    size_t text_len;
    uint32_t *slots; /* index of a key plus 1; 0: free */
    uint32_t slot_mask;
    bool has_wildcard; /* the key of at least one section is a wildcard */
    uint64_t lengths;  /* bit n is set if the length of a key's host is n, modulo 64 */
};

/* Allocates a table for the sections of *ini. *out must be zeroed. Returns false if memory runs
 * out. The caller must release *out after success and after failure. */
bool ria_sections_begin(const struct ria_ini *ini, struct ria_section_table *out) RIA_MUST_USE;

/* Parses the next section's name. The caller passes the names in the order of the document. Returns
 * the key, borrowed from the table, or NULL if the name is not an address. ria_sections_find() does
 * not find the key until ria_sections_enter() is called. */
const struct ria_section_key *ria_sections_read(struct ria_section_table *table, const char *name);

/* Adds the key that was parsed last to the hash table. If an earlier section has an equal
 * key, returns the index of that section and adds nothing. Otherwise returns RIA_NO_SECTION. */
uint32_t ria_sections_enter(struct ria_section_table *table);

/* Returns the index of the first section that matches a connection, or RIA_NO_SECTION. Host names
 * are case-insensitive, and a trailing dot is ignored. May be called from any thread while the
 * table does not change. */
uint32_t ria_sections_find(
    const struct ria_section_table *table, const char *host, uint16_t port, const char *user);

/* Frees the table and zeroes it. */
void ria_section_table_release(struct ria_section_table *table);

#endif
