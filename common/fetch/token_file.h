/* SPDX-License-Identifier: MIT
 *
 * Reads a token file of the AWS CLI, locks the file against other processes of rds-iam, and
 * replaces the file.
 *
 * The AWS CLI takes no lock, and some versions of it write the file in place. So if a file is not
 * valid JSON, ria_token_file_read() reads the file again after a moment. And
 * ria_token_file_replace() does not overwrite a file in which another program has replaced the
 * refresh token since the file was read.
 *
 * Root may use a token file of another user, for example in a home directory that is mounted into a
 * container. Root gives the files that it creates to that user. If the directory does not belong to
 * that user, root renews nothing.
 */
#ifndef RIA_FETCH_TOKEN_FILE_H
#define RIA_FETCH_TOKEN_FILE_H

#include "fetch/document.h"
#include "fetch/fetch.h"

struct ria_token_file {
    char path[RIA_PATH_MAX];
    struct ria_document document;
    struct ria_file facts; /* owner, mode and times of the file when it was read */
    int lock;              /* descriptor of PATH.lock; -1: not open */
};

#define RIA_TOKEN_FILE_INIT                                                                        \
    {                                                                                              \
        .lock = -1                                                                                 \
    }

/* Writes the path of the token file of the plan's session:
 *
 *   SSO        ~/.aws/sso/cache/HEX.json, where HEX is the SHA-1 of the session's name, or of the
 *              start URL if the profile has the legacy form (no sso_session)
 *   aws login  ~/.aws/login/cache/HEX.json, where HEX is the SHA-256 of the ARN in login_session;
 *              AWS_LOGIN_CACHE_DIRECTORY can name another directory
 *
 * Returns false with err filled if HOME is not set, or if the path is too long. */
bool ria_token_file_path(
    const struct ria_world *world,
    const struct ria_plan *plan,
    char path[RIA_PATH_MAX],
    struct ria_error *err) RIA_MUST_USE;

/* Reads the plan's token file into *file. Returns FOUND; ABSENT if the file does not exist; FAILED
 * with err filled if the file cannot be read or is not JSON. The error code is RIA_E_CONFIG if
 * other users can write the file (base/trust.h). May block for 0.1 s if the file is not JSON. */
enum ria_outcome ria_token_file_read(
    const struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err) RIA_MUST_USE;

/* Locks PATH.lock. Waits for the lock until the deadline at most. A child process inherits the
 * lock. Returns false with err filled on failure. */
bool ria_token_file_lock(
    const struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err) RIA_MUST_USE;

/* Checks before a renewal that the new token can be stored: writes a temporary file of the expected
 * size to the disk and removes it. Returns false with err filled on failure. */
bool ria_token_file_prepare(const struct ria_token_file *file, struct ria_error *err) RIA_MUST_USE;

/* Replaces the file atomically by file->document, with mode 0600. The data is on the disk when the
 * function returns. Returns true without writing if the value of `member` in the file on disk is no
 * longer `text`. In this case another program has replaced the token: for example, the user has
 * logged in again. Returns false with err filled if the file cannot be written. */
bool ria_token_file_replace(
    const struct ria_fetch *fetch,
    struct ria_token_file *file,
    const char *member,
    const char *text,
    struct ria_error *err) RIA_MUST_USE;

/* Frees the document and releases the lock. */
void ria_token_file_release(struct ria_token_file *file);

#endif
