/* SPDX-License-Identifier: MIT
 *
 * Interposes libc's functions that open or stat a file by its path. Each function has several forms
 * (open64(), __open_2(), ...); this file interposes every form that libpq 10 to 18 and other
 * readers of passfiles call. Redirects two kinds of paths to a passfile in memory. The first is the
 * path of the connection's passfile, on a thread on which libpq begins that connection (overlay.h).
 * The second is a path in a directory .../rds-iam/run, on a thread on which no such call is in
 * progress; this serves readers that do not use libpq, and programs whose calls of libpq are not
 * interposed. One more path may be redirected to another file in memory, which the process has made
 * (interpose/redirect.h). Every other path, and every open that is not only for reading, goes to
 * the next function of the same name.
 *
 * The preload does not set passfile=/proc/self/fd/N, because the connection stores that path, and
 * libpq opens it again later (PQcancelCreate() of libpq 17 and 18) or returns it (PQconninfo()). By
 * then, descriptor N may refer to another file, or to a FIFO, which makes open(2) block.
 *
 * This file is compiled without _FORTIFY_SOURCE, because the inline functions of _FORTIFY_SOURCE
 * have the same names as these functions. */
#include "preload/abi.h"
#include "preload/overlay.h"
#include "preload/query.h"

#include "interpose/next.h"
#include "interpose/preload_log.h"
#include "interpose/redirect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

/* A macro parameter that is a type cannot have parentheses, and glibc's parameter names are
 * reserved.
 * NOLINTBEGIN(bugprone-macro-parentheses,readability-inconsistent-declaration-parameter-name) */

typedef int open_function(const char *path, int flags, ...);
typedef int openat_function(int directory, const char *path, int flags, ...);
typedef int open_2_function(const char *path, int flags);
typedef int openat_2_function(int directory, const char *path, int flags);
typedef FILE *fopen_function(const char *path, const char *mode);
typedef int stat_function(const char *path, void *status);
typedef int xstat_function(int version, const char *path, void *status);

/* Only code that was compiled with older headers, or with _FORTIFY_SOURCE, calls these functions.
 */
RIA_INTERPOSED open_2_function __open_2, __open64_2;
RIA_INTERPOSED openat_2_function __openat_2, __openat64_2;
RIA_INTERPOSED int __xstat(int version, const char *path, struct stat *status);
RIA_INTERPOSED int __xstat64(int version, const char *path, struct stat64 *status);

/* Lists every interposed name, for the table of the functions behind them (interpose/next.h). */
#define EACH_NAME(apply)                                                                           \
    apply(open) apply(open64) apply(openat) apply(openat64) apply(__open_2) apply(__open64_2)      \
        apply(__openat_2) apply(__openat64_2) apply(stat) apply(stat64) apply(__xstat)             \
            apply(__xstat64) apply(fopen) apply(fopen64)

#define PLACE(function) NEXT_##function,
enum {
    EACH_NAME(PLACE)
};

#define ROW(function) [NEXT_##function] = {.name = #function},
struct ria_next ria_next_functions[] = {EACH_NAME(ROW){NULL, NULL}};

/* Declares `next`, the next function of the same name, which the interposed function calls. Returns
 * FAILURE if there is no such function. */
