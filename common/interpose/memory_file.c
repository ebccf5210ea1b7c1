/* SPDX-License-Identifier: MIT
 *
 * Stores the path and the content of the file, and creates a memfd with that content for each open.
 * So the process has no open descriptor that it did not ask for, and readers do not share a file
 * offset. */
#include "interpose/memory_file.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Written before main(), and only read after that. */
static struct {
    const char *path; /* NULL: the file does not exist */
    const char *text;
} memory_file;

void ria_memory_file_create(const char *path, const char *text)
{
    memory_file.text = text;
    memory_file.path = path;
}

/* A write beyond the limit of file sizes (ulimit -f) would raise SIGXFSZ in the program. A memfd
 * has mode 0777, and some readers ignore a file that other users may write. */
static bool memory_file_fill(int fd, const char *text)
{
    size_t len = strlen(text);
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= len &&
           fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write(fd, text, len) == (ssize_t)len &&
           lseek(fd, 0, SEEK_SET) == 0;
}

int ria_memory_file_open(const char *path)
{
    if (memory_file.path == NULL || strcmp(path, memory_file.path) != 0) {
        return -1;
    }
    int fd = memfd_create("rds-iam-file", MFD_CLOEXEC);
    if (fd >= 0 && !memory_file_fill(fd, memory_file.text)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}
