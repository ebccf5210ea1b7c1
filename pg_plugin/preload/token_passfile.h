/* SPDX-License-Identifier: MIT
 *
 * What the files of rds-iam-pq-token.so offer one another: passfiles in memory.
 */
#ifndef RIA_PRELOAD_TOKEN_PASSFILE_H
#define RIA_PRELOAD_TOKEN_PASSFILE_H

#include "preload/module.h"
#include "preload/pq_target.h"

#include "rds_iam.h"

#include "service/entry.h"

enum {
    /* A passfile that an agent keeps for ten thousand entries has 15 MB. */
    RIA_PASSFILE_MAX = 32 * 1024 * 1024,
};

/* How well libpq protects a connection with the target's settings. sslmode NULL is its default.
 * Where it may be encrypted by Kerberos, sslmode does not count. */
enum ria_channel ria_channel_of(const struct ria_pq_target *target);

/* False for a connection over which no token may go, whoever made it, and however its server is
 * verified: Kerberos may encrypt it, one of its hosts is a Unix socket, or another user could write
 * the service file that its settings came from. err says what to change. */
bool ria_check_target(const struct ria_pq_target *target, struct ria_error *err) RIA_MUST_USE;

/* Which root certificates verify the target's hosts. Reads rds-iam's configuration if a host is not
 * an RDS name. */
enum ria_pq_ca ria_target_ca(const struct ria_pq_target *target);

/* Hosts for which no token was made, and why: how much that matters is known later. Release it, or
 * use RIA_AUTO(refusals). */
struct ria_refusals {
    struct ria_refusal {
        struct ria_entry_host host;
        struct ria_error err;
    } * items;
    size_t count;
};

void ria_refusals_release(struct ria_refusals *refusals);

/* The message why there is no token for a user at a host. */
void ria_token_passfile_refusal(
    const char *user, const char *host, unsigned port, const char *why, char out[RIA_LOG_LINE_MAX]);

/* Logs them: as warnings, if the target has no token of another maker. own: lines with tokens that
 * the target's passfile has; those for a host of the target's are as good as one of ours. */
void ria_token_passfile_log_refusals(
    const struct ria_pq_target *target,
    const struct ria_refusals *refusals,
    const struct ria_buf *own);

/* A token for one host, or err says why there is none. host and port are as dialled. */
bool ria_token_passfile_token(
    const struct ria_pq_target *target,
    const char *host,
    unsigned port,
    struct ria_deadline deadline,
    struct ria_token *token,
    struct ria_error *err);

/* Appends, behind the password of a line that has no newline yet, that many bytes more: libpq keeps
 * the rest of the line in the block of memory that holds the password (passwordFromFile(), 10 to
 * 18), so that a longer token can take its place before a reset. Other readers may not take such a
 * line. */
void ria_token_passfile_add_spare(size_t spare, struct ria_buf *out);

/* Appends a line for each host of the target for which a token can be made, each with `spare` bytes
 * more if that is not 0, and returns how many there are. The others are added to *refusals. */
size_t ria_token_passfile_add_lines(
    const struct ria_pq_target *target,
    size_t spare,
    struct ria_buf *out,
    struct ria_refusals *refusals);

/* Appends the lines of each entry of pg_service.conf that names this passfile and is fit for
 * tokens. Returns the number of such entries; with dry_run no line is made. */
size_t ria_token_passfile_add_entries(const char *path, bool dry_run, struct ria_buf *out);

#endif