#define NEXT(type, name)                                                                           \
    type *next = NULL;                                                                             \
    void *found = ria_next_function(&ria_next_functions[NEXT_##name]);                             \
    memcpy(&next, &found, sizeof(next));                                                           \
    if (next == NULL) {                                                                            \
        errno = ENOSYS;                                                                            \
        return FAILURE;                                                                            \
    }

/* -- opening ------------------------------------------------------------------------------- */

enum response {
    RESPONSE_REAL,   /* open the real file */
    RESPONSE_ABSENT, /* the file does not exist: fail with ENOENT */
    RESPONSE_FILE,   /* a descriptor, which the caller owns */
};

/* Decides which file a program that opens `path` for reading gets. If the result is RESPONSE_FILE,
 * *fd is a new descriptor. dry_run is true if the program does not read the file, as with stat();
 * the file in memory may then be empty. errno is unchanged. */
static enum response response_for(const char *path, bool dry_run, int *fd)
{
    /* Some programs pass NULL to open(), so the check for NULL below is needed. The headers declare
     * that open() never gets NULL, so without this line the compiler would remove the check. */
    __asm__("" : "+r"(path));
    if (path == NULL) {
        return RESPONSE_REAL;
    }
    int saved = errno;
    int served;
    int found = ria_redirect_try(path);
    if (found >= 0) {
        /* the option file of a command that contains libmariadb or libmysqlclient */
    } else if (ria_overlay_has(path, &served)) {
        if (served < 0) {
            return RESPONSE_ABSENT;
        }
        found = fcntl(served, F_DUPFD_CLOEXEC, 0);
        if (found < 0) { /* not RESPONSE_REAL: by the time of the real open, a descriptor may be
                            free again, and libpq would read the file that the overlay replaces */
            errno = saved;
            return RESPONSE_ABSENT;
        }
        (void)lseek(found, 0, SEEK_SET);
    } else if (ria_overlay_is_hiding() && ria_is_agents_path(path)) {
        return RESPONSE_ABSENT;
    } else if (ria_overlay_is_idle() && ria_is_agents_path(path) && getauxval(AT_SECURE) == 0) {
        found = ria_query_service_passfile(path, dry_run);
    }
    errno = saved;
    *fd = found;
    return found < 0 ? RESPONSE_REAL : RESPONSE_FILE;
}

/* Returns true if open() with these flags only reads an existing file. Returns false for O_PATH and
 * O_DIRECTORY, and for flags that create or truncate the file. */
static bool only_reads(int flags)
{
    return (flags & (O_ACCMODE | O_CREAT | O_TRUNC | O_PATH | O_DIRECTORY)) == O_RDONLY;
}

/* Returns true if the open is done: *result is the descriptor, or -1 with errno set. Returns false
 * if the real function must be called. */
static bool is_redirected(const char *path, int flags, int *result)
{
    if (!only_reads(flags)) {
        return false;
    }
    switch (response_for(path, false, result)) {
    case RESPONSE_FILE:
        return true;
    case RESPONSE_ABSENT:
        errno = ENOENT;
        *result = -1;
        return true;
    case RESPONSE_REAL:
    default:
        return false;
    }
}

/* Returns true if open() reads its third argument. */
static bool needs_mode(int flags)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

/* Declares `mode` and reads it from the variable arguments, if open() has it. */
#define READ_MODE(flags, mode)                                                                     \
    mode_t mode = 0;                                                                               \
    if (needs_mode(flags)) {                                                                       \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode = va_arg(arguments, mode_t);                                                          \
        va_end(arguments);                                                                         \
    }

#define FAILURE (-1)

/* Each of these macros defines one interposed function. The function redirects the open, or calls
 * the next function of the same name with the same arguments. */
#define DEFINE_OPEN(name)                                                                          \
    RIA_INTERPOSED int name(const char *path, int flags, ...)                                      \
    {                                                                                              \
        READ_MODE(flags, mode)                                                                     \
        int fd;                                                                                    \
        if (is_redirected(path, flags, &fd)) {                                                     \
            return fd;                                                                             \
        }                                                                                          \
        NEXT(open_function, name)                                                                  \
        return next(path, flags, mode);                                                            \
    }

/* No reader opens a passfile relative to a directory's descriptor, so only AT_FDCWD is redirected.
 */
#define DEFINE_OPENAT(name)                                                                        \
    RIA_INTERPOSED int name(int directory, const char *path, int flags, ...)                       \
    {                                                                                              \
        READ_MODE(flags, mode)                                                                     \
        int fd;                                                                                    \
        if (directory == AT_FDCWD && is_redirected(path, flags, &fd)) {                            \
            return fd;                                                                             \
        }                                                                                          \
        NEXT(openat_function, name)                                                                \
        return next(directory, path, flags, mode);                                                 \
    }

#define DEFINE_OPEN_2(name)                                                                        \
    RIA_INTERPOSED int name(const char *path, int flags)                                           \
    {                                                                                              \
        int fd;                                                                                    \
        if (is_redirected(path, flags, &fd)) {                                                     \
            return fd;                                                                             \
        }                                                                                          \
        NEXT(open_2_function, name)                                                                \
        return next(path, flags);                                                                  \
    }

#define DEFINE_OPENAT_2(name)                                                                      \
    RIA_INTERPOSED int name(int directory, const char *path, int flags)                            \
    {                                                                                              \
        int fd;                                                                                    \
        if (directory == AT_FDCWD && is_redirected(path, flags, &fd)) {                            \
            return fd;                                                                             \
        }                                                                                          \
        NEXT(openat_2_function, name)                                                              \
        return next(directory, path, flags);                                                       \
    }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)
DEFINE_OPEN_2(__open_2)
DEFINE_OPEN_2(__open64_2)
DEFINE_OPENAT_2(__openat_2)
DEFINE_OPENAT_2(__openat64_2)

/* -- stat ---------------------------------------------------------------------------------- */

/* Returns true if the caller must call the real stat(), for example for a file in the agent's
 * directory for which no passfile can be made. If the function returns false and *fd is not -1, the
 * caller calls fstat() on *fd and closes it. If the function returns false and *fd is -1, the
 * caller returns *result; errno is set. */
static bool needs_real_stat(const char *path, int *fd, int *result)
{
    *fd = -1;
    *result = -1;
    switch (response_for(path, true, fd)) {
    case RESPONSE_FILE:
        return false;
    case RESPONSE_ABSENT:
        errno = ENOENT;
        return false;
    case RESPONSE_REAL:
    default:
        return true;
    }
}

/* Closes the descriptor of a file in memory, and returns `result` with errno unchanged. If `result`
 * is not 0, logs a warning, because some programs ignore a file that they cannot open. */
static int close_after(int fd, int result)
{
    int saved = errno;
    (void)close(fd);
    if (result != 0) {
        ria_preload_log(
            RIA_LOG_WARNING,
            "a file in memory cannot be opened, maybe for lack of memory; try again");
    }
    errno = saved;
    return result;
}

/* `by_descriptor` is the form of fstat() that fills the same structure. The first parameter of the
 * old function __xstat() is a version number. */
#define DEFINE_STAT(name, type, by_descriptor)                                                     \
    RIA_INTERPOSED int name(const char *path, type *status)                                        \
    {                                                                                              \
        int fd;                                                                                    \
        int result;                                                                                \
        if (!needs_real_stat(path, &fd, &result)) {                                                \
            return fd < 0 ? result : close_after(fd, by_descriptor(fd, status));                   \
        }                                                                                          \
        NEXT(stat_function, name)                                                                  \
        return next(path, status);                                                                 \
    }

#define DEFINE_XSTAT(name, type, by_descriptor)                                                    \
    RIA_INTERPOSED int name(int version, const char *path, type *status)                           \
    {                                                                                              \
        int fd;                                                                                    \
        int result;                                                                                \
        if (!needs_real_stat(path, &fd, &result)) {                                                \
            return fd < 0 ? result : close_after(fd, by_descriptor(fd, status));                   \
        }                                                                                          \
        NEXT(xstat_function, name)                                                                 \
        return next(version, path, status);                                                        \
    }

DEFINE_STAT(stat, struct stat, fstat)
DEFINE_STAT(stat64, struct stat64, fstat64)
DEFINE_XSTAT(__xstat, struct stat, fstat)
DEFINE_XSTAT(__xstat64, struct stat64, fstat64)

#undef FAILURE

/* -- streams -------------------------------------------------------------------------------- */

#define FAILURE NULL

/* Returns true for modes such as "r" and "re". */
static bool is_for_reading(const char *mode)
{
    return mode != NULL && *mode == 'r' && strchr(mode, '+') == NULL;
}

/* Returns true if the open is done: *stream is the stream, or NULL with errno set. */
static bool is_opened(const char *path, const char *mode, FILE **stream)
{
    int fd;
    if (!is_for_reading(mode) || !is_redirected(path, O_RDONLY, &fd)) {
        return false;
    }
    *stream = fd < 0 ? NULL : fdopen(fd, "r");
    if (*stream == NULL && fd >= 0) {
        (void)close_after(fd, -1);
    }
    return true;
}

#define DEFINE_FOPEN(name)                                                                         \
    RIA_INTERPOSED FILE *name(const char *path, const char *mode)                                  \
    {                                                                                              \
        FILE *stream;                                                                              \
        if (is_opened(path, mode, &stream)) {                                                      \
            return stream;                                                                         \
        }                                                                                          \
        NEXT(fopen_function, name)                                                                 \
        stream = next(path, mode);                                                                 \
        ria_overlay_opened(path, stream);                                                          \
        return stream;                                                                             \
    }

DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)

/* NOLINTEND(bugprone-macro-parentheses,readability-inconsistent-declaration-parameter-name) */
