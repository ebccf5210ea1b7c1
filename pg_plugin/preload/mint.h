/* SPDX-License-Identifier: MIT
 *
 * What the files of rds-iam-pq-mint.so offer one another: passfiles in memory.
 */
#ifndef RIA_PRELOAD_MINT_H
#define RIA_PRELOAD_MINT_H

#include "preload/module.h"

#include "rds_iam.h"

enum {
    /* A passfile that an agent keeps for ten thousand entries has 15 MB. */
    RIA_PASSFILE_MAX = 32 * 1024 * 1024,
};

/* How well libpq protects a connection with the target's settings. sslmode NULL is its default.
 * Where it may be encrypted by Kerberos, sslmode does not count. */
enum ria_channel ria_channel_of(const struct ria_pq_target *target);

/* False for a connection that Kerberos may encrypt; err says what to set. */
bool ria_check_gssencmode(const struct ria_pq_target *target, struct ria_error *err);

/* A token for one host, or a warning in the log. host and port are as dialled. */
bool ria_mint_token(
    const struct ria_pq_target *target,
    const char *host,
    unsigned port,
    struct ria_deadline deadline,
    struct ria_token *token);

/* Appends, behind the password of a line that has no newline yet, that many bytes more: libpq keeps
 * the rest of the line in the block of memory that holds the password (passwordFromFile(), 10 to
 * 18), so that a longer token can take its place before a reset. Other readers may not take such a
 * line. */
void ria_mint_spare(size_t spare, struct ria_buf *out);

/* Appends a line for each host of the target for which a token can be made, each with `spare` bytes
 * more if that is not 0, and returns how many there are. */
size_t ria_mint_lines(const struct ria_pq_target *target, size_t spare, struct ria_buf *out);

/* Appends the lines of each entry of pg_service.conf that names this passfile and is fit for
 * tokens. Returns the number of such entries; with only_ask no line is made. */
size_t ria_mint_entries(const char *path, bool only_ask, struct ria_buf *out);

#endif
