/* SPDX-License-Identifier: MIT
 *
 * The cache of credentials as a guest sees it: which file a plan's result lies in, and reading it.
 * Only rds-iam-fetch writes there and takes locks (fetch/store.h).
 *
 *   $XDG_RUNTIME_DIR/rds-iam/cache/<name>, else ~/.cache/rds-iam/cache/<name>
 *
 * A runtime directory that does not belong to the user, or that others can write, counts as none.
 *
 * Directory 0700, files 0600, both the user's own. Credentials that belong to one machine or
 * container are kept under $XDG_RUNTIME_DIR alone, because a home may be shared between hosts. So
 * are those of a credential_process, and what is assumed with them, and only where the user asks
 * for it (cache_credential_process): password managers exist to keep these off disks. Their name
 * holds the environment that the command is run in, as far as AWS's tools read it: AWS_* and HOME.
 */
#ifndef RIA_PROVIDER_CACHE_H
#define RIA_PROVIDER_CACHE_H

#include "provider/cache_name.h"
#include "provider/provider.h"
#include "provider/response.h"

struct ria_cache_place {
    char directory[RIA_PATH_MAX]; /* "": nothing can be kept on disk */
    char name[RIA_CACHE_NAME_SIZE];
};

/* Where cache directories can be, in `index` order; false beyond the last. */
bool ria_cache_directory(const struct ria_world *world, size_t index, char path[RIA_PATH_MAX]);

/* Says where the plan's result is kept. False with err filled if the plan is broken: a web
 * identity's token file that cannot be read, say. */
bool ria_cache_find_place(
    const struct ria_world *world,
    const struct ria_plan *plan,
    struct ria_cache_place *out,
    struct ria_error *err) RIA_MUST_USE;

/* Says where the output of the plan's credential_process is kept, for a plan whose roles are
 * assumed with it. False: nowhere. */
bool ria_cache_find_process(
    const struct ria_world *world, const struct ria_plan *plan, struct ria_cache_place *out);

/* What is wrong with XDG_RUNTIME_DIR: "not set", or the like; NULL: nothing is. */
const char *ria_cache_runtime_fault(const struct ria_world *world);

/* Reads the entry. False: there is none that can be trusted; one that was passed over is logged. */
bool ria_cache_read(
    const struct ria_world *world, const struct ria_cache_place *place, struct ria_response *out);

/* Seconds to add to the machine's time: the answer's offset, if this is still the machine and the
 * clock that it was learned on; else 0. */
int64_t ria_cache_offset(const struct ria_world *world, const struct ria_clock_offset *offset);

/* Whether credentials that were kept serve without a new look: they outlive a token, and the clock
 * has not been set since its offset was learned. */
bool ria_cache_is_fresh(const struct ria_world *world, const struct ria_response *response);

#endif
