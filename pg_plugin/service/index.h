/* SPDX-License-Identifier: MIT
 *
 * Every service of all files, which of them libpq reads, and which share a passfile. Of the
 * services of one name libpq reads the first one only, over both files, so a later one neither gets
 * a token nor counts for others.
 *
 * A passfile gives its lines to whoever reads it, and what an entry leaves out (host, port, user)
 * the environment or the command line may fill in. So one invalid entry disqualifies every entry
 * that shares its passfile: its connection would get the token that another one is due. The agent,
 * `rds-iam lint` and the preload ask this index, and nothing else decides it.
 */
#ifndef RIA_SERVICE_INDEX_H
#define RIA_SERVICE_INDEX_H

#include "passfile/passfile.h"
#include "service/entry.h"

/* A service. What is behind `first` is set only where it has a passfile (entry.passfile). */
struct ria_indexed_service {
    const struct ria_service_file *file;
    const struct ria_service *service;
    const struct ria_indexed_service *first; /* of its name: itself, or one in front of it */
    struct ria_entry entry;
    struct ria_passfile_place passfile;
    bool is_valid;                              /* by ria_entry_check() */
    const struct ria_indexed_service *opposite; /* the first that shares its passfile and is not as
                                                   valid as it; NULL: none, or it is never read */
};

struct ria_service_index {
    struct ria_indexed_service *services; /* in the order in which libpq reads them */
    size_t count;
    struct ria_indexed_service **by_passfile; /* those that libpq reads and that have a passfile: by
                                                 passfile, and then in that order */
    size_t entry_count;
};

/* Indexes the services of `count` files, which stand in an array in the order in which libpq reads
 * them, and are borrowed. `own`: the directory of an agent, as in ria_passfile_locate(), or NULL.
 * Some microseconds for each service with a passfile. False without memory. Release it, or use
 * RIA_AUTO(service_index), in any case. */
bool ria_service_index_make(
    const struct ria_service_file *files,
    size_t count,
    const struct ria_passfile_directory *own,
    struct ria_service_index *out) RIA_MUST_USE;

/* Whether tokens may be made for a service of by_passfile: it is valid, and so are all that share
 * its passfile. False with err filled and naming the line. */
bool ria_service_index_check(const struct ria_indexed_service *service, struct ria_error *err)
    RIA_MUST_USE;

/* Says that the service and its opposite, which must not be NULL, may not share their passfile. */
void ria_service_index_describe_sharing(
    const struct ria_indexed_service *service, struct ria_error *err);

void ria_service_index_release(struct ria_service_index *index);

#endif
