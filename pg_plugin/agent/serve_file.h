/* SPDX-License-Identifier: MIT
 *
 * One passfile, for serve.c alone; serve.h says what happens to it.
 */
#ifndef RIA_AGENT_SERVE_FILE_H
#define RIA_AGENT_SERVE_FILE_H

#include "agent/serve.h"

enum ria_serve_state {
    SERVE_NONE,    /* there is no file of ours; made at `due` */
    SERVE_LEASED,  /* at rest, empty */
    SERVE_WANTED,  /* somebody waits in open(2) */
    SERVE_GIVEN,   /* can be read, until the lease is had again */
    SERVE_RENEWED, /* without leases: full until `due` */
    SERVE_RENEWING,
};

#define RIA_SERVE_NO_FILE SIZE_MAX

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
