/* SPDX-License-Identifier: MIT
 *
 * What the tests of the preload share. The preload must be in LD_PRELOAD when a program starts, so
 * the test starts itself again with the preload's fault object. The test itself is the program
 * under the preload, and calls the distribution's client library.
 */
#ifndef RIA_FAULTS_PRELOAD_WALK_H
#define RIA_FAULTS_PRELOAD_WALK_H

#include "walk.h"

#define PRELOAD_HOST "mydb.abc123def456.us-east-1.rds.amazonaws.com"

enum {
    PRELOAD_NOW = 1787402096, /* 2026-08-22T12:34:56Z */
};

/* Starts this program again under the preload, if it is not under the preload yet. Then sets the
 * environment, and calls walk_set_up(). Call it first in main(). */
void preload_walk_set_up(char **argv);

/* Writes the home directory, with credentials and an empty log. Call it before each run. */
void preload_walk_prepare(void);

/* Stores the log of the run, and `more`, as the message of the result. */
void preload_walk_message(struct walk_result *out, const char *more);

/* Walks through all modes. */
void preload_walk(const struct walk_scenario *scenario);

/* Sets whether a program that a run starts gets the preload's fault object in LD_PRELOAD. */
void preload_walk_preloads(bool is_on);

#endif
