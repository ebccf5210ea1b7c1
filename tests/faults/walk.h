/* SPDX-License-Identifier: MIT
 *
 * A walk runs a scenario once for each call of calls.txt that a run without a failure makes, each
 * time in a new process and with another failing call (faults.h). Each run is checked: the process
 * ends in time and by itself; it releases what it allocated and closes its descriptors; no secret
 * stays in freed memory or on the stack; a failure has a message without a secret, and sent no
 * token; a success has the same token as the run without a failure. If a run fails because of one
 * failed call, the same process runs the scenario once more without a failed call, and succeeds.
 */
#ifndef RIA_FAULTS_WALK_H
#define RIA_FAULTS_WALK_H

#include "faults.h"

enum {
    WALK_MESSAGE_SIZE = 2048,
    WALK_TOKEN_SIZE = 8192,
};

/* The result of one run, in shared memory. */
struct walk_result {
    bool has_succeeded;
    char message[WALK_MESSAGE_SIZE]; /* for the user; required if the run has not succeeded */
    char token[WALK_TOKEN_SIZE];     /* what was sent or returned; "" if nothing was */
    char earlier[WALK_TOKEN_SIZE]; /* what was sent before the call failed: "", or the token of the
                                      run without a failure */
};

struct walk_scenario {
    const char *name;
    uint32_t role;        /* the object whose calls fail */
    const void *argument; /* for the functions below */
    /* Called before each run, in the test's process, for example to write files; or NULL. */
    void (*prepare)(const void *argument);
    /* The run. Called on a thread of a new process, which ends afterwards. */
    void (*run)(const void *argument, struct walk_result *out);
    /* Called after each run, in the test's process. Returns what is wrong, or NULL if nothing is.
     * The member itself may be NULL. */
    const char *(*check)(const void *argument, const struct walk_result *result);
    bool has_small_stack; /* 60 KB, as in Connector/C's asynchronous functions */
    /* The product keeps up to this many objects after the run. The objects of rds-iam-fetch and of
     * rds-iam-agent are not checked. */
    int64_t kept_objects;
    bool may_not_recover;   /* a second run in the same process could fail too, so it is left out */
    uint32_t seconds;       /* after which a run counts as hanging; 0: 60 */
    uint32_t minimum_calls; /* of the run without a failure */
    uint32_t maximum_calls; /* a busy loop makes more; 0: not checked */
};

/* What a run can do wrong. */
enum walk_finding {
    WALK_CRASHED,
    WALK_HUNG,
    WALK_LEAKED,
    WALK_LEAKED_DESCRIPTOR,
    WALK_SECRET_IN_FREED_MEMORY,
    WALK_SECRET_ON_THE_STACK,
    WALK_SECRET_IN_MESSAGE,
    WALK_NO_MESSAGE,
    WALK_WRONG_TOKEN,
    WALK_TOKEN_AFTER_FAILURE,
    WALK_NOT_RECOVERED,
    WALK_OTHER, /* found by the scenario's check */
    WALK_FINDINGS
};

struct walk_count {
    uint64_t calls; /* of the run without a failure */
    uint64_t runs;
    uint64_t missed; /* runs that made fewer calls, so that no call failed */
    uint64_t successes;
    uint64_t findings[WALK_FINDINGS];
    uint64_t found;  /* all findings */
    char first[512]; /* describes the first finding */
};

/* Creates the page in the directory, and sets RIA_FAULT_VARIABLE. Call it once, before any call of
 * the product. The secrets are searched for in every run. The wall clock of the runs stands still
 * at `now`; 0: it is not changed. */
void walk_set_up(const char *directory, int64_t now, const char *const secrets[], size_t count);

/* Runs the scenario without a failure; then in the given mode with n = first, first + step, ...
 * Findings are printed as TAP comments and counted. The run without a failure must succeed. */
struct walk_count walk(
    const struct walk_scenario *scenario, enum ria_fault_mode mode, uint64_t first, uint64_t step);

/* Calls walk() for all n of a mode. Fails the current test if the run without a failure fails, if
 * anything was found, or if no call failed in more than half of the runs. Also fails the test if
 * the run without a failure makes more calls than maximum_calls, or, in mode RIA_FAULT_ONCE, fewer
 * calls than minimum_calls. The environment variable RIA_FAULT_STEP (default: 1) is the difference
 * between two successive n; the suite "unit" sets it to shorten the test. The first n is
 * RIA_FAULT_FIRST, or 1.
 */
void walk_expect_clean(const struct walk_scenario *scenario, enum ria_fault_mode mode);

/* Returns the name of the call that failed first in this run; "" before. */
const char *walk_failed_call(void);

/* Returns whether all later calls fail too (RIA_FAULT_ALL). */
bool walk_fails_later_calls(void);

const char *walk_name_of(enum walk_finding finding);

#endif
