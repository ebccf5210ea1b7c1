/* SPDX-License-Identifier: MIT
 *
 * The client of rds-iam-fetch, which runs inside another vendor's program (the host program). The
 * client starts rds-iam-fetch, sends one request, receives one response, and reaps rds-iam-fetch.
 * The client is a non-blocking state machine, and two modules call its steps.
 * ria_fetch_client_run() implements the fetch() of the process's own world (base/world.h) and calls
 * poll() between the steps. login/background.c runs many clients at a time. The client does not
 * parse the records.
 */
#ifndef RIA_FETCH_CLIENT_H
#define RIA_FETCH_CLIENT_H

#include "base/world.h"

enum ria_fetch_state {
    RIA_FETCH_WAITS,    /* waits for `events` on `fd` */
    RIA_FETCH_ANSWERED, /* *response contains a complete record */
    RIA_FETCH_FAILED,   /* no response: err contains the reason */
};

/* Initialize fd to -1 and all other members to zero. The caller may read the members; only the
 * functions below change them. */
struct ria_fetch_client {
    int fd;       /* a socket; -1: rds-iam-fetch does not run */
    short events; /* the events of poll() that the client waits for */

    pid_t pid;
    const char *home;
    const struct ria_buf *request;
    struct ria_buf *response;
    size_t sent;             /* the number of bytes of the request that were sent */
    bool keeps_library_path; /* this is the second try, with LD_LIBRARY_PATH */
};

/* Starts rds-iam-fetch. `home` is the user's home directory (ria_world_home()) or NULL. *request is
 * the record to send. *response receives the response; a response that is longer than response->max
 * is an error. The client borrows `home`, *request and *response until the client has ended.
 * Returns false with err filled if rds-iam-fetch cannot be started, or if the real and effective
 * groups of this process differ. */
bool ria_fetch_client_start(
    struct ria_fetch_client *client,
    const char *home,
    const struct ria_buf *request,
    struct ria_buf *response,
    struct ria_error *err) RIA_MUST_USE;

/* Sends and receives as much as possible without blocking. One case blocks for at most 200 ms: if
 * rds-iam-fetch closed its socket without a response, the function waits for rds-iam-fetch to exit.
 * If rds-iam-fetch could not load its libraries, it is started a second time with the host
 * program's LD_LIBRARY_PATH. In this case `fd` is a new socket, which the caller must add to its
 * epoll set. Returns the new state. In every state except RIA_FETCH_WAITS, rds-iam-fetch has been
 * reaped and fd is -1. */
enum ria_fetch_state ria_fetch_client_step(struct ria_fetch_client *client, struct ria_error *err)
    RIA_MUST_USE;

/* Kills rds-iam-fetch and every other process in its process group, and reaps rds-iam-fetch. Does
 * nothing if rds-iam-fetch does not run. */
void ria_fetch_client_end(struct ria_fetch_client *client);

/* Starts rds-iam-fetch, waits for its response, and ends it. Blocks until the deadline at most.
 * Returns false with err filled on failure. */
bool ria_fetch_client_run(
    const struct ria_world *world,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err) RIA_MUST_USE;

#endif
