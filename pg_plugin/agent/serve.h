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

#include "agent/serve_file.h"

/* Takes over entries. Files that the ones before had too stay as they are; the others are made, or
 * removed. False only without memory, and then the ones before are still in use. */
bool ria_serve_take(struct ria_serve *serve, struct ria_entries *entries) RIA_MUST_USE;

/* An opener waits for some file: signals were lost. (serve_file.h: for one.) */
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
 * next call is due at serve->next_check; to be called before ria_serve_work(). */
void ria_serve_check_credentials(struct ria_serve *serve);

/* Whether every line was tried, and none waits for its credentials. */
bool ria_serve_is_checked(const struct ria_serve *serve);

/* Removes every passfile. */
void ria_serve_end(struct ria_serve *serve);

#endif
