/* SPDX-License-Identifier: MIT
 *
 * pg_service.conf as libpq reads it (fe-connect.c, parseServiceInfo and parseServiceFile,
 * PostgreSQL 10 to 18): which files, in which order, and what a line means. It does not know which
 * settings make a good entry: that is entry.h.
 *
 *   # comment            leading blanks are skipped, trailing ones dropped
 *   [name]               the first group of a name is the only one, over both files
 *   key=value            no blanks around '='; no quotes; the first of two equal keys counts
 *
 * A line of 1023 bytes or more, its newline included, makes libpq refuse every service that it has
 * not read to its end by then. Everything here works on memory; files come from the world.
 */
#ifndef RIA_SERVICE_SERVICE_H
#define RIA_SERVICE_SERVICE_H

#include "rds_iam.h"

#include <limits.h>

enum {
    RIA_SERVICE_TEXT_MAX = 16 * 1024 * 1024, /* some forty thousand services */
    RIA_SERVICE_LINE_MAX = 1022,             /* libpq 14 and later: fgets() into 1024 bytes */
    RIA_SERVICE_LINE_OLD = 254,              /* libpq 10 to 13: into 256 bytes */
    RIA_SERVICE_FILES = 2,
};

/* Where libpq looks, in its order. */
struct ria_service_paths {
    char path[RIA_SERVICE_FILES][PATH_MAX];
    size_t count;
    bool is_first_required; /* PGSERVICEFILE: libpq fails if it is missing */
};

struct ria_service_setting {
    const char *key;
    const char *value; /* NULL: a line without '=', which is then the key */
    unsigned line;
};

/* One group. Its settings are file->settings[first] and count - 1 more. */
struct ria_service {
    const char *name;
    unsigned line; /* of its [name] */
    size_t first;
    size_t count;
    unsigned long_line; /* a line that is too long for libpq, at or before its end; or 0 */
};

/* A file that was read. It may hold passwords: all strings point into the wiped text. */
struct ria_service_file {
    char path[PATH_MAX];
    struct ria_buf text;
    struct ria_service *services;
    size_t count;
    struct ria_service_setting *settings;
    size_t setting_count;
    unsigned odd_line; /* the first one that is no comment, group or setting of a group, or 0:
                                libpq reads over it, or refuses its group */
};

/* PGSERVICEFILE, else ~/.pg_service.conf; then pg_service.conf in PGSYSCONFDIR, else in
 * `sysconfdir`. The home directory is HOME, else that of the passwd entry, as for libpq 15 and
 * later. Paths that are too long are left out. */
void ria_service_find(
    const struct ria_world *world, const char *sysconfdir, struct ria_service_paths *paths);

/* Reads one file. FOUND; ABSENT if there is none; FAILED with the reason: it cannot be read, or
 * it belongs to another user, or others can write it (base/trust.h). Unless is_required, a path
 * that leads to no file is ABSENT (ria_world_read_usual()), as libpq ignores it. Release *file (or
 * use RIA_AUTO(service_file)) in any case; it may be uninitialised before. */
enum ria_outcome ria_service_read(
    const char *path,
    bool is_required,
    const struct ria_world *world,
    struct ria_service_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* Judges a service file that a reader has open, by the rule of ria_service_read(). False with err
 * filled if a user other than root and this one can decide what is in it, or if that cannot be
 * told. `path` is its name in the message; fd is its descriptor, or -1, and is left open. */
bool ria_service_check(
    const char *path, int fd, const struct ria_world *world, struct ria_error *err) RIA_MUST_USE;

/* The first setting of that key in a service, or NULL. */
const struct ria_service_setting *ria_service_setting(
    const struct ria_service_file *file, const struct ria_service *service, const char *key);

void ria_service_file_release(struct ria_service_file *file);

#endif
