/* SPDX-License-Identifier: MIT
 *
 * The passfile that libpq opens while it connects. libpq reads it inside the call that begins a
 * connection, on the calling thread, so for that long, and for that thread alone, the name of its
 * passfile stands for another file. Nothing else of the program sees it, and no argument of the
 * call is changed.
 *
 * This is the state of one thread, and what it says of a name. file_functions.c acts on that: it
 * opens files and asks the other object.
 */
#ifndef RIA_PRELOAD_OVERLAY_H
#define RIA_PRELOAD_OVERLAY_H

#include "interpose/nested.h"

#include <stdbool.h>
#include <stdio.h>

enum {
    /* Every thread of every program has that much of a path: of a longer one, which libpq opens as
     * well, its end. */
    RIA_OVERLAY_END_MAX = 1023
};

enum ria_overlay_mode {
    RIA_OVERLAY_NONE,  /* no call is in progress on this thread */
    RIA_OVERLAY_HIDE,  /* one is that sends no password: the agent's passfiles are not there */
    RIA_OVERLAY_WATCH, /* the same, and the last file that is opened by fopen() is noted */
    RIA_OVERLAY_PASS,  /* one is, and files are what they are */
    RIA_OVERLAY_SERVE, /* one is, and one name stands for a passfile in memory */
};

enum ria_overlay_mode ria_overlay_mode(void);
void ria_overlay_set(enum ria_overlay_mode mode);

/* Lets `path` stand for the file `fd`, which is owned from now on, until ria_overlay_end(). fd -1:
 * for none, it is not there. */
void ria_overlay_serve(const char *path, int fd);

/* Notes a stream that was opened, if that mode is set. Keeps errno. */
void ria_overlay_opened(const char *path, FILE *stream);

/* What was noted since ria_overlay_set(RIA_OVERLAY_WATCH): the name, and the file itself, open for
 * reading; both are the caller's from now on. *path is NULL if nothing was opened; *fd is -1 if the
 * file could not be kept open. False without memory for the name. */
bool ria_overlay_watched(char **path, int *fd);

/* The call is over. */
void ria_overlay_end(void);

/* -- a call within a call -------------------------------------------------------------------- */

/* libpq makes PQconnectdb() and PQping() by PQconnectStart(), and their Params forms likewise: by
 * the public name, with the same arguments. Says before such a call which arguments these are (the
 * pointer). */
void ria_overlay_expect(const void *arguments);

/* Whether a call with these arguments is libpq's own, and not the program's: a call is in progress
 * on this thread, and that is a probe's, or it is made by this one. Counts once. */
bool ria_overlay_is_inner(const void *arguments);

/* A call in progress while the program makes another one on the same thread: the first one was left
 * by a jump, or a function that libpq has called begins a connection itself. */
struct ria_overlay_call {
    enum ria_overlay_mode mode;
    struct ria_nested nested;
    int fd;
    size_t len;
    char end[RIA_OVERLAY_END_MAX];
};

/* Sets it aside, if there is one, so that the next call begins anew; and back. */
void ria_overlay_set_aside(struct ria_overlay_call *out);
void ria_overlay_take_up(const struct ria_overlay_call *call);

/* -- names ----------------------------------------------------------------------------------- */

/* Whether the path stands for another file on this thread: *fd, which remains ours, or -1 where
 * there is none. */
bool ria_overlay_has(const char *path, int *fd);

/* Whether the agent's passfiles are not there: a call that sends no password is in progress. */
bool ria_overlay_is_hiding(void);

/* Whether no call is in progress. Unlike ria_overlay_mode() it does not look whether the program
 * has left the call by a jump: until it makes the next one, files are what that call made of them.
 */
bool ria_overlay_is_idle(void);

#endif
