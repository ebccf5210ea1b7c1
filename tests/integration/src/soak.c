/* SPDX-License-Identifier: MIT
 *
 * Many logins in one process, at a given rate, by threads that live as long as the process. Prints
 * one line per second, and a line on stderr for each failed login:
 *
 *   soak_pq THREADS RATE LOGINS LEAK CONNINFO
 *   soak_mysql THREADS RATE LOGINS LEAK HOST PORT USER
 *   seconds 12.0 logins 2400 failures 0
 *
 * RATE is the number of logins per second; with 0, the threads do not wait. If the machine is too
 * slow for the rate, the program takes longer. LEAK is the number of bytes that each login leaks.
 * If it is not 0, each hundredth login also leaks a file descriptor. A test checks that its
 * measurement detects this leak. */
#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    THREADS_MAX = 64,
    ARGUMENTS = 5, /* the program's name, and the four that all soak programs have */
    WHY_SIZE = 1024,
    PER_DESCRIPTOR = 100,
};

struct soak {
    char **arguments;
    double rate;
    long goal;
    size_t leak;
    struct timespec start;
    atomic_long next;
    atomic_long done;
    atomic_long failures;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + ((double)(now.tv_nsec - start->tv_nsec) / 1e9);
}

static void wait_seconds(double seconds)
{
    if (seconds > 0) {
        struct timespec pause = {.tv_sec = (time_t)seconds};
        pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
        while (nanosleep(&pause, &pause) != 0 && errno == EINTR) {
        }
    }
}

static void leak(size_t size, long number)
{
    char *volatile leaked = calloc(1, size);
    leaked = NULL;
    (void)leaked;
    if (number % PER_DESCRIPTOR == 0) {
        (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static void *run(void *argument)
{
    struct soak *soak = argument;
    long number;
    while ((number = atomic_fetch_add(&soak->next, 1)) < soak->goal) {
        char why[WHY_SIZE] = "";
        if (soak->rate > 0) {
            wait_seconds(((double)number / soak->rate) - seconds_since(&soak->start));
        }
        if (!soak_log_in(soak->arguments, why, sizeof(why))) {
            atomic_fetch_add(&soak->failures, 1);
            (void)fprintf(stderr, "login %ld: %s\n", number, why);
        }
        if (soak->leak > 0) {
            leak(soak->leak, number);
        }
        atomic_fetch_add(&soak->done, 1);
    }
    return NULL;
}

/* malloc_trim() gives unused memory back to the kernel, so that the resident memory is only what
 * the process needs. */
static void report(struct soak *soak)
{
    (void)malloc_trim(0);
    (void)printf(
        "seconds %.1f logins %ld failures %ld\n",
        seconds_since(&soak->start),
        atomic_load(&soak->done),
        atomic_load(&soak->failures));
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS_MAX];
    int threads = argc == ARGUMENTS + soak_argument_count ? (int)strtol(argv[1], NULL, 10) : 0;
    if (threads < 1 || threads > THREADS_MAX) {
        (void)fprintf(stderr, "usage: %s THREADS RATE LOGINS LEAK %s\n", argv[0], soak_usage);
        return 2;
    }
    struct soak soak = {
        .arguments = argv + ARGUMENTS,
        .rate = strtod(argv[2], NULL),
        .goal = strtol(argv[3], NULL, 10),
        .leak = strtoul(argv[4], NULL, 10),
    };
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    soak_begin();
    (void)clock_gettime(CLOCK_MONOTONIC, &soak.start);
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, run, &soak) != 0) {
            (void)fprintf(stderr, "no thread\n");
            return 2;
        }
    }
    for (int i = 0; atomic_load(&soak.done) < soak.goal; i++) {
        wait_seconds((double)i - seconds_since(&soak.start));
        report(&soak);
    }
    for (int i = 0; i < threads; i++) {
        (void)pthread_join(thread[i], NULL);
    }
    report(&soak);
    return 0;
}
