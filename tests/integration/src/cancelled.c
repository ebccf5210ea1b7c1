/* SPDX-License-Identifier: MIT
 *
 * Starts a thread that connects, and cancels it during the connection attempt.
 *
 *   cancelled CONNINFO
 *
 * Waits for a line on stdin, cancels the thread and prints "cancelled". Then joins the thread, and
 * prints "ended" if the thread was cancelled, or "returned" if its function returned. On the same
 * line, prints how many threads and how many in-memory files (memfd) the process still has.
 */
#include <dirent.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *connect_to(void *conninfo)
{
    PQfinish(PQconnectdb(conninfo));
    return NULL;
}

/* Counts the entries of a directory of /proc. With a prefix, counts only links whose target begins
 * with it. */
static unsigned count_entries(const char *path, const char *prefix)
{
    unsigned count = 0;
    DIR *entries = opendir(path);
    for (const struct dirent *entry = NULL;
         entries != NULL && (entry = readdir(entries)) != NULL;) {
        char target[64] = "";
        if (prefix != NULL) {
            (void)!readlinkat(dirfd(entries), entry->d_name, target, sizeof(target) - 1);
        }
        count += entry->d_name[0] != '.' &&
                 (prefix == NULL || strncmp(target, prefix, strlen(prefix)) == 0);
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return count;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    void *result = NULL;
    if (argc != 2 || pthread_create(&thread, NULL, connect_to, argv[1]) != 0) {
        return 2;
    }
    (void)getchar();
    (void)pthread_cancel(thread);
    (void)puts("cancelled");
    (void)fflush(stdout);
    (void)pthread_join(thread, &result);
    (void)printf(
        "%s %u %u\n",
        result == PTHREAD_CANCELED ? "ended" : "returned",
        count_entries("/proc/self/task", NULL),
        count_entries("/proc/self/fd", "/memfd:"));
    return 0;
}
