/* SPDX-License-Identifier: MIT
 *
 * The interface between the two shared objects of the preload.
 *
 * librds-iam-pq.so, "the preload object", is loaded into every program that runs under rds-iam
 * exec. So the preload object is small and needs only libc. rds-iam-pq-token.so, "the token
 * module", makes the tokens and needs libcrypto. The preload object loads the module with dlopen()
 * when it first needs one of the functions below (README.md lists the cases), and never unloads it.
 * Both objects contain a version number, and each rejects the other if the numbers differ. The
 * module is in a separate package, which requires the package of the preload object in the same
 * version. Without the module, the preload object logs which package is missing.
 *
 * Every function of struct ria_pq_module runs on the calling thread, uses tens of KB of its stack,
 * and returns within 10 s plus the time for reading local files. Each function logs its failures if
 * RDS_IAM_LOG is set, except refresh(), which returns its message in *out. The functions may be
 * called from any thread.
 */
#ifndef RIA_PRELOAD_MODULE_H
#define RIA_PRELOAD_MODULE_H

#include "preload/pq_target.h"

#include "base/world.h"
#include "passfile/agent_directory.h"
#include "rds_iam.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* The passfile that libpq must read for one connection instead of the connection's own. */
struct ria_pq_passfile {
    /* A sealed memfd with mode 0600, owned by the caller; -1: libpq reads the connection's own
     * passfile, or none if is_hidden. */
    int fd;
    bool has_tokens;  /* `fd` contains tokens, made here or copied, or the connection's own passfile
                         may contain tokens */
    bool is_withheld; /* the connection's own passfile contains, or may contain, tokens that must
                         not be sent */
    bool is_hidden;   /* is_withheld is true and `fd` could not be made, so libpq must read no
                         passfile */
    bool is_in_history; /* this process has used tokens with the access key id of the given token */
};

/* The password in libpq's memory that a reset sends: a token, which may be overwritten. */
struct ria_pq_token_slot {
    char *token;
    size_t room; /* bytes, with the NUL */
};

/* The result of refresh(). */
struct ria_pq_refreshed {
    bool is_current;    /* the slot contains the token to send; false: the slot is unchanged */
    bool is_too_long;   /* the fresh token does not fit into the slot */
    bool is_in_history; /* this process has used tokens with the access key id of the token in the
                           slot */
    char refusal[RIA_LOG_LINE_MAX]; /* why no token was made, for the log; "": nothing to log */
};

struct ria_pq_module {
    unsigned version; /* RIA_PQ_MODULE_VERSION; the preload object rejects any other */

    /* Does the work that needs the dynamic linker's lock (OpenSSL's first use), so that the
     * functions below do not need the lock. Needs 10 KB of stack. */
    void (*prepare)(void);

    /* Makes a passfile in memory for `target`: the lines of the target's own passfile, and a line
     * with a fresh token for each host for which a token can be made. A line with a token has spare
     * bytes, so that a reset can overwrite the token with a longer one. If no token may be sent to
     * the target, the passfile contains no token. given: the token that the program gives as its
     * password, or NULL. Fills *out in any case. */
    void (*make_passfile)(
        const struct ria_pq_target *target, const char *given, struct ria_pq_passfile *out);

    /* Makes a passfile in memory for a path that pg_service.conf names in passfile=: a line for
     * each host of each entry that names the path. If dry_run is true, the passfile is empty.
     * Returns the descriptor of the passfile, owned by the caller. Returns -1 in four cases: no
     * entry names the path; one of these entries is not valid for tokens; dry_run is false and no
     * line could be made; or the file could not be created. */
    int (*make_service_passfile)(const char *path, bool dry_run);

    /* Returns whether a token that rds-iam did not make for this connection may be sent to
     * `target`. If it may not be sent, logs the reason. */
    bool (*may_send)(const struct ria_pq_target *target);

    /* Makes a fresh token for `target`, which has exactly one host. Writes it over the token in
     * `held` if ria_token_is_replaced() returns true and the fresh token fits into the room. Fills
     * *out in any case. */
    void (*refresh)(
        const struct ria_pq_target *target,
        const struct ria_pq_token_slot *held,
        struct ria_pq_refreshed *out);

    /* Returns which root certificates verify the target's hosts; see enum ria_pq_ca. */
    enum ria_pq_ca (*ca_of)(const struct ria_pq_target *target);

    /* Logs a message: one sentence without a newline. */
    void (*log)(enum ria_log_level level, const char *text);
};

enum {
    RIA_PQ_MODULE_VERSION = 6
};

/* The one symbol that the token module exports. Returns the module's function table, in static
 * memory, or NULL if `version` is not the module's version. */
const struct ria_pq_module *ria_pq_module_for_version(unsigned version);
#define RIA_PQ_MODULE_SYMBOL "ria_pq_module_for_version"

/* -- decisions that both objects make -------------------------------------------------------- */

/* Returns whether `path` counts as a passfile of rds-iam-agent: an absolute path of a file in a
 * directory .../rds-iam/run, the agent's default, with a name that does not begin with a dot. Only
 * the text of the path is compared, because the preload object makes this check for every file that
 * the program opens. */
static inline bool ria_is_agents_path(const char *path)
{
    static const char directory[] = "/" RIA_AGENT_DIRECTORY;
    const char *name = strrchr(path, '/');
    size_t len = name == NULL ? 0 : (size_t)(name - path);
    size_t tail = sizeof(directory) - 1;
    return *path == '/' && len >= tail && memcmp(name - tail, directory, tail) == 0 &&
           name[1] != '\0' && name[1] != '.';
}

/* Returns the time in seconds. Does not call time(): glibc chooses its implementation when the
 * object is loaded, which would cost every program a page fault. */
static inline int64_t ria_pq_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

/* Returns whether the token `other` replaces the token `given`. `other` must have been made later,
 * and one of these must hold: `given` has less than a minute left; the process has had tokens with
 * the access key id of `given` (is_in_history); or both tokens have the same access key id. A valid
 * token of another identity is not replaced. Both arguments may be NULL. */
static inline bool ria_token_is_replaced(const char *given, const char *other, bool is_in_history)
{
    uint64_t key = ria_token_key(given);
    return ria_token_is_later(other, given) &&
           (is_in_history || ria_token_is_over(given, ria_pq_now()) ||
            (key != 0 && key == ria_token_key(other)));
}

#endif
