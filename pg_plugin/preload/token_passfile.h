/* SPDX-License-Identifier: MIT
 *
 * Internal interface of rds-iam-pq-token.so: checks a target, makes tokens, and writes them as
 * lines of a passfile. The functions may be called from any thread.
 */
#ifndef RIA_PRELOAD_TOKEN_PASSFILE_H
#define RIA_PRELOAD_TOKEN_PASSFILE_H

#include "preload/pq_target.h"

#include "rds_iam.h"

#include "service/entry.h"

enum {
    /* Bytes. A passfile that an agent serves for ten thousand entries has 15 MB. */
    RIA_PASSFILE_MAX = 32 * 1024 * 1024,
};

/* Returns how well libpq protects a connection with the target's settings. If sslmode is NULL,
 * libpq's default applies. If Kerberos may encrypt the connection, a connection with
 * sslmode=verify-full or verify-ca also counts as unverified. */
enum ria_channel ria_channel_of(const struct ria_pq_target *target);

/* Checks the conditions for sending any token, regardless of how the server is verified. Returns
 * false if Kerberos may encrypt the connection, if one of its hosts is a Unix socket, or if another
 * user could write the service file that its settings came from. On failure *err contains the
 * reason and what to change. */
bool ria_check_target(const struct ria_pq_target *target, struct ria_error *err) RIA_MUST_USE;

/* Returns which root certificates verify the target's hosts. Reads rds-iam's configuration. */
enum ria_pq_ca ria_target_ca(const struct ria_pq_target *target);

/* Hosts for which no token was made, each with the reason. The refusals are collected and logged
 * later, because their log level depends on the passfile, which is read later. The caller releases
 * the struct, or uses RIA_AUTO(refusals). */
struct ria_refusals {
    struct ria_refusal {
        struct ria_entry_host host;
        struct ria_error err;
    } * items;
    size_t count;
};

/* Frees the items and clears *refusals. */
void ria_refusals_release(struct ria_refusals *refusals);

/* Writes to `out` the message that there is no token for a user at a host and port, and why. */
void ria_token_passfile_refusal(
    const char *user, const char *host, unsigned port, const char *why, char out[RIA_LOG_LINE_MAX]);

/* Logs each refusal, as a warning. If the target already has a valid token (target->has_token is
 * true, or `own` has a line for the same host, port and user), logs the refusal as information
 * instead. own: the lines with tokens of the target's own passfile; may be empty. */
void ria_token_passfile_log_refusals(
    const struct ria_pq_target *target,
    const struct ria_refusals *refusals,
    const struct ria_buf *own);

/* Makes a token for the target's user at `host` and `port`, as dialed, and adds its access key id
 * to the history (key_history.h). Returns false with *err filled if no token may be sent to the
 * target or none can be made before the deadline. The caller releases *token. */
bool ria_token_passfile_token(
    const struct ria_pq_target *target,
    const char *host,
    unsigned port,
    struct ria_deadline deadline,
    struct ria_token *token,
    struct ria_error *err);

/* Appends a ':' and `spare` bytes to a line that ends with its password and has no newline yet.
 * libpq stores the rest of the line in the memory block of the password (passwordFromFile(), 10 to
 * 18). So the block has room for a longer token, which a reset may write there (reset.c). Readers
 * other than libpq may reject such a line. */
void ria_token_passfile_add_spare(size_t spare, struct ria_buf *out);

/* Makes a token for each host of the target, except Unix sockets, and appends a line for each
 * token to *out, with `spare` extra bytes (0: none). All tokens share one deadline of
 * RIA_LOGIN_BUDGET_MS. A host for which no token can be made is added to *refusals. Returns the
 * number of lines. */
size_t ria_token_passfile_add_lines(
    const struct ria_pq_target *target,
    size_t spare,
    struct ria_buf *out,
    struct ria_refusals *refusals);

/* Appends the lines of each entry of pg_service.conf that names this passfile. If dry_run is true,
 * makes no token and appends no line. Returns the number of these entries. Returns 0 if one of them
 * is not valid for tokens, or if memory runs out. */
size_t ria_token_passfile_add_entries(const char *path, bool dry_run, struct ria_buf *out);

#endif
