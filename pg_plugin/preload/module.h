/* SPDX-License-Identifier: MIT
 *
 * The seam between the two shared objects. librds-iam-pq.so is loaded into every program that runs
 * under it, so it is small and needs libc alone. What makes tokens, and libcrypto with it, is
 * rds-iam-pq-mint.so: it is loaded by the first connection that may need one, and never unloaded.
 */
#ifndef RIA_PRELOAD_MODULE_H
#define RIA_PRELOAD_MODULE_H

#include <stdbool.h>
#include <stddef.h>

/* Where a connection goes, as libpq has settled it. NULL: not set. */
struct ria_pq_target {
    const char *host; /* host, hostaddr and port may be lists */
    const char *hostaddr;
    const char *port;
    const char *user;
    const char *sslmode;
    const char *gssencmode; /* libpq 12 and later */
    const char *passfile;   /* NULL where libpq knows no home directory: it reads none then */
    bool has_token;         /* a good one that is not ours: to make none is no warning then */
    bool has_socket; /* a Unix socket, alone or in the list: it is a plain channel for tokens */

    /* The service file that libpq took settings from, and the same file, open for reading; NULL:
     * none. Where another user could write it, no token may go. -1: it cannot be judged. */
    const char *service_path;
    int service_fd;
};

enum ria_pq_wish {
    /* A passfile in memory for target: the lines of its own passfile, where those with a token hold
     * room for a longer one to take its place before a reset, and one with a token for each host
     * for which one can be made; without any token where none may go. fd is a sealed memfd with
     * mode 0600; -1 if the passfile is right as it is, or there could be none. is_hidden: then its
     * own may not be read, because no token may go. ok: there are tokens, made or its own;
     * is_withheld: its own may not go. */
    RIA_PQ_CONNECTION_PASSFILE,

    /* The same for a passfile= of pg_service.conf, by its path: a line for each host of each entry
     * that names it. -1 if no entry that is fit for tokens does. */
    RIA_PQ_SERVICE_PASSFILE,

    /* Whether there are such entries; fd is an empty file then. */
    RIA_PQ_SERVICE_PASSFILE_IS_THERE,

    /* ok: a token that somebody else made may go to target. */
    RIA_PQ_MAY_SEND,

    /* Writes a fresh token for target, which has one host, over the old one at password, which has
     * room for `room` bytes, its NUL included, if the old one is replaced by it (replace.h). ok:
     * the token at password is the one to send; else it is untouched, and refusal has the reason
     * if none was made. */
    RIA_PQ_REFRESH,

    /* Says that reason: a warning, if target has no token of somebody else's either. */
    RIA_PQ_SAY_REFUSAL,

    /* Says that the later token does not fit where a connection keeps the old one. */
    RIA_PQ_SAY_TOO_LONG,

    /* Says, if tokens are made for the target's first host, that a password was sent to it instead:
     * that of its passfile, or where `password` is not NULL the program's. */
    RIA_PQ_SAY_PASSWORD,
};

struct ria_pq_question {
    enum ria_pq_wish wish;
    const struct ria_pq_target *target;
    const char *path;
    char *password; /* what the connection has, or NULL */
    size_t room;
    char *refusal;    /* an answer, and what is to be said; owned by who asked, who frees it */
    int fd;           /* an answer; owned by who asked */
    bool ok;          /* another one */
    bool is_answered; /* false: the other half could not be asked */
    bool is_hidden;
    bool is_withheld; /* there may be tokens in the passfile, and none of them may go */
    bool is_known;    /* password is of an earlier connection of this process (known.h) */
};

struct ria_pq_module {
    unsigned version; /* RIA_PQ_MODULE_VERSION, or the other half does without */

    /* Does beforehand what answer() would need the dynamic linker's lock for. Needs 10 KB of stack.
     */
    void (*prepare)(void);

    /* Answers on the calling thread, which needs tens of KB of stack, within 10 s and the time of
     * reading local files. What is wrong is said on stderr, where RDS_IAM_LOG is set. */
    void (*answer)(struct ria_pq_question *question);
};

enum {
    RIA_PQ_MODULE_VERSION = 4
};

/* The module's one symbol. */
extern const struct ria_pq_module ria_pq_module;
#define RIA_PQ_MODULE_SYMBOL "ria_pq_module"

#endif
