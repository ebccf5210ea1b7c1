/* SPDX-License-Identifier: MIT
 *
 * The reading side of the credential cache: finds the cache file of a plan (aws/plan.h), and reads
 * this file. Only rds-iam-fetch writes cache files and takes locks (fetch/store.h).
 *
 *   $XDG_RUNTIME_DIR/rds-iam/cache/<name>, else ~/.cache/rds-iam/cache/<name>
 *
 * $XDG_RUNTIME_DIR is ignored if it does not belong to the user, or if other users can write it.
 *
 * The directory has mode 0700, the files 0600, and the user owns both. Credentials that belong to
 * one machine or container are cached under $XDG_RUNTIME_DIR only, because several hosts may share
 * a home directory. The output of a credential_process, and the credentials of roles assumed with
 * that output, are also cached under $XDG_RUNTIME_DIR only, and only if the user sets
 * cache_credential_process. By default neither is cached in a file, because the command may be a
 * password manager, whose purpose is to keep keys off disks. The name of the file that caches the
 * output of a credential_process also depends on the environment variables AWS_* and HOME, because
 * the command may run AWS's tools, which read these variables.
 */
#ifndef RIA_PROVIDER_CACHE_H
#define RIA_PROVIDER_CACHE_H

#include "provider/cache_name.h"
#include "provider/provider.h"
#include "provider/response.h"

struct ria_cache_place {
    char directory[RIA_PATH_MAX]; /* "": the result is not cached on disk */
    char name[RIA_CACHE_NAME_SIZE];
};

/* Writes the path of a possible cache directory; `index` counts from 0. Returns false if `index` is
 * beyond the last possible directory. The directory need not exist. */
bool ria_cache_directory(const struct ria_world *world, size_t index, char path[RIA_PATH_MAX]);

/* Fills *out with the directory and the name of the plan's cache file. Reads the token file of a
 * web identity or a container, because its contents are part of the name. Returns false with err
 * filled if the name cannot be computed, for example because that token file cannot be read. */
bool ria_cache_find_place(
    const struct ria_world *world,
    const struct ria_plan *plan,
    struct ria_cache_place *out,
    struct ria_error *err) RIA_MUST_USE;

/* Fills *out with the directory and the name of the cache file for the output of the plan's
 * credential_process. The name does not depend on the roles that are assumed with the output.
 * Returns false if the plan's source is not a credential_process, if its output must not be cached
 * in a file (cache_credential_process is not set, or XDG_RUNTIME_DIR cannot be used), or if the
 * name cannot be computed. */
bool ria_cache_find_process(
    const struct ria_world *world, const struct ria_plan *plan, struct ria_cache_place *out);

/* Returns what is wrong with XDG_RUNTIME_DIR, such as "not set", or NULL if it can be used. The
 * text is static. */
const char *ria_cache_runtime_fault(const struct ria_world *world);

/* Reads a cache file into *out. Returns false if place->directory is "". Also returns false if
 * no usable file exists, and logs why at level info. */
bool ria_cache_read(
    const struct ria_world *world, const struct ria_cache_place *place, struct ria_response *out);

/* Returns offset->seconds, the number of seconds to add to this machine's time to get AWS's time,
 * if the offset is still valid (struct ria_clock_offset). Returns 0 if the offset is no longer
 * valid, or if the system does not identify this machine. */
int64_t ria_cache_offset(const struct ria_world *world, const struct ria_clock_offset *offset);

/* Returns how many seconds before their expiry time the plan's credentials are renewed. This number
 * is the life of an RDS token. For a role that rds-iam assumes, up to five minutes are added.
 * Without this addition, hosts that have started at the same time would also renew at the same
 * time, and STS would throttle them. The added time depends on the access key id, which differs for
 * each session, so all processes that use a session compute the same time. The added time is at
 * most a quarter of the time by which the session lasts longer than a token. No time is added if a
 * role of the plan needs an MFA code. */
int64_t ria_cache_margin(const struct ria_plan *plan, const struct ria_credentials *credentials);

/* Returns true if cached credentials can be used without a renewal. The credentials must have no
 * expiry time, or be valid for at least ria_cache_margin() from now. If the response contains a
 * clock offset, that offset must also still be valid. */
bool ria_cache_is_fresh(
    const struct ria_world *world,
    const struct ria_plan *plan,
    const struct ria_response *response);

/* Returns the pause between a failed renewal and the next attempt, in seconds. The pause is a tenth
 * of `left`, the number of seconds for which the old credentials are still valid. */
int64_t ria_cache_renewal_pause(int64_t left);

#endif
