/* SPDX-License-Identifier: MIT
 *
 * The outside world as the core sees it: environment, clocks, files, log. Everything in common/
 * takes it as an argument, so that a unit test needs no setenv, no sleep and no file. This header
 * only says what the world can be asked; the process's own world is in common/os/process_world.c.
 */
#ifndef RIA_BASE_WORLD_H
#define RIA_BASE_WORLD_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

enum ria_log_level {
    RIA_LOG_WARNING, /* something that a user should know of although it worked */
    RIA_LOG_INFO,    /* what was decided and why */
};

/* A POSIX access control list, acl(5), as far as it decides who can write. Where a file has one,
 * the group's bits of its mode are the mask of the list and not the group's own rights. */
struct ria_acl {
    bool is_present;
    bool is_unreadable; /* present, and nothing else is known of it */
    bool group_writes;  /* the owning group */
    bool has_writer;    /* a further user or group, named in the list: */
    bool is_group;
    uint32_t writer; /* the first one that the rule of base/trust.h does not accept */
};

/* What tells one state of a file from another. */
struct ria_stamp {
    uint64_t device;
    uint64_t inode;
    int64_t size;
    int64_t modified; /* the times of stat(2), nanoseconds since 1970 */
    int64_t changed;
    uint64_t version; /* of a program's own copy of the file; 0: this is the file itself */
    bool is_settled;  /* the next change will give another stamp: the last one was longer ago than
                         the clock of the file system needs for a step */
};

/* Facts about a file, taken from its descriptor where it was read. */
struct ria_file {
    uid_t owner;
    gid_t group;
    mode_t mode;
    struct ria_stamp stamp; /* of the moment before it was read */
    /* Read only where the mode lets the group or others write; zero otherwise. */
    struct ria_acl acl;
    uint32_t file_system; /* f_type of statfs(2) */
    bool is_read_only;    /* the file system is mounted read-only */
};

/* A point in time by which an answer must be there, on the world's ticks. */
struct ria_deadline {
    int64_t at; /* milliseconds */
};

enum {
    RIA_BOOT_ID_SIZE = 37 /* a UUID and its NUL */
};

/* What tells one running machine from another, and when its clock was set. */
struct ria_host {
    char boot_id[RIA_BOOT_ID_SIZE];
    uint64_t net_namespace; /* a container has one of its own, with its own metadata service */
    int64_t real_minus_raw; /* CLOCK_REALTIME minus CLOCK_MONOTONIC_RAW, milliseconds: it changes
                               when the clock is set or slewed, and when the machine sleeps */
};

struct ria_world {
    void *self;

    /* The value of an environment variable, or NULL. Borrowed until the environment changes. */
    const char *(*env)(void *self, const char *name);

    /* Appends each environment variable whose name begins with `prefix`, in the order of their
     * bytes: "NAME=VALUE" and a NUL. For a digest: values can be secrets. */
    void (*add_variables)(void *self, const char *prefix, struct ria_buf *out);

    /* Seconds since 1970 UTC, and milliseconds of a clock that never steps back. */
    int64_t (*now)(void *self);
    int64_t (*ticks)(void *self);

    /* The home directory of the effective user's passwd entry, or NULL: use ria_world_home(). It
     * stays valid as long as the process. NULL where there is no passwd to ask. */
    const char *(*home)(void *self);

    /* Reads a whole regular file into *out, which may hold max bytes (a longer file is refused),
     * without following a FIFO or a device into a wait. The null device, under whatever name, is an
     * empty file of root's that nobody can write. FOUND; ABSENT if there is no such file; FAILED
     * with a sentence that names the path, and with RIA_E_UNREACHABLE where that path leads to no
     * file that this user could have written: it is below a directory that the user may not search,
     * or it is a directory, or a loop of links. *file may be NULL. */
    enum ria_outcome (*read_file)(
        void *self,
        const char *path,
        struct ria_buf *out,
        struct ria_file *file,
        struct ria_error *err);

    /* The facts about a regular file that read_file() would read, without reading it. False: they
     * cannot be had, and read_file() says why. NULL: a world without them, in which every call
     * reads its files. */
    bool (*look)(void *self, const char *path, struct ria_file *out);

    /* The same as read_file() for a file in a directory of the user's own: only if directory and
     * file belong to the user and are closed to everybody else, and neither is a link. Anything
     * else is ABSENT, with the reason. */
    enum ria_outcome (*read_private)(
        void *self,
        const char *directory,
        const char *name,
        struct ria_buf *out,
        struct ria_error *err);

    /* Whether the path leads to a directory that belongs to the user, and that others cannot write
     * (base/trust.h). */
    bool (*is_own_directory)(void *self, const char *path);

    /* False where the system does not tell. */
    bool (*host)(void *self, struct ria_host *out);

    /* Hands a question to rds-iam-fetch and takes its answer, both whole records of codec/record.h;
     * the program is killed at the deadline. False with err filled. */
    bool (*fetch)(
        void *self,
        const struct ria_buf *request,
        struct ria_deadline deadline,
        struct ria_buf *response,
        struct ria_error *err);

    /* The uid that files are opened as. */
    uid_t (*uid)(void *self);

    /* True in a program that runs with more rights than its caller (setuid, file capabilities), or
     * for another user than the one it started as (seteuid). */
    bool (*is_privileged)(void *self);

    /* One line without its newline; never a secret. NULL where nobody reads it. */
    void (*log)(void *self, enum ria_log_level level, const char *line);
};

/* An environment variable with a value; a blank one counts as unset, as in every AWS SDK. */
const char *ria_world_env(const struct ria_world *world, const char *name);

/* The user's home directory: HOME, else that of the passwd entry, as in libpq 15 and later and in
 * Python's expanduser(), which the AWS CLI uses. NULL if there is neither. */
const char *ria_world_home(const struct ria_world *world);

/* Reads a file as world->read_file() does, for a path that nobody named: the usual place of a file.
 * There RIA_E_UNREACHABLE is ABSENT, with that code and a warning in the log: HOME may be another
 * user's, left over from before setuid(), and Docker makes a directory where a mounted file is
 * missing. */
enum ria_outcome ria_world_read_usual(
    const struct ria_world *world,
    const char *path,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* A line of the log: room for an error's text, and for the login that it is about. */
enum {
    RIA_LOG_LINE_MAX = 2 * RIA_ERROR_TEXT_MAX
};

/* Formats and logs; control characters are replaced. */
void ria_world_log(const struct ria_world *world, enum ria_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a login may take in all, sources on the network included. */
enum {
    RIA_LOGIN_BUDGET_MS = 10000
};

/* Now plus `budget` milliseconds. */
struct ria_deadline ria_deadline_in(const struct ria_world *world, int64_t budget);

/* Milliseconds left, never below 0. */
int64_t ria_deadline_left(const struct ria_world *world, struct ria_deadline deadline);

#endif
