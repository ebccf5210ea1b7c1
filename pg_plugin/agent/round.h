/* SPDX-License-Identifier: MIT
 *
 * One round of the agent's work: read the service files anew, check the entries whose passfile lies
 * in the agent's directory, make a token for each of their hosts, replace the passfiles. What is
 * said about it goes to the report. When the next round is due is said here and waited for in
 * main.c.
 */
#ifndef RIA_AGENT_ROUND_H
#define RIA_AGENT_ROUND_H

#include "agent/directory.h"
#include "agent/report.h"

struct ria_agent {
    const struct ria_world *world; /* its log goes to the report */
    const char *sysconfdir;        /* where libpq looks for the system-wide pg_service.conf */
    struct ria_directory *directory;
    struct ria_report *report;
    struct ria_buf published; /* names of the passfiles that the last round wrote */
};

/* A hundred thousand names. */
#define RIA_AGENT_PUBLISHED_MAX ((size_t)4 * 1024 * 1024)

struct ria_round {
    size_t entries; /* with a passfile in the directory */
    size_t served;  /* of these: checked, and with a token for each host */
    bool is_broken; /* a service file could not be read */
    int64_t due;    /* when the next round must begin, seconds since 1970 */
};

/* Passfiles of entries that no longer are there are removed; one for which no token can be made is
 * emptied, so that nobody sends a stale one. */
void ria_round_run(struct ria_agent *agent, struct ria_round *out);

/* Changes when a service file was edited, came or went: a reason for a round before its time. */
uint64_t ria_round_stamp(const struct ria_agent *agent);

/* Removes every passfile that the last round wrote. */
void ria_round_undo(struct ria_agent *agent);

#endif
