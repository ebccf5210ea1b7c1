/* SPDX-License-Identifier: MIT
 *
 * The reading side of the credential cache: finds the cache file of a plan, and reads it. Only
 * rds-iam-fetch writes cache files and takes locks (fetch/store.h).
 *
 *   $XDG_RUNTIME_DIR/rds-iam/cache/<name>, else ~/.cache/rds-iam/cache/<name>
 *
 * A runtime directory that does not belong to the user, or that other users can write, is ignored.
 *
 * The directory has mode 0700, the files 0600, and the user owns both. Credentials that belong to
 * one machine or container are cached under $XDG_RUNTIME_DIR only, because several hosts may share
 * a home directory. The output of a credential_process, and roles assumed with it, are also cached
 * there only, and only if the user sets cache_credential_process: password managers exist to keep
 * such keys off disks. The file name then also depends on the part of the command's environment
 * that AWS's tools read: AWS_* and HOME.
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
 * beyond the last one. The directory may not exist. */
bool ria_cache_directory(const struct ria_world *world, size_t index, char path[RIA_PATH_MAX]);

/* Fills *out with the directory and the name of the plan's cache file. Reads the token file of a
 * web identity or a container, which is part of the name. Returns false with err filled if the name
 * cannot be computed, for example because that token file cannot be read. */
bool ria_cache_find_place(
    const struct ria_world *world,
    const struct ria_plan *plan,
    struct ria_cache_place *out,
    struct ria_error *err) RIA_MUST_USE;

/* Fills *out with the place of the cached output of the plan's credential_process, without the
 * roles that are assumed with it. Returns false if the output is not cached. */
bool ria_cache_find_process(
    const struct ria_world *world, const struct ria_plan *plan, struct ria_cache_place *out);

/* Returns what is wrong with XDG_RUNTIME_DIR, such as "not set", or NULL if it can be used. The
 * text is static. */
const char *ria_cache_runtime_fault(const struct ria_world *world);

/* Reads a cache file into *out. Returns false if no usable file exists; logs why at level info. */
bool ria_cache_read(
    const struct ria_world *world, const struct ria_cache_place *place, struct ria_response *out);

/* Returns the seconds to add to this machine's time to get AWS's time: offset->seconds, if this
 * machine has not rebooted and its clock was not set since the offset was measured; else 0. */
int64_t ria_cache_offset(const struct ria_world *world, const struct ria_clock_offset *offset);

/* Returns true if cached credentials can be used without a renewal: they outlive an RDS token, and
 * the clock was not set since its offset was measured. */
bool ria_cache_is_fresh(const struct ria_world *world, const struct ria_response *response);

#endif
