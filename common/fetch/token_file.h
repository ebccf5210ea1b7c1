/* SPDX-License-Identifier: MIT
 *
 * A token file of the AWS CLI's: read, locked among our own processes, replaced. The CLI takes no
 * lock, and some versions of it write in place; so a file that is no JSON is looked at again, and
 * one that has changed under our hands is left as it is. Root leaves a file of another user, as in
 * a home that is mounted into a container, to that user, and renews none in a directory of a third
 * one.
 */
#ifndef RIA_FETCH_TOKEN_FILE_H
#define RIA_FETCH_TOKEN_FILE_H

#include "fetch/document.h"
#include "fetch/fetch.h"

struct ria_token_file {
    char path[RIA_PATH_MAX];
    struct ria_document document;
    struct ria_file facts; /* when it was read */
    int lock;              /* -1: not held */
};

#define RIA_TOKEN_FILE_INIT                                                                        \
    {                                                                                              \
        .lock = -1                                                                                 \
    }

/* The file that holds the token of the plan's session:
 *
 *   ~/.aws/sso/cache/SHA-1 of the session's name, or of the start URL.json
 *   ~/.aws/login/cache/SHA-256 of the ARN in login_session.json; the directory can be another one
 *
 * False with err filled: HOME is not set, or the path is too long. */
bool ria_token_file_path(
    const struct ria_world *world,
    const struct ria_plan *plan,
    char path[RIA_PATH_MAX],
    struct ria_error *err) RIA_MUST_USE;

/* Reads the plan's file anew. ABSENT if there is none; FAILED if it cannot be read, with
 * RIA_E_CONFIG if others can write it (base/trust.h). */
enum ria_outcome ria_token_file_read(
    const struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err) RIA_MUST_USE;

/* Waits for PATH.lock until the deadline. It stays held by a process that is forked off. */
bool ria_token_file_lock(
    const struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err) RIA_MUST_USE;

/* Before a token is spent: whether its successor could be written. Writes as much to the disk. */
bool ria_token_file_prepare(const struct ria_token_file *file, struct ria_error *err) RIA_MUST_USE;

/* Replaces the file by the document, whole, 0600, and on the disk when it returns; unless `member`
 * is no longer `text` in the file, because somebody has logged in anew. */
bool ria_token_file_replace(
    const struct ria_fetch *fetch,
    struct ria_token_file *file,
    const char *member,
    const char *text,
    struct ria_error *err) RIA_MUST_USE;

void ria_token_file_release(struct ria_token_file *file);

#endif
