/* SPDX-License-Identifier: MIT
 *
 * Parses section names and finds the section for a connection. The hash of a host is computed from
 * its last character to its first, so that one pass yields the hashes of all its suffixes. A login
 * looks up at most four keys for each suffix: with and without the user, and each of these with and
 * without the port. Of the sections that are found, the first in the file is used. Rejects a name
 * that is not an address.
 */
#include "config/section_table.h"

#include "aws/endpoint.h"
#include "base/ascii.h"

#include <stdlib.h>
#include <string.h>

enum {
    USER_SIZE = 256,
};

/* -- hashes ------------------------------------------------------------------------------------ */

static uint64_t hash_user(const char *user)
{
    return user == NULL ? 0 : ria_hash(RIA_HASH_START, user, strlen(user));
}

/* Mixes the hashes with the last step of MurmurHash3. */
static uint32_t join_hashes(uint64_t host, uint64_t user, uint16_t port, bool is_wildcard)
{
    uint64_t both = host + (user * 31U);
    uint32_t hash = (uint32_t)(both ^ (both >> 32));
    hash += (port * 2654435761U) + (is_wildcard ? 1U : 0U);
    hash = (hash ^ (hash >> 16)) * 0x85ebca6bU;
    hash = (hash ^ (hash >> 13)) * 0xc2b2ae35U;
    return hash ^ (hash >> 16);
}

/* -- reading a name ---------------------------------------------------------------------------- */

/* Parses a host and writes it in lower case to out, which has RIA_HOST_SIZE bytes. */
static bool section_table_parse_host(const char *text, struct ria_section_key *key, char *out)
{
    size_t len = strlen(text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    key->is_wildcard = strncmp(text, "*.", 2) == 0;
    if (key->is_wildcard) {
        text++;
        len--;
    }
    if (len > 1 && text[len - 1] == '.') {
        len--;
    }
    if (len == (key->is_wildcard ? 1 : 0) || len >= RIA_HOST_SIZE) {
        return false;
    }
    /* POSTGRES_ENDPOINT is a placeholder. DB_SERVER may be the name of a machine. */
    if (ria_host_is_placeholder(text, len) && strstr(text, "ENDPOINT") != NULL) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = ria_ascii_lower(text[i]);
    }
    out[len] = '\0';
    key->host_len = (uint16_t)len;
    /* Host names do not contain these characters. For example, [profile etl] is a section of AWS's
     * file, and {REGION} and $PG are placeholders that the user did not replace. */
    return out[strcspn(out, "* \t\"'/[]{}<>$")] == '\0';
}

/* Copies a text to the table's storage, which has room for the text of all sections. */
static const char *section_table_copy_text(
    struct ria_section_table *table, const char *text, size_t len)
{
    char *copy = table->text + table->text_len;
    memcpy(copy, text, len);
    copy[len] = '\0';
    table->text_len += len + 1;
    return copy;
}

/* Parses "host" or "host:port" into *key, and copies the host to the table's storage. */
static bool parse_address(
    struct ria_section_table *table, const char *address, struct ria_section_key *key)
{
    char host[RIA_HOST_SIZE];
    char lowered[RIA_HOST_SIZE];
    uint16_t port = 0;
    bool has_port = ria_endpoint_split(address, host, &port);
    /* A bare IPv6 address contains colons; any other text with a colon must end in a port. */
    const char *colon = strchr(address, ':');
    bool is_bare_ipv6 = colon != NULL && strchr(colon + 1, ':') != NULL;
    if ((!has_port && colon != NULL && !is_bare_ipv6) ||
        !section_table_parse_host(has_port ? host : address, key, lowered)) {
        return false;
    }
    key->port = has_port ? port : 0;
    key->host = section_table_copy_text(table, lowered, key->host_len);
    return true;
}

const struct ria_section_key *ria_sections_read(struct ria_section_table *table, const char *name)
{
    struct ria_section_key key = {0};
    const char *at = strrchr(name, '@'); /* the last one, because a user name may contain an @ */
    if (at != NULL) {
        size_t len = (size_t)(at - name);
        if (len == 0 || len >= USER_SIZE) {
            return NULL;
        }
        key.user = section_table_copy_text(table, name, len);
        name = at + 1;
    }
    if (!parse_address(table, name, &key)) {
        return NULL;
    }
    uint64_t hash = RIA_HASH_START;
    for (size_t i = key.host_len; i > 0; i--) {
        hash = ria_hash_add(hash, key.host[i - 1]);
    }
    key.hash = join_hashes(hash, hash_user(key.user), key.port, key.is_wildcard);
    table->has_wildcard = table->has_wildcard || key.is_wildcard;
    table->lengths |= UINT64_C(1) << (key.host_len % 64);
    table->keys[table->count] = key;
    return &table->keys[table->count++];
}

