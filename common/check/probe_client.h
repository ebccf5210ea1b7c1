/* SPDX-License-Identifier: MIT
 *
 * Runs rds-iam-probe (common/probe) or another program, and reads the lines "NAME VALUE" that it
 * prints.
 */
#ifndef RIA_CHECK_PROBE_CLIENT_H
#define RIA_CHECK_PROBE_CLIENT_H

#include "rds_iam.h"

enum {
    RIA_PROBE_ARGUMENTS_MAX = 40,
    RIA_PROBE_OUTPUT_MAX = 4 * 1024 * 1024, /* of each stream, in bytes */
};

/* The output of one run. */
struct ria_probe {
    struct ria_buf lines;  /* stdout */
    struct ria_buf errors; /* stderr: what rds-iam's hooks report there */
    bool is_late;          /* the process was killed at the deadline */
    int signal;            /* the signal that ended the process; 0: none */
    int status;            /* the exit status, unless `signal` is set or is_late */
};

#define RIA_PROBE_INIT                                                                             \
    {                                                                                              \
        .lines = {.max = RIA_PROBE_OUTPUT_MAX}, .errors = {.max = RIA_PROBE_OUTPUT_MAX }           \
    }

/* Runs a program. `arguments` are its path and its arguments, ended by NULL, and at most
 * RIA_PROBE_ARGUMENTS_MAX. If `exec` is not NULL, runs it as a command of `rds-iam exec`, with the
 * options in `exec`, which are ended by NULL. The process is killed at the deadline. Returns false
 * with err filled if it cannot be started. The lines that it printed before it was killed or
 * crashed remain. */
bool ria_probe_run(
    const char *const *arguments,
    const char *const *exec,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_probe *out,
    struct ria_error *err) RIA_MUST_USE;

/* Copies the value of the first line with this name to `out`, cut to `size`, with its newlines
 * replaced by spaces. Returns false, with "" in `out`, if no line has this name. */
bool ria_probe_text(const struct ria_probe *probe, const char *name, char *out, size_t size);

/* Returns whether the first line with this name has this value. */
bool ria_probe_is(const struct ria_probe *probe, const char *name, const char *value);

/* Returns the number in the first line with this name; `otherwise` if there is none. */
int64_t ria_probe_number(const struct ria_probe *probe, const char *name, int64_t otherwise);

void ria_probe_release(struct ria_probe *probe);

#endif
