/* SPDX-License-Identifier: MIT
 *
 * A conversation with rds-iam-fetch: the program is started, takes one question, gives one answer,
 * and has ended when the conversation has. One state machine, which never waits, for both callers:
 * ria_fetch_client_run() is the fetch() of the process's own world (base/world.h) and is poll()
 * around it; login/background.c has many at a time. What is in question and answer is not known
 * here.
 */
#ifndef RIA_FETCH_CLIENT_H
#define RIA_FETCH_CLIENT_H

#include "base/world.h"

enum ria_fetch_state {
    RIA_FETCH_WAITS,    /* for `events` on `fd` */
    RIA_FETCH_ANSWERED, /* *response holds a whole record */
    RIA_FETCH_FAILED,   /* there will be none: err says why */
};

/* Zero it but for fd, which is -1 where no program runs. Its members are read by the caller and
 * changed here alone. */
struct ria_fetch_client {
    int fd;       /* a socket; -1: no program runs */
    short events; /* as of poll(): what it waits for */

    pid_t pid;
    const char *home;
    const struct ria_buf *request;
    struct ria_buf *response;
    size_t sent;             /* of the question */
    bool keeps_library_path; /* the second try */
};

/* Starts the program. All but err is borrowed until the end: `home`, the user's home directory
 * (ria_world_home()), or NULL; *request and *response, whose max is RIA_RECORD_MAX. False with err
 * filled if it cannot be started. */
bool ria_fetch_client_start(
    struct ria_fetch_client *client,
    const char *home,
    const struct ria_buf *request,
    struct ria_buf *response,
    struct ria_error *err) RIA_MUST_USE;

/* Goes on without waiting, whatever has come; but where the program has closed its end of the
 * socket without an answer, its own end is waited for, 200 ms at most. Where it could not load its
 * libraries it is started once more, with the caller's LD_LIBRARY_PATH: `fd` is another one then,
 * and an epoll set must be told. Unless it waits, the program has been reaped and fd is -1. */
enum ria_fetch_state ria_fetch_client_step(struct ria_fetch_client *client, struct ria_error *err)
    RIA_MUST_USE;

/* Kills the program with all that it started, and reaps it. Where none runs, nothing. */
void ria_fetch_client_end(struct ria_fetch_client *client);

/* The whole of it, which takes no longer than the deadline. False with err filled. */
bool ria_fetch_client_run(
    const struct ria_world *world,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err) RIA_MUST_USE;

#endif
