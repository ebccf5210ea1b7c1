/* SPDX-License-Identifier: MIT
 *
 * A library whose constructor waits for a thread that opens files. The thread calls functions that
 * the program has called before, and functions that the program has not called yet. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int opened;

static void count(int fd)
{
    if (fd >= 0) {
        opened++;
        (void)close(fd);
    }
}

static void *open_files(void *path)
{
    struct stat status;
    struct stat64 status64;
    FILE *files[] = {fopen(path, "r"), fopen64(path, "r")};
    count(open(path, O_RDONLY | O_CLOEXEC));
    count(open64(path, O_RDONLY | O_CLOEXEC));
    count(openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
    count(openat64(AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
    opened += stat(path, &status) == 0;
    opened += stat64(path, &status64) == 0;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (files[i] != NULL) {
            opened++;
            (void)fclose(files[i]);
        }
    }
    return NULL;
}

__attribute__((constructor)) static void wait_for_thread(void)
{
    static char path[] = "/dev/null";
    pthread_t thread;
    if (pthread_create(&thread, NULL, open_files, path) == 0) {
        (void)pthread_join(thread, NULL);
    }
}

int files_opened(void);

__attribute__((visibility("default"))) int files_opened(void)
{
    return opened;
}
