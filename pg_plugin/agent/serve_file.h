/* SPDX-License-Identifier: MIT
 *
 * Declares the state of all passfiles, and the state machine of one. serve.h describes what a
 * passfile contains at each moment.
 */
#ifndef RIA_AGENT_SERVE_FILE_H
#define RIA_AGENT_SERVE_FILE_H

#include "agent/token_line.h"

struct ria_serve {
    struct ria_agent *agent;
    struct ria_token_line_maker maker;
    struct ria_entries entries;
    bool is_leasing;   /* leases work in the directory */
    size_t leased;     /* leased files, each of which is open */
    size_t leased_max; /* the largest number of leased files: the limit of open files, minus the
                          descriptors that the rest of the worker needs */
    uint64_t opened;   /* how often a client has waited for a file */
    size_t *active;    /* indices of the files that are not at rest */
    size_t active_count;
    size_t *by_fd; /* index of the file with this descriptor; RIA_SERVE_NO_FILE: none */
    size_t by_fd_count;
    size_t next_line;        /* the line that ria_serve_check_credentials() tries next */
    int64_t next_check;      /* seconds since 1970 */
    int64_t opener_deadline; /* ticks: by when the client that has waited longest must get its file;
                                INT64_MAX: no client waits */
};

/* The states of a passfile. */
enum ria_serve_state {
    SERVE_NONE,     /* the worker has no file; it creates one at `due` */
    SERVE_LEASED,   /* at rest: empty, and the worker holds the lease */
    SERVE_FILLING,  /* a client waits in open(2) while the lines are made */
    SERVE_READABLE, /* the lease is released and clients read the file, until the worker takes the
                       lease again */
    SERVE_RENEWED,  /* without leases: contains tokens, which are renewed at `due` */
    SERVE_RENEWING, /* without leases: the new lines are being made */
};

#define RIA_SERVE_NO_FILE SIZE_MAX

/* If a client waits for the passfile that has this descriptor, begins to fill the passfile. Ignores
 * a descriptor that belongs to no passfile. */
void ria_serve_open(struct ria_serve *serve, int fd);

/* Puts the file into a state, with its next step at `due`, and makes it active. */
void ria_file_enter(
    struct ria_serve *serve, struct ria_served *file, enum ria_serve_state state, int64_t due);

/* Creates a leased file and gives it the passfile's name. A client that waits for the previous file
 * reads an empty file. */
void ria_file_make(struct ria_serve *serve, struct ria_served *file);

/* Begins to make fresh lines for a file without a lease. */
void ria_file_begin_renewing(struct ria_serve *serve, struct ria_served *file);

/* Closes the leased file, so that open(2) returns in a client that waits for it. */
void ria_file_close(struct ria_serve *serve, struct ria_served *file);

/* Wipes the cached text. */
void ria_file_drop_text(struct ria_served *file);

/* Does the file's next step if this step is due. Returns the time at which this function must be
 * called again, in ticks. INT64_MAX: the file is at rest, or ria_serve_check_credentials() does the
 * next step. */
int64_t ria_file_step(struct ria_serve *serve, struct ria_served *file);

#endif
