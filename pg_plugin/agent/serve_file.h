/* SPDX-License-Identifier: MIT
 *
 * What is served, and the states of one passfile; serve.h says what happens to all.
 */
#ifndef RIA_AGENT_SERVE_FILE_H
#define RIA_AGENT_SERVE_FILE_H

#include "agent/token_line.h"

struct ria_serve {
    struct ria_agent *agent;
    struct ria_token_line_maker maker;
    struct ria_entries entries;
    bool is_leasing;
    size_t leased;     /* files that are open here */
    size_t leased_max; /* the limit of open files, less what everything else needs */
    uint64_t opened;   /* files that somebody waited for */
    size_t *listed;    /* indices of the files that are not at rest */
    size_t listed_count;
    size_t *by_fd; /* index of the file that has this descriptor */
    size_t by_fd_count;
    size_t look;        /* line that is looked at next */
    int64_t next_check; /* seconds since 1970 */
    int64_t let_go_by;  /* ticks: when the longest wait ends; INT64_MAX: no opener waits */
};

enum ria_serve_state {
    SERVE_NONE,    /* there is no file of ours; made at `due` */
    SERVE_LEASED,  /* at rest, empty */
    SERVE_WANTED,  /* somebody waits in open(2) */
    SERVE_GIVEN,   /* can be read, until the lease is had again */
    SERVE_RENEWED, /* without leases: full until `due` */
    SERVE_RENEWING,
};

#define RIA_SERVE_NO_FILE SIZE_MAX

/* An opener waits for the file with this descriptor. */
void ria_serve_open(struct ria_serve *serve, int fd);

/* Puts the file into a state, to be looked at when it is due. */
void ria_file_enter(
    struct ria_serve *serve, struct ria_served *file, enum ria_serve_state state, int64_t due);

/* Makes a leased file and puts it in its place; whoever waits for the one before reads nothing. */
void ria_file_make(struct ria_serve *serve, struct ria_served *file);

void ria_file_begin_renewing(struct ria_serve *serve, struct ria_served *file);

/* Closes the leased file; whoever waits goes on. */
void ria_file_close(struct ria_serve *serve, struct ria_served *file);

void ria_file_drop_text(struct ria_served *file);

/* Does what is due. Returns when to look again; INT64_MAX: the file is at rest. */
int64_t ria_file_step(struct ria_serve *serve, struct ria_served *file);

#endif
