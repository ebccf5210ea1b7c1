/* SPDX-License-Identifier: MIT
 *
 * Parses and extends the list of nested commands in the environment, and counts the keepers
 * (process_chain.h) among the ancestors of this process in /proc. Rejects a command that the list
 * already contains, a command beyond the limit, and a malformed list. If /proc does not show the
 * ancestors (another PID namespace, hidepid), checks only the list. In this case a chain of
 * programs that clear the environment runs until the deadline of the login. */
#include "fetch/process_chain.h"

#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"
#include "codec/digest.h"
#include "codec/percent.h"

#include <stdlib.h>
#include <string.h>

enum {
    ID_BYTES = 16,
    ID_LEN = 2 * ID_BYTES,
    SHOWN_MAX = 160, /* bytes of a chain in a message */
    ANCESTORS_MAX = 1024,
    STAT_MAX = 4096,
};

struct link {
    char id[ID_LEN + 1];
    char name[RIA_PROCESS_CHAIN_NAME_MAX + 1];
};

struct chain {
    struct link link[RIA_PROCESS_CHAIN_MAX + 1]; /* the running commands and the new one */
    size_t count;
};

/* -- the variable --------------------------------------------------------------------------- */

/* Decodes a name up to a comma or the end of the text. Returns a pointer to the comma or the end,
 * or NULL if ria_percent_add() could not have written this name, or if the name is too long. */
static const char *process_chain_read_name(const char *at, char out[RIA_PROCESS_CHAIN_NAME_MAX + 1])
{
    size_t len = 0;
    while (*at != '\0' && *at != ',') {
        if (len == RIA_PROCESS_CHAIN_NAME_MAX || !ria_percent_decode(&at, &out[len]) ||
            out[len] == '\0') {
            return NULL;
        }
        len++;
    }
    out[len] = '\0';
    return at;
}

static const char *read_link(const char *at, struct link *out)
{
    if (strspn(at, RIA_HEX_DIGITS) != ID_LEN || at[ID_LEN] != ':') {
        return NULL;
    }
    memcpy(out->id, at, ID_LEN);
    out->id[ID_LEN] = '\0';
    return process_chain_read_name(at + ID_LEN + 1, out->name);
}

/* Parses the value of the variable; NULL is an empty chain. Returns false if
 * ria_process_chain_add() could not have written this value, or if the value lists more commands
 * than the limit. */
static bool read_chain(const char *value, struct chain *out)
{
    out->count = 0;
    for (const char *at = value; value != NULL;) {
        if (out->count == RIA_PROCESS_CHAIN_MAX) {
            return false;
        }
        at = read_link(at, &out->link[out->count]);
        if (at == NULL) {
            return false;
        }
        out->count++;
        if (*at == '\0') {
            break;
        }
        at++;
    }
    return true;
}

static void write_chain(const struct chain *chain, struct ria_buf *out)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct link *link = &chain->link[i];
        ria_buf_add_text(out, i == 0 ? "" : ",");
        ria_buf_add_text(out, link->id);
        ria_buf_add_char(out, ':');
        ria_percent_add(out, link->name, strlen(link->name));
    }
}

/* -- one link ------------------------------------------------------------------------------- */

static bool make_link(
    const struct ria_setting *command, const char *profile, struct link *out, struct ria_error *err)
{
    const char *const parts[] = {command->path == NULL ? "" : command->path, profile};
    RIA_AUTO(buf) text = {.max = (size_t)128 * 1024};
    uint8_t digest[RIA_SHA256_LEN];
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        ria_buf_add(&text, parts[i], strlen(parts[i]) + 1);
    }
    ria_buf_add_text(&text, command->value);
    if (ria_buf_text(&text) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a credential_process");
    }
    if (!ria_sha256(text.data, text.len, digest, err)) {
        return false;
    }
    ria_hex_write(digest, ID_BYTES, out->id);
    (void)ria_text_copy(out->name, sizeof(out->name), profile);
    return true;
}

/* -- the ancestors -------------------------------------------------------------------------- */

/* Reads a stat file: "PID (NAME) STATE PARENT ...". NAME may contain any character, such as ')'.
 * Sets *is_keeper to whether NAME is the name of a keeper. Returns the parent's PID, or 0 if the
 * file cannot be read. */
