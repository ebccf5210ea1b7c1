/* SPDX-License-Identifier: MIT
 *
 * Stores why entries are not served, for --status. Two kinds of reasons are stored, and --status
 * prints each kind as lines of its own format:
 *
 *   refused      [NAME] (FILE:LINE): MESSAGE            a rule rejects the service
 *   failed       [NAME] (FILE:LINE): TIME USER at HOST:PORT: MESSAGE
 *                                                       the last failed attempt to make a token
 *                                                       for a host; the line stays after a success
 *
 * At most 100 reasons of each kind are stored: the first refused entries in the order of the
 * service files, and the newest failures. If there are more, --status prints another line with the
 * number of reasons that are not stored:
 *
 *   refused      and N more; run: rds-iam lint
 *   failed       and N more; see the log
 *
 * So the memory is bounded, even with ten thousand entries. This code also stores why a service
 * file is invalid, and the number of services without a passfile in the agent's directory. NAME
 * contains no ']'. Lines contain no secrets, and control characters are replaced.
 */
#ifndef RIA_AGENT_REFUSALS_H
#define RIA_AGENT_REFUSALS_H

#include "rds_iam.h"

enum {
    RIA_REFUSALS_MAX = 100, /* lines of each kind */
};

/* -- refused entries --------------------------------------------------------------------------- */

/* The caller zeroes this struct, and releases it with ria_refusals_release(). */
struct ria_refusals {
    struct ria_buf text;        /* the lines */
    size_t count;               /* of refused entries, including those without a line */
    size_t others;              /* services without a passfile in the agent's directory */
    struct ria_buf other_names; /* of the first RIA_REFUSALS_MAX of them, separated by ", " */
    char invalid_file[RIA_ERROR_TEXT_MAX]; /* why a service file is not used; "": all are used */
};

/* What a line is about. */
struct ria_refused {
    const char *name; /* of the service */
    const char *path; /* of the service file */
    unsigned line;
};

void ria_refusals_add(
    struct ria_refusals *refusals, const struct ria_refused *what, const char *message);

/* Records a service without a passfile in the agent's directory. */
void ria_refusals_add_other(struct ria_refusals *refusals, const char *name);

/* Appends these lines: if a service file is invalid, "invalid FILE:LINE: MESSAGE"; the lines of the
 * refused entries; and a line with the number and the names of other services. */
void ria_refusals_describe(const struct ria_refusals *refusals, struct ria_buf *out);

void ria_refusals_release(struct ria_refusals *refusals);

/* -- failed attempts --------------------------------------------------------------------------- */

struct ria_failure {
    uint64_t key; /* identifies the host of the service, even after the service files were edited */
    int64_t when; /* seconds since 1970 */
    char message[RIA_ERROR_TEXT_MAX];
};

/* The caller zeroes this struct, and releases it with ria_failures_release(). */
struct ria_failures {
    struct ria_failure
        *kept; /* owned; RIA_REFUSALS_MAX of them, or NULL before the first failure */
    size_t kept_count;
};

/* Records a failure. The new failure replaces the last failure with this key. If no failure has
 * this key and RIA_REFUSALS_MAX failures are stored, the new failure replaces the oldest one. If
 * memory runs out, records nothing. */
void ria_failures_add(
    struct ria_failures *failures, uint64_t key, int64_t when, const struct ria_error *err);

/* Returns the failure with this key, or NULL. Borrowed until the next call of ria_failures_add().
 */
const struct ria_failure *ria_failures_find(const struct ria_failures *failures, uint64_t key);

void ria_failures_release(struct ria_failures *failures);

#endif
