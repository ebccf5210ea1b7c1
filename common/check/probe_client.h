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
    struct ria_buf errors; /* stderr, to which the preload and the plugins write their messages */
    bool is_late;          /* the process was killed at the deadline */
    int signal;            /* the signal that ended the process; 0: none */
    int status;            /* the exit status, unless `signal` is set or is_late */
};

#define RIA_PROBE_INIT                                                                             \
    {                                                                                              \
        .lines = {.max = RIA_PROBE_OUTPUT_MAX}, .errors = {.max = RIA_PROBE_OUTPUT_MAX }           \
    }

/* Runs a program. `arguments` contains the program's path and its arguments, at most
 * RIA_PROBE_ARGUMENTS_MAX, and ends with NULL. If `exec` is not NULL, runs the program as the
 * command of `rds-iam exec`. `exec` then contains the options of `rds-iam exec`, and ends with
 * NULL. Kills the process at the deadline. Returns false with err filled if the process cannot be
 * started. If the process is killed or crashes, the result contains the lines that it printed
 * before. */
bool ria_probe_run(
    const char *const *arguments,
    const char *const *exec,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_probe *out,
    struct ria_error *err) RIA_MUST_USE;

/* Copies the value of the first line with this name to `out`, cut to `size`. Replaces each "\n",
 * which stands for a newline, by a space, removes spaces at the end, and calls ria_printable().
 * Returns false, with "" in `out`, if no line has this name. */
bool ria_probe_text(const struct ria_probe *probe, const char *name, char *out, size_t size);

/* Returns whether the first line with this name has this value. */
bool ria_probe_is(const struct ria_probe *probe, const char *name, const char *value);

/* Returns the number in the first line with this name, or `otherwise` if no line has this name. */
int64_t ria_probe_number(const struct ria_probe *probe, const char *name, int64_t otherwise);

void ria_probe_release(struct ria_probe *probe);

#endif