static long read_parent(const struct ria_world *world, const char *path, bool *is_keeper)
{
    static const char keeper[] = "(" RIA_PROCESS_KEEPER;
    RIA_AUTO(buf) text = {.max = STAT_MAX};
    struct ria_error ignored;
    if (world->read_file(world->self, path, &text, NULL, &ignored) != RIA_FOUND || text.len == 0) {
        return 0;
    }
    const char *name = strchr(text.data, '(');
    const char *end = strrchr(text.data, ')');
    if (name == NULL || end == NULL || end < name || strlen(end) < 4) {
        return 0;
    }
    *is_keeper = (size_t)(end - name) == sizeof(keeper) - 1 &&
                 strncmp(name, keeper, sizeof(keeper) - 1) == 0;
    return strtol(end + 3, NULL, 10);
}

/* Returns the number of keepers among the ancestors of this process. */
static size_t count_keepers(const struct ria_world *world)
{
    char path[64] = "/proc/self/stat";
    size_t count = 0;
    bool is_keeper = false;
    long pid = read_parent(world, path, &is_keeper);
    for (size_t i = 0; pid > 0 && i < ANCESTORS_MAX; i++) {
        (void)ria_text_format(path, sizeof(path), "/proc/%ld/stat", pid);
        is_keeper = false;
        pid = read_parent(world, path, &is_keeper);
        count += is_keeper ? 1 : 0;
    }
    return count;
}

/* -- the checks ----------------------------------------------------------------------------- */

/* Writes the names of the profiles in the chain, beginning with link number `first`: "a -> b -> a".
 */
static void process_chain_describe(const struct chain *chain, size_t first, char out[SHOWN_MAX])
{
    RIA_AUTO(buf) text = {.max = (size_t)2 * sizeof(*chain)};
    for (size_t i = first; i < chain->count; i++) {
        ria_buf_add_text(&text, i == first ? "" : " -> ");
        ria_buf_add_text(&text, chain->link[i].name);
    }
    const char *whole = ria_buf_text(&text);
    (void)ria_text_copy(out, SHOWN_MAX, whole == NULL ? "..." : whole);
}

/* Checks a chain whose last link is the new command. */
static bool process_chain_check(
    const struct ria_world *world,
    const struct ria_setting *command,
    const struct chain *chain,
    struct ria_error *err)
{
    char shown[SHOWN_MAX];
    size_t last = chain->count - 1;
    for (size_t i = 0; i < last; i++) {
        if (strcmp(chain->link[i].id, chain->link[last].id) == 0) {
            process_chain_describe(chain, i, shown);
            return ria_fail_at(
                err,
                RIA_E_CREDENTIALS,
                command,
                RIA_PROCESS_CHAIN_REFUSAL
                "it would run itself again: %s; change how one of these profiles gets its "
                "credentials",
                shown);
        }
    }
    if (last >= RIA_PROCESS_CHAIN_MAX || count_keepers(world) >= RIA_PROCESS_CHAIN_MAX) {
        process_chain_describe(chain, 0, shown);
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            command,
            RIA_PROCESS_CHAIN_REFUSAL
            "%d nested commands are already running (%s); shorten the chain",
            RIA_PROCESS_CHAIN_MAX,
            shown);
    }
    return true;
}

bool ria_process_chain_add(
    const struct ria_world *world,
    const struct ria_setting *command,
    const char *profile,
    struct ria_buf *chain,
    struct ria_error *err)
{
    struct chain all;
    if (!read_chain(ria_world_env(world, RIA_PROCESS_CHAIN_VARIABLE), &all)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            command,
            RIA_PROCESS_CHAIN_REFUSAL RIA_PROCESS_CHAIN_VARIABLE
            " was not set by rds-iam; unset it");
    }
    if (!make_link(command, profile, &all.link[all.count], err)) {
        return false;
    }
    all.count++;
    if (!process_chain_check(world, command, &all, err)) {
        return false;
    }
    write_chain(&all, chain);
    return ria_buf_text(chain) != NULL ||
           ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a credential_process");
}
