/* SPDX-License-Identifier: MIT
 *
 * Reads pg_service.conf as libpq does (fe-connect.c, parseServiceInfo and parseServiceFile,
 * PostgreSQL 10 to 18): which files, in which order, and what a line means. entry.h decides
 * which settings qualify a service for tokens.
 *
 *   # comment            white space is removed from both ends of every line
 *   [name]               if several groups, in one file or in both, have the same name, only the
 *                        first counts
 *   key=value            no spaces around '='; no quotes; the first of two equal keys counts
 *
 * libpq stops with an error at a line that is too long, so a program can use only a service that is
 * followed by another [name] before this line. With its newline, a line may have 1022 bytes in
 * libpq 14 and later, and 254 bytes in libpq 10 to 13. The parser applies the limit of 1022 bytes.
 * The parser works in memory. The functions of struct ria_world read the files.
 */
#ifndef RIA_SERVICE_SERVICE_FILE_H
#define RIA_SERVICE_SERVICE_FILE_H

#include "rds_iam.h"

#include <limits.h>

enum {
    RIA_SERVICE_TEXT_MAX = 16 * 1024 * 1024, /* room for about forty thousand services */
    RIA_SERVICE_LINE_MAX = 1022, /* libpq 14 and later call fgets() with a buffer of 1024 bytes */
    RIA_SERVICE_LINE_OLD = 254,  /* libpq 10 to 13 call it with a buffer of 256 bytes */
    RIA_SERVICE_FILES = 2,
};

/* The service files, in the order in which libpq reads them. */
struct ria_service_paths {
    char path[RIA_SERVICE_FILES][PATH_MAX];
    size_t count;
    bool is_first_required; /* the first path is from PGSERVICEFILE, so libpq fails if that file is
                               missing */
};

struct ria_service_setting {
    const char *key;
    const char *value; /* NULL: the line has no '=', and `key` is the whole line */
    unsigned line;
};

/* One group. Its settings are file->settings[first] to file->settings[first + count - 1]. */
struct ria_service {
    const char *name;
    unsigned line; /* the line of its [name] */
    size_t first;
    size_t count;
    unsigned long_line; /* 0, or the number of an overlong line. The line is in this group, before
                           it, or the [name] after it, so libpq cannot read the group */
};

/* The message about the line odd_line of a struct ria_service_file. Arguments: the file's path and
 * the number of the line. */
#define RIA_SERVICE_ODD_LINE                                                                       \
    "%s:%u: is not a comment, a [group] or a setting in a group; remove the line"

/* A service file in memory. It may contain passwords: all strings point into `text`, which is wiped
 * on release. */
struct ria_service_file {
    char path[PATH_MAX];
    struct ria_buf text;
    struct ria_service *services;
    size_t count;
    struct ria_service_setting *settings;
    size_t setting_count;
    unsigned odd_line; /* 0, or the first line that is neither a comment, a [group] nor a setting in
                          a group. libpq ignores such a line if it is before the first group. If a
                          line in a group has no '=', libpq refuses that group. */
};

/* Finds the paths: PGSERVICEFILE, else ~/.pg_service.conf; then pg_service.conf in PGSYSCONFDIR,
 * else in `sysconfdir`. An empty variable counts as unset. The home directory is HOME, else the
 * home directory of the passwd entry, as in libpq 15 and later. Omits a path that is too long. */
void ria_service_find(
    const struct ria_world *world, const char *sysconfdir, struct ria_service_paths *paths);

/* Reads and parses one file. Returns FOUND, or ABSENT if the file does not exist. Returns FAILED
 * with err filled if the file cannot be read, if it contains a NUL byte, if it belongs to neither
 * root nor the user, or if other users can write it (base/trust.h). If the path is a directory, or
 * leads to no file for another reason (RIA_E_UNREACHABLE), the result depends on is_required:
 * FAILED if it is true; ABSENT if it is false, because libpq ignores such a path
 * (ria_world_read_default()). *file may be uninitialized before the call. The caller releases it in
 * any case, or uses RIA_AUTO(service_file). */
enum ria_outcome ria_service_read(
    const char *path,
    bool is_required,
    const struct ria_world *world,
    struct ria_service_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* Checks the owner and the mode of an open service file, as ria_service_read() does. Returns false
 * with err filled if the file belongs to neither root nor the user, or if other users can write the
 * file (base/trust.h). Also returns false if this cannot be determined, for example because fd is
 * -1. `path` is the file's name in the message. fd is the file's descriptor, which stays open. */
bool ria_service_check(
    const char *path, int fd, const struct ria_world *world, struct ria_error *err) RIA_MUST_USE;

/* Returns the first setting with that key in a service, or NULL. The result is borrowed from
 * `file`. */
const struct ria_service_setting *ria_service_setting(
    const struct ria_service_file *file, const struct ria_service *service, const char *key);

void ria_service_file_release(struct ria_service_file *file);

#endif
