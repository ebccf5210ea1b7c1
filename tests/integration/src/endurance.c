/* SPDX-License-Identifier: MIT
 *
 * Many logins in one process, by threads that live as long as the process. Prints the resources of
 * the process twice: after FIRST logins, and after ALL logins:
 *
 *   endurance HOST PORT USER THREADS FIRST ALL [turns] [leak N]
 *   logins 100 failures 0 rss 9876 held 465360 descriptors 3 threads 9 children 0
 *
 * rss is in KiB, measured after malloc_trim(). held is the number of bytes that malloc has
 * allocated, including the caches of the threads. With "turns", the threads log in one after the
 * other. With "leak", every Nth login leaks 16 bytes, and every hundredth a file descriptor. A
 * test checks that its measurement detects this leak. */
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <mysql.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS_MAX = 64
};

struct work {
    const char *host;
    unsigned port;
    const char *user;
    bool takes_turns;
    long leaks; /* every login whose number is a multiple of this leaks; 0: none */
    pthread_mutex_t turn;
    atomic_long goal; /* number of logins after which the threads wait at the barrier */
    atomic_long started;
    atomic_long failures;
    pthread_barrier_t barrier;
};

static void leak(long number, long every)
{
    if (number % every == 0) {
        char *volatile leaked = calloc(1, 16);
        leaked = NULL;
        (void)leaked;
    }
    if (number % 100 == 0) {
        (void)!open("/dev/null", O_RDONLY);
    }
}

static bool log_in(const struct work *work)
{
    MYSQL *mysql = mysql_init(NULL);
    bool ok =
        mysql != NULL && mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "endurance") == 0 &&
        mysql_real_connect(mysql, work->host, work->user, NULL, NULL, work->port, NULL, 0) != NULL;
    if (!ok && mysql != NULL) {
        (void)fprintf(stderr, "%u %s\n", mysql_errno(mysql), mysql_error(mysql));
    }
    mysql_close(mysql);
    return ok;
}

/* Logs in until the first goal is reached, waits for the measurement, and logs in until the second
 * goal is reached. */
static void *run(void *argument)
{
    struct work *work = argument;
    (void)mysql_thread_init();
    for (int phase = 0; phase < 2; phase++) {
        long number;
        while ((number = atomic_fetch_add(&work->started, 1)) < atomic_load(&work->goal)) {
            if (work->takes_turns) {
                (void)pthread_mutex_lock(&work->turn);
            }
            if (!log_in(work)) {
                atomic_fetch_add(&work->failures, 1);
            }
            if (work->takes_turns) {
                (void)pthread_mutex_unlock(&work->turn);
            }
            if (work->leaks > 0) {
                leak(number, work->leaks);
            }
        }
        (void)pthread_barrier_wait(&work->barrier); /* all logins of this phase are done */
        (void)pthread_barrier_wait(&work->barrier); /* the main thread has measured */
    }
    mysql_thread_end();
    return NULL;
}

static long count_entries(const char *path)
{
    DIR *directory = opendir(path);
    long count = 0;
    while (directory != NULL && readdir(directory) != NULL) {
        count++;
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return count - 2;
}

static long children(void)
{
    long count = 0;
    char word[32];
    FILE *file = fopen("/proc/thread-self/children", "re");
    while (file != NULL && fscanf(file, "%31s", word) == 1) {
        count++;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return count;
}

static long resident(void)
{
    char line[128];
    long size = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Rss:", 4) == 0) {
            size = strtol(line + 4, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return size;
}

static void report(struct work *work, long goal)
{
    /* Measures once without printing: the first measurement allocates memory itself, which must not
     * be counted. */
    (void)(resident() + count_entries("/proc/self/fd") + children());
    (void)malloc_trim(0);
    (void)printf(
        "logins %ld failures %ld rss %ld held %zu descriptors %ld threads %ld children %ld\n",
        goal,
        atomic_load(&work->failures),
        resident(),
        mallinfo2().uordblks,
        count_entries("/proc/self/fd"),
        count_entries("/proc/self/task"),
        children());
}

static int endure(struct work *work, int threads, const long goals[2])
{
    pthread_t thread[THREADS_MAX];
    (void)pthread_barrier_init(&work->barrier, NULL, (unsigned)threads + 1);
    atomic_store(&work->goal, goals[0]);
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, run, work) != 0) {
            return 2;
        }
    }
    for (int phase = 0; phase < 2; phase++) {
        (void)pthread_barrier_wait(&work->barrier);
        report(work, goals[phase]);
        /* Each thread has taken one number beyond the goal and did not use it, so the count starts
         * again at the goal. */
        atomic_store(&work->started, goals[phase]);
        atomic_store(&work->goal, goals[1]);
        (void)pthread_barrier_wait(&work->barrier);
    }
    for (int i = 0; i < threads; i++) {
        (void)pthread_join(thread[i], NULL);
    }
    return atomic_load(&work->failures) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int threads = argc < 7 ? 0 : (int)strtol(argv[4], NULL, 10);
    if (threads < 1 || threads > THREADS_MAX) {
        (void)fprintf(
            stderr, "usage: endurance HOST PORT USER THREADS FIRST ALL [turns] [leak N]\n");
        return 2;
    }
    struct work work = {
        .host = argv[1],
        .port = (unsigned)strtoul(argv[2], NULL, 10),
        .user = argv[3],
        .turn = PTHREAD_MUTEX_INITIALIZER,
    };
    for (int i = 7; i < argc; i++) {
        work.takes_turns = work.takes_turns || strcmp(argv[i], "turns") == 0;
        if (strcmp(argv[i], "leak") == 0 && i + 1 < argc) {
            work.leaks = strtol(argv[++i], NULL, 10);
        }
    }
    const long goals[2] = {strtol(argv[5], NULL, 10), strtol(argv[6], NULL, 10)};
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IONBF, 0); /* a buffer would be counted */
    (void)mysql_library_init(0, NULL, NULL);
    /* Loads the plugin before the threads need it, as the setup instructions require. */
    int status = log_in(&work) ? endure(&work, threads, goals) : 1;
    mysql_library_end();
    return status;
}