/* -- the table --------------------------------------------------------------------------------- */

bool ria_sections_begin(const struct ria_ini *ini, struct ria_section_table *out)
{
    enum {
        FEWEST = 8
    };
    size_t room = 1;
    uint32_t slots = FEWEST;
    for (size_t i = 0; i < ini->section_count; i++) {
        room += strlen(ini->sections[i].name) + 2; /* for the NULs after user and host */
    }
    while (slots < 2 * ini->section_count) {
        slots *= 2;
    }
    out->keys = calloc(ini->section_count + 1, sizeof(out->keys[0]));
    out->text = malloc(room);
    out->slots = calloc(slots, sizeof(out->slots[0]));
    out->slot_mask = slots - 1;
    return out->keys != NULL && out->text != NULL && out->slots != NULL;
}

static bool same_user(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Compares two keys. The host of `key_to_find` may have upper-case letters. */
static bool section_table_same_key(
    const struct ria_section_key *key_to_find, const struct ria_section_key *key)
{
    return key_to_find->hash == key->hash && key_to_find->host_len == key->host_len &&
           key_to_find->port == key->port && key_to_find->is_wildcard == key->is_wildcard &&
           same_user(key_to_find->user, key->user) &&
           ria_ascii_same_bytes(key_to_find->host, key->host, key->host_len);
}

/* Returns the slot that contains an equal key, or the free slot for this key. At least half of the
 * slots are free. */
static uint32_t *find_slot(
    const struct ria_section_table *table, const struct ria_section_key *key_to_find)
{
    uint32_t at = key_to_find->hash & table->slot_mask;
    while (table->slots[at] != 0 &&
           !section_table_same_key(key_to_find, &table->keys[table->slots[at] - 1])) {
        at = (at + 1) & table->slot_mask;
    }
    return &table->slots[at];
}

uint32_t ria_sections_enter(struct ria_section_table *table)
{
    uint32_t *slot = find_slot(table, &table->keys[table->count - 1]);
    if (*slot != 0) {
        return *slot - 1;
    }
    *slot = table->count;
    return RIA_NO_SECTION;
}

/* Returns the first section with this host that matches the user and the port of the connection, or
 * RIA_NO_SECTION. */
static uint32_t find_at(
    const struct ria_section_table *table,
    const struct ria_section_key *connection,
    uint64_t host_hash,
    uint64_t user_hash)
{
    uint32_t first = RIA_NO_SECTION;
    for (unsigned i = 0; i < 4; i++) {
        bool has_user = (i & 1U) != 0;
        uint16_t port = (i & 2U) != 0 ? connection->port : 0;
        uint32_t hash =
            join_hashes(host_hash, has_user ? user_hash : 0, port, connection->is_wildcard);
        if (table->slots[hash & table->slot_mask] == 0) {
            continue;
        }
        struct ria_section_key key_to_find = *connection;
        key_to_find.user = has_user ? connection->user : NULL;
        key_to_find.port = port;
        key_to_find.hash = hash;
        uint32_t found = *find_slot(table, &key_to_find);
        if (found != 0 && found - 1 < first) {
            first = found - 1;
        }
    }
    return first;
}

uint32_t ria_sections_find(
    const struct ria_section_table *table, const char *host, uint16_t port, const char *user)
{
    struct ria_section_key connection = {.user = user, .port = port};
    uint32_t first = RIA_NO_SECTION;
    uint64_t hash = RIA_HASH_START;
    size_t len = strlen(host);
    if (len > 1 && host[len - 1] == '.') {
        len--;
    }
    if (!table->has_wildcard && (table->lengths >> (len % 64) & 1) == 0) {
        return RIA_NO_SECTION;
    }
    uint64_t user_hash = hash_user(user);
    for (size_t i = len; i > 0 && len - i < RIA_HOST_SIZE - 1; i--) {
        hash = ria_hash_add(hash, ria_ascii_lower(host[i - 1]));
        connection.is_wildcard = i > 1;
        if (connection.is_wildcard && (host[i - 1] != '.' || !table->has_wildcard)) {
            continue;
        }
        connection.host = host + i - 1;
        connection.host_len = (uint16_t)(len - i + 1);
        uint32_t found = find_at(table, &connection, hash, user_hash);
        first = found < first ? found : first;
    }
    return first;
}

void ria_section_table_release(struct ria_section_table *table)
{
    free(table->keys);
    free(table->text);
    free(table->slots);
    *table = (struct ria_section_table){0};
}
