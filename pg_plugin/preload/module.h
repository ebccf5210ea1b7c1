/* SPDX-License-Identifier: MIT
 *
 * The seam between the two shared objects, and what both know. librds-iam-pq.so is loaded into
 * every program that runs under it, so it is small and needs libc alone. What makes tokens, and
 * libcrypto with it, is rds-iam-pq-token.so: it is loaded by the first connection that may need
 * one, and never unloaded. They are installed together and are of one version; either refuses
 * another one.
 *
 * Every function of the table runs on the calling thread, on tens of KB of its stack, and answers
 * within 10 s and the time of reading local files. It logs what is wrong where RDS_IAM_LOG is set.
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

/* What stands for the passfile of one connection. */
struct ria_pq_passfile {
    int fd; /* a sealed memfd with mode 0600, owned by the caller; -1: the connection's own passfile
               is right as it is, or none could be made */
    bool has_tokens;    /* made here, or the passfile's own */
    bool is_withheld;   /* there may be tokens in the passfile, and none of them may go */
    bool is_hidden;     /* and it cannot be replaced, so it may not be read */
    bool is_in_history; /* the given token is of an earlier connection of this process */
};

/* The token that a connection holds for its reset. */
struct ria_pq_token_slot {
    char *token;
    size_t room; /* for a token and its NUL */
};

/* What was done about it. */
struct ria_pq_refreshed {
    bool is_right;      /* it is now the one to send; else it is as it was */
    bool is_too_long;   /* the later token does not fit in its place */
    bool is_in_history; /* it is of an earlier connection of this process */
    char
        refusal[RIA_LOG_LINE_MAX]; /* the message why no token was made; "": none is to be logged */
};

/* Whose certificates the hosts of a target have. A host is ours if it is an RDS name, or a name
 * that rds-iam's configuration maps to one. */
enum ria_pq_ca {
    RIA_PQ_CA_NONE,   /* a host of the target is not ours, or is a Unix socket */
    RIA_PQ_CA_RDS,    /* the roots of RDS: instances, clusters, mapped names */
    RIA_PQ_CA_PUBLIC, /* Amazon's public roots: every host is an RDS Proxy */
};

struct ria_pq_module {
    unsigned version; /* RIA_PQ_MODULE_VERSION, or the other object does without */

    /* Does beforehand what the others would need the dynamic linker's lock for. Needs 10 KB of
     * stack. */
    void (*prepare)(void);

    /* Makes a passfile in memory for target: the lines of its own passfile, where those with a
     * token have room for a longer one to take its place before a reset, and a line with a token
     * for each host for which one can be made; without any token where none may go. given: the
     * token that the program has, or NULL. */
    void (*make_passfile)(
        const struct ria_pq_target *target, const char *given, struct ria_pq_passfile *out);

    /* Makes one for a passfile= of pg_service.conf, by its path: a line for each host of each entry
     * that names it. With dry_run it is empty. Returns its descriptor, owned by the caller; -1 if
     * no entry that is fit for tokens names it. */
    int (*make_service_passfile)(const char *path, bool dry_run);

    /* Whether a token that was not made here may go to target. */
    bool (*may_send)(const struct ria_pq_target *target);

    /* Writes a fresh token for target, which has one host, over the held one, if that is replaced
     * by it. */
    void (*refresh)(
        const struct ria_pq_target *target,
        const struct ria_pq_token_slot *held,
        struct ria_pq_refreshed *out);

    /* Which root certificates verify the target's hosts, which are ours if there are any. */
    enum ria_pq_ca (*ca_of)(const struct ria_pq_target *target);

    /* Logs a message, a sentence without newline. */
    void (*log)(enum ria_log_level level, const char *text);
};

enum {
    RIA_PQ_MODULE_VERSION = 6
};

/* The module's one symbol. NULL for any version but its own. */
const struct ria_pq_module *ria_pq_module_for_version(unsigned version);
#define RIA_PQ_MODULE_SYMBOL "ria_pq_module_for_version"

/* -- what both objects decide ---------------------------------------------------------------- */

/* True for a passfile of the agent's: a file in a directory .../rds-iam/run, where rds-iam-agent
 * keeps them by default. It is known by its name alone, because the first object asks this for
 * every file that its program opens. */
static inline bool ria_is_agents_path(const char *path)
{
    static const char directory[] = "/" RIA_AGENT_DIRECTORY;
    const char *name = strrchr(path, '/');
    size_t len = name == NULL ? 0 : (size_t)(name - path);
    size_t tail = sizeof(directory) - 1;
    return *path == '/' && len >= tail && memcmp(name - tail, directory, tail) == 0 &&
           name[1] != '\0' && name[1] != '.';
}

/* Whether a given token is replaced by another that can be had: that one was made later, and the
 * given one is over, or of an earlier connection of this process (is_known), or both were signed
 * with one access key id. A valid token of another identity stays. Both may be NULL. */
static inline bool ria_token_is_replaced(const char *given, const char *other, bool is_in_history)
{
    uint64_t key = ria_token_key(given);
    return ria_token_is_later(other, given) &&
           (is_in_history || ria_token_is_over(given, time(NULL)) ||
            (key != 0 && key == ria_token_key(other)));
}

#endif
