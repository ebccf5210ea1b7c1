/* SPDX-License-Identifier: MIT
 *
 * The passfiles: what is in them when.
 *
 * Where leases work a file is empty and leased until somebody opens it. That one waits in open(2)
 * while its lines are made, four seconds at most, and reads those that are ready. Afterwards the
 * lease is taken again as soon as nobody has the file open, and the file emptied; one that is kept
 * open for two seconds is replaced by a new one. What was made serves everybody for a second.
 *
 * Where leases do not work a file is renewed after a third of its tokens' life, and replaced whole.
 *
 * Nothing here waits. Times are the agent's ticks, but for those of renewal.
 */
#ifndef RIA_AGENT_SERVE_H
#define RIA_AGENT_SERVE_H

#include "agent/token_line.h"

struct ria_serve {
    struct ria_agent *agent;
    struct ria_mint mint;
    struct ria_entries entries;
    bool is_leasing;
    size_t leased;     /* files that are open here */
    size_t leased_max; /* the limit of open files, less what everything else needs */
    uint64_t opened;   /* files that somebody waited for */
    size_t *listed;    /* indices of the files that are not at rest */
    size_t listed_count;
    size_t *by_fd; /* index of the file that has this descriptor */
    size_t by_fd_count;
    size_t look;       /* line that is looked at next */
    int64_t next_look; /* seconds since 1970 */
    int64_t
        let_go_by; /* ticks: when the one who waits longest is let go; INT64_MAX: nobody waits */
};

/* Takes over entries. Files that the ones before had too stay as they are; the others are made, or
 * removed. False only without memory, and then the ones before are still in use. */
bool ria_serve_take(struct ria_serve *serve, struct ria_entries *entries) RIA_MUST_USE;

/* Somebody waits for the file with this descriptor; or for some file, when signals were lost. */
void ria_serve_open(struct ria_serve *serve, int fd);
void ria_serve_open_all(struct ria_serve *serve);

/* A name in the directory may not be what it was. */
void ria_serve_check(struct ria_serve *serve, const char *name);

/* Credentials have come, or not: whoever waits for some is tried again. */
void ria_serve_retry(struct ria_serve *serve);

/* Everything is made anew: the clock was set, or a person asks for it. */
void ria_serve_renew(struct ria_serve *serve);

/* Goes on with what is due, for some milliseconds. Returns the ticks of the next call: now, if
 * there is more; INT64_MAX, if everything is at rest. */
int64_t ria_serve_work(struct ria_serve *serve);

/* The same for what goes by the wall clock: looking at credentials ahead of need, and renewal. The
 * next call is due at serve->next_look; to be called before ria_serve_work(). */
void ria_serve_look(struct ria_serve *serve);

/* Whether every line was tried, and none waits for its credentials. */
bool ria_serve_is_looked(const struct ria_serve *serve);

/* Removes every passfile. */
void ria_serve_end(struct ria_serve *serve);

#endif
