/* SPDX-License-Identifier: MIT
 *
 * The overlay: while libpq connects, the path of its passfile is redirected to another file. libpq
 * reads its passfile inside the call that begins a connection, on the calling thread. So the
 * overlay is thread-local and exists only during that call. The rest of the program does not see
 * it, and the arguments of the call stay unchanged.
 *
 * This module contains the state of one thread, and looks up paths in that state. file_functions.c,
 * which interposes libc's open(), fopen() and stat(), calls these functions and opens the files.
 *
 * A call, in this header, is an interposed call of libpq that is in progress on the thread. All
 * functions are for the calling thread and do not block.
 */
#ifndef RIA_PRELOAD_OVERLAY_H
#define RIA_PRELOAD_OVERLAY_H

#include "interpose/nested.h"

#include <stdbool.h>
#include <stdio.h>

enum {
    /* The largest number of bytes of a path that the overlay stores. It is small, because every
     * thread of every program has this memory. libpq also opens longer paths; of such a path, the
     * overlay compares only the end and the length. */
    RIA_OVERLAY_END_MAX = 1023
};

enum ria_overlay_mode {
    RIA_OVERLAY_NONE,  /* no call is in progress */
    RIA_OVERLAY_HIDE,  /* a probe, which sends nothing, is in progress: libpq finds no passfile of
                          the agent */
    RIA_OVERLAY_WATCH, /* like HIDE, and the last file that fopen() opened is recorded */
    RIA_OVERLAY_PASS,  /* a call is in progress; no path is redirected */
    RIA_OVERLAY_SERVE, /* like PASS, but one path is redirected to a passfile in memory */
};

/* Returns the mode. If the program has left the call by a jump (longjmp()), this ends the call
 * first and returns NONE. */
enum ria_overlay_mode ria_overlay_mode(void);

/* Sets the mode: HIDE, WATCH or PASS. Begins a call if none is in progress. */
void ria_overlay_set(enum ria_overlay_mode mode);

/* Sets mode SERVE: until ria_overlay_end(), `path` is redirected to the open file `fd`, which the
 * overlay now owns. fd -1: `path` does not exist. Call it while a call is in progress. */
void ria_overlay_serve(const char *path, int fd);

/* Records a stream that fopen() has opened, in mode WATCH; NULL and other modes are ignored. The
 * stream stays the caller's. errno is unchanged. */
void ria_overlay_opened(const char *path, FILE *stream);

/* Hands over the last file that was recorded since mode WATCH was set: its path, which the caller
 * frees, and a descriptor of the same open file, which the caller closes. *path is NULL if no file
 * was opened; *fd is -1 if no file was opened or the descriptor could not be duplicated. Returns
 * false if the path could not be stored (no memory). */
bool ria_overlay_watched(char **path, int *fd);

/* Ends the call: mode NONE. Closes the served file. errno is unchanged. */
void ria_overlay_end(void);

/* -- a call within a call -------------------------------------------------------------------- */

/* Inside PQconnectdb() and PQping(), libpq calls PQconnectStart() by its public name, so libpq's
 * own call reaches the interposed PQconnectStart(), with the argument of the outer call. In the
 * same way, PQconnectdbParams() and PQpingParams() call PQconnectStartParams(). Call this function
 * before the outer call: it stores the pointer by which libpq's own call is recognized. This is the
 * pointer to the connection string or to the keywords; NULL: libpq makes no such call. */
void ria_overlay_expect(const void *arguments);

/* Returns whether a call is libpq's own and not the program's. `arguments` is the pointer that
 * identifies the call's arguments. Returns true in two cases: a probe is in progress; or
 * ria_overlay_expect() was called with the same pointer for the call in progress. In the second
 * case, the function returns true only once. */
bool ria_overlay_is_inner(const void *arguments);

/* The state of a call. It is saved when the program makes another call on the same thread while the
 * first one is in progress. That happens if a signal handler left the first call by a jump, or if a
 * function that libpq called begins a connection itself. */
struct ria_overlay_call {
    enum ria_overlay_mode mode;
    struct ria_nested nested;
    int fd;                        /* SERVE: the passfile in memory, or -1 */
    size_t len;                    /* SERVE: the length of the path */
    char end[RIA_OVERLAY_END_MAX]; /* SERVE: the end of the path, not terminated */
};

/* Moves the state of the call in progress (if there is one) to *out, so that another call can
 * begin. Always call ria_overlay_restore() afterwards. */
void ria_overlay_save(struct ria_overlay_call *out);

/* Ends the call in progress and puts the saved state back. */
void ria_overlay_restore(const struct ria_overlay_call *call);

/* -- paths ----------------------------------------------------------------------------------- */

/* Returns true if `path` is redirected. *fd is the file that replaces it, borrowed; -1: `path` does
 * not exist. */
bool ria_overlay_has(const char *path, int *fd);

/* Returns whether the agent's passfiles are hidden: the mode is HIDE or WATCH. */
bool ria_overlay_is_hiding(void);

/* Returns whether the mode is NONE. Unlike ria_overlay_mode(), this does not detect a call that the
 * program has left by a jump: the overlay of such a call stays until the next interposed call. */
bool ria_overlay_is_idle(void);

#endif
