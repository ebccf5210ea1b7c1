/* SPDX-License-Identifier: MIT
 *
 * Measures what a variable in the environment adds to the start of a program. Runs the program with
 * the variable and without it, alternately. For each pair of runs, prints one line with the
 * processor time of both runs, in nanoseconds, and the page faults of both runs. Other load changes
 * the processor time less than the elapsed time.
 *
 *   spawns PAIRS VARIABLE=VALUE PROGRAM [ARGUMENT...] */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

enum {
    FIRST_PROGRAM = 3,
    NANOSECONDS = 1000000000,
    THOUSAND = 1000,
    WARM_UP = 20, /* pairs that are not printed */
};

static int64_t nanoseconds_of(const struct timeval *time)
{
    return (int64_t)time->tv_sec * NANOSECONDS + (int64_t)time->tv_usec * THOUSAND;
}

struct cost {
    int64_t time;
    int64_t faults;
};

/* Returns what a run costs, or exits. */
static struct cost run(char *const argv[], char *const environment[])
{
    pid_t process;
    int status;
    struct rusage usage;
    if (posix_spawn(&process, argv[0], NULL, NULL, argv, environment) != 0 ||
        wait4(process, &status, 0, &usage) != process || status != 0) {
        (void)fprintf(stderr, "%s: failed\n", argv[0]);
        exit(1);
    }
    return (struct cost){
        nanoseconds_of(&usage.ru_utime) + nanoseconds_of(&usage.ru_stime), usage.ru_minflt};
}

int main(int argc, char **argv)
{
    if (argc <= FIRST_PROGRAM) {
        return 2;
    }
    char *without[] = {"PATH=/usr/bin:/bin", NULL};
    char *with[] = {"PATH=/usr/bin:/bin", argv[2], NULL};
    long pairs = strtol(argv[1], NULL, 10);
    for (long i = -WARM_UP; i < pairs; i++) {
        struct cost first = run(argv + FIRST_PROGRAM, with);
        struct cost second = run(argv + FIRST_PROGRAM, without);
        if (i >= 0) {
            (void)printf(
                "%lld %lld %lld %lld\n",
                (long long)first.time,
                (long long)second.time,
                (long long)first.faults,
                (long long)second.faults);
        }
    }
    return 0;
}
