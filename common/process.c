/* SPDX-License-Identifier: MIT
 *
 * The process's own world: the one place in the core that reads the environment, a clock or a file.
 * It runs inside other people's programs, so it changes nothing there, errno included. */
#include "rds_iam.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A name that the environment of a secure-exec program does not give away. */
static const char *get_env(void *self, const char *name)
{
    (void)self;
    return secure_getenv(name);
}

static int64_t get_now(void *self)
{
    (void)self;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

static int64_t get_ticks(void *self)
{
    (void)self;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((int64_t)now.tv_sec * 1000) + (now.tv_nsec / 1000000);
}

static uid_t get_uid(void *self)
{
    (void)self;
    return geteuid();
}

static bool get_privileged(void *self)
{
    (void)self;
    return getauxval(AT_SECURE) != 0;
}

/* Fails with "path: what: why", why being errno in words. */
static enum ria_outcome failed_by_errno(struct ria_error *err, const char *path, const char *what)
{
    char words[128];
    return ria_failed(
        err, RIA_E_CONFIG, "%s: %s: %s", path, what, strerror_r(errno, words, sizeof(words)));
}

/* Reads up to `want` bytes to the end of *out. The number read, 0 at the end, -1 with errno. */
static ssize_t read_piece(int fd, struct ria_buf *out, size_t want)
{
    char *room = ria_buf_reserve(out, want);
    if (room == NULL) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t len;
    do {
        len = read(fd, room, want);
    } while (len < 0 && errno == EINTR);
    if (len > 0) {
        ria_buf_grown(out, (size_t)len);
    }
    return len;
}

/* Reads to the end of the file. False with errno set; EFBIG: it is longer than *out may hold. */
static bool read_all(int fd, struct ria_buf *out)
{
    enum {
        PIECE = 4096
    };
    ssize_t len = 1;
    while (len > 0 && out->len < out->max) {
        size_t left = out->max - out->len;
        len = read_piece(fd, out, left < PIECE ? left : PIECE);
    }
    char more;
    if (len > 0 && read(fd, &more, 1) > 0) {
        errno = EFBIG;
        return false;
    }
    return len >= 0;
}

static enum ria_outcome read_open_file(
    int fd, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return failed_by_errno(err, path, "cannot be read");
    }
    if (!S_ISREG(status.st_mode)) {
        return ria_failed(err, RIA_E_CONFIG, "%s: is no regular file; name another one", path);
    }
    if (!read_all(fd, out)) {
        return failed_by_errno(err, path, "cannot be read whole");
    }
    if (file != NULL) {
        *file = (struct ria_file){.owner = status.st_uid, .mode = status.st_mode};
    }
    return RIA_FOUND;
}

/* O_NONBLOCK: opening a FIFO or a device must not wait for somebody at its other end. */
static enum ria_outcome read_file(
    void *self, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    (void)self;
    int saved = errno;
    enum ria_outcome outcome;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0) {
        outcome = read_open_file(fd, path, out, file, err);
        (void)close(fd);
    } else if (errno == ENOENT || errno == ENOTDIR) {
        outcome = ria_absent(err, "%s does not exist", path);
    } else {
        outcome =
            failed_by_errno(err, path, "cannot be opened, so let its user read it or name another");
    }
    errno = saved;
    return outcome;
}

static void write_log(void *self, enum ria_log_level level, const char *line)
{
    (void)self;
    if (secure_getenv("RDS_IAM_LOG") == NULL) {
        return;
    }
    static const char *const names[] = {
        [RIA_LOG_WARNING] = "rds-iam: warning: ", [RIA_LOG_INFO] = "rds-iam: "};
    int saved = errno;
    RIA_AUTO(buf) text = {.max = sizeof("rds-iam: warning: ") + RIA_ERROR_TEXT_MAX};
    ria_buf_addf(&text, "%s%s\n", names[level], line);
    if (!text.failed) {
        (void)!write(STDERR_FILENO, text.data, text.len);
    }
    errno = saved;
}

const struct ria_world *ria_process_world(void)
{
    static const struct ria_world world = {
        .env = get_env,
        .now = get_now,
        .ticks = get_ticks,
        .read_file = read_file,
        .uid = get_uid,
        .is_privileged = get_privileged,
        .log = write_log,
    };
    return &world;
}
