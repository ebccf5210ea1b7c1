/* SPDX-License-Identifier: MIT
 *
 * Indexes the services of all service files: which of them libpq reads, and which share a passfile.
 * If several services have the same name, in one file or in both, libpq reads only the first. A
 * later service with the same name gets no token and does not affect other services.
 *
 * One invalid entry disqualifies every entry that shares its passfile. The reason: every program
 * that reads the passfile gets all its lines, and the environment or the command line may set what
 * the invalid entry leaves out (host, port, user). So a connection of the invalid entry could get
 * the token that was made for a valid entry. The agent, `rds-iam lint` and the preload use this
 * index; no other code makes this decision.
 */
#ifndef RIA_SERVICE_INDEX_H
#define RIA_SERVICE_INDEX_H

#include "passfile/passfile.h"
#include "service/entry.h"

/* One service. The members after `first` are set only if the service has a passfile
 * (entry.passfile). */
struct ria_indexed_service {
    const struct ria_service_file *file;
    const struct ria_service *service;
    const struct ria_indexed_service
        *first; /* the first service with the same name: this service, or an earlier one */
    struct ria_entry entry;
    struct ria_passfile_place passfile;
    bool is_valid; /* the result of ria_entry_check() */
    const struct ria_indexed_service
        *opposite; /* the first service that shares the passfile and whose is_valid differs from
                      this one's; NULL: there is none, or libpq never reads this service */
};

struct ria_service_index {
    struct ria_indexed_service *services; /* in the order in which libpq reads them */
    size_t count;                         /* of services */
    struct ria_indexed_service *
        *by_passfile; /* the services that libpq reads and that have a passfile, sorted by passfile,
                         then in libpq's order */
    size_t entry_count; /* of by_passfile */
};

/* Indexes the services of `files`, an array of `count` files in the order in which libpq reads
 * them. The index borrows from the array. `own` is the agent's directory, as in
 * ria_passfile_locate(), or NULL. Takes some microseconds for each service with a passfile. Returns
 * false if there is not enough memory. The caller releases *out in any case, or uses
 * RIA_AUTO(service_index). */
bool ria_service_index_make(
    const struct ria_service_file *files,
    size_t count,
    const struct ria_passfile_directory *own,
    struct ria_service_index *out) RIA_MUST_USE;

/* Checks whether a service of by_passfile may have tokens: the service must be valid, and all
 * services that share its passfile must also be valid. Otherwise returns false with err filled; the
 * message names the line.
 */
bool ria_service_index_check(const struct ria_indexed_service *service, struct ria_error *err)
    RIA_MUST_USE;

/* Fills err with the message that the service and its opposite cannot share their passfile. The
 * opposite must not be NULL. */
void ria_service_index_describe_sharing(
    const struct ria_indexed_service *service, struct ria_error *err);

void ria_service_index_release(struct ria_service_index *index);

#endif
