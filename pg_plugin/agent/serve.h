/* SPDX-License-Identifier: MIT
 *
 * Serves all passfiles: decides what each file contains at each moment.
 *
 * If leases work, a passfile is empty and leased until a client opens it. The client waits in
 * open(2) while the worker makes the lines of the file, for four seconds at most, and then reads
 * the lines that are ready. As soon as no process has the file open, the worker takes the lease
 * again and empties the file. If a process keeps the file open for two seconds, the worker replaces
 * the file by a new one. For one second after the worker has made a text, it gives this text to
 * every client. A text of more than 256 KiB is an exception: the worker writes it in pieces and
 * does not cache it, so the next client gets a new text.
 *
 * If leases do not work, a passfile always contains tokens. After a third of the tokens' life, the
 * worker replaces the file by one with fresh tokens.
 *
 * No function here blocks, except to read, create, write and remove local files. Times are the
 * agent's ticks, except the times of renewal, which are seconds since 1970.
 */
#ifndef RIA_AGENT_SERVE_H
#define RIA_AGENT_SERVE_H

#include "agent/serve_file.h"

/* Replaces the entries by new ones; *entries is then empty. Keeps each passfile that is in the old
 * and in the new entries, creates each one that is only in the new entries, and removes each one
 * that is only in the old entries. Returns false, with the old entries still in use, only if there
 * is not enough memory. */
bool ria_serve_set_entries(struct ria_serve *serve, struct ria_entries *entries) RIA_MUST_USE;

/* Handles the clients that wait for any of the files. Call it if signals were lost, because the
 * worker then does not know which files clients wait for. (ria_serve_open() in serve_file.h handles
 * one file.) */
void ria_serve_open_all(struct ria_serve *serve);

/* If the passfile of that name was removed, makes the worker create it again. With leases, does the
 * same for a passfile that was replaced, linked, or given another mode. Call this function after
 * inotify has reported a change of this name in the directory. */
void ria_serve_check(struct ria_serve *serve, const char *name);

/* After a fetch of credentials has succeeded or failed, tries again the lines that wait for
 * credentials. */
void ria_serve_retry(struct ria_serve *serve);

/* Discards all texts and renews all tokens, because the clock was set or the user asked for it. */
void ria_serve_renew(struct ria_serve *serve);

/* Does the work that is due, but only for some milliseconds. Returns the time, in ticks, at which
 * to call it again. If more work is due immediately, the returned time is not later than now.
 * INT64_MAX: each file is at rest, or contains tokens that only ria_serve_check_credentials()
 * renews. */
int64_t ria_serve_work(struct ria_serve *serve);

/* Does the work that depends on the wall clock: checks that credentials are available before a
 * client needs them, and renews files. The next call is due at serve->next_check. Call it before
 * ria_serve_work(). */
void ria_serve_check_credentials(struct ria_serve *serve);

/* Returns true if the worker has tried to make the token of every line, and no line waits for
 * credentials. */
bool ria_serve_is_checked(const struct ria_serve *serve);

/* Removes every passfile and releases *serve. */
void ria_serve_end(struct ria_serve *serve);

#endif
