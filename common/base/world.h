/* SPDX-License-Identifier: MIT
 *
 * The interface between the core and the operating system: environment, clocks, files and log. The
 * code in common/aws, config, provider and login takes a world as an argument and has no other
 * access to the system, so a unit test needs no setenv(), no sleep and no file. One file is an
 * exception: login/background.c also uses epoll and sockets. common/os/process_world.c implements
 * the interface for the running process. The programs and preloads (fetch, tool, interpose) also
 * use the system directly.
 */
#ifndef RIA_BASE_WORLD_H
#define RIA_BASE_WORLD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/log_line.h"

#include <stdint.h>
#include <sys/types.h>

/* The facts of a POSIX access control list, acl(5), that decide who can write. If a file has a
 * list, the group bits of its mode are the mask of the list, not the rights of the group. */
struct ria_acl {
    bool is_present;
    bool is_unreadable; /* a list is present, but could not be read or parsed */
    bool group_writes;  /* the owning group can write */
    /* The list gives write access to a user or a group that base/trust.h does not accept. The next
     * two members describe the first entry that gives such access. */
    bool has_writer;
    bool writer_is_group;
    uint32_t writer; /* its uid or gid */
};

/* Identifies one version of a file. If is_settled is true in an earlier stamp and a later stamp has
 * the same values, the file is unchanged. */
struct ria_stamp {
    uint64_t device;
    uint64_t inode;
    int64_t size;
    int64_t modified; /* st_mtim of stat(2), nanoseconds since 1970 */
    int64_t changed;  /* st_ctim of stat(2), nanoseconds since 1970 */
    /* 0: the stamp describes the file on disk. Else the stamp describes a copy of the file in
     * memory, and `version` is the number of that copy; every new copy gets another number. */
    uint64_t version;
    /* The next change of the file will change its stamp, because the last change is older than the
     * resolution of the file system's clock. */
    bool is_settled;
};

/* The facts about a file. read_file() takes the facts from the same descriptor from which it reads
 * the contents. */
struct ria_file {
    uid_t owner;
    gid_t group;
    mode_t mode;
    struct ria_stamp stamp; /* taken before the contents were read */
    /* The next three members are filled only if the mode lets the group or others write; else they
     * are zero. */
    struct ria_acl acl;
    uint32_t file_system; /* f_type of statfs(2) */
    bool is_read_only;    /* the file system is mounted read-only */
    bool is_missing;      /* set only by read_facts(): nothing exists at the path */
};

/* The time by which a call must return, on the clock that ticks() reads. */
struct ria_deadline {
    int64_t at; /* milliseconds */
};

enum {
    RIA_BOOT_ID_SIZE = 37 /* a UUID and its NUL */
};

/* Identifies a boot of a machine, and a network namespace. A caller compares two of these structs
 * to detect a reboot, another namespace, or a change of the clock. */
struct ria_machine {
    char boot_id[RIA_BOOT_ID_SIZE];
    /* The inode number of the process's network namespace. A container may have its own namespace,
     * in which the metadata service may give it other credentials. */
    uint64_t net_namespace;
    /* CLOCK_REALTIME minus CLOCK_MONOTONIC_RAW, in milliseconds. Changes when the clock is set or
     * slewed, and when the machine sleeps. */
    int64_t real_minus_raw;
};

struct ria_world {
    void *self;

    /* Returns the value of an environment variable, or NULL. The value is borrowed until the
     * environment changes. */
    const char *(*env)(void *self, const char *name);

    /* Appends each environment variable whose name begins with `prefix`, sorted by bytes:
     * "NAME=VALUE" and a NUL. The values can be secrets, so the caller may only compute a digest of
     * them, or store them in secret memory (base/secret.h). */
    void (*add_variables)(void *self, const char *prefix, struct ria_buf *out);

    /* Returns seconds since 1970 UTC. */
    int64_t (*now)(void *self);

    /* Returns the time in milliseconds of a clock that never goes back. */
    int64_t (*ticks)(void *self);

    /* Returns the home directory in the effective user's passwd entry, or NULL. Code that looks for
     * the user's files calls ria_world_home() instead, which reads HOME first. The result stays
     * valid until the process ends. In a world without a passwd database, the member is NULL. */
    const char *(*home)(void *self);

    /* Reads a whole regular file into *out. A file longer than out->max is refused. If the path is
     * a FIFO or a device, the call does not block. The null device, under any name, is read as an
     * empty file that belongs to root and that no other user can write. Returns FOUND; ABSENT if
     * the file does not exist; FAILED with a message that names the path. The code of a failure is
     * RIA_E_UNREACHABLE if the path is a directory or a loop of links, or if the user is not
     * allowed to search a directory on the path: in these cases the user cannot have a file at this
     * path. The code of every other failure is RIA_E_CONFIG. `file` may be NULL. */
    enum ria_outcome (*read_file)(
        void *self,
        const char *path,
        struct ria_buf *out,
        struct ria_file *file,
        struct ria_error *err);

    /* Fills *out with the facts about a regular file and does not open the file. Returns false if
     * the facts are not available; a call of read_file() with the same path reports the reason. If
     * nothing exists at the path, also sets out->is_missing; a world need not do so. The member is
     * NULL in a world that does not provide the facts. Without them, the copy of a
     * configuration file in memory cannot be compared with the file, so every login reads the file
     * again. */
    bool (*read_facts)(void *self, const char *path, struct ria_file *out);

    /* Returns whether read_facts() may return old facts for some time after a change of the file
     * (ria_file_is_remote()). A world that has read_facts() has this member, too. */
    bool (*is_remote)(void *self, const char *path);

    /* Appends the contents of the regular file `name` in `directory` to *out, and returns FOUND.
     * The directory and the file must belong to the user and give no rights to others, and neither
     * may be a symbolic link. Otherwise, and if the file cannot be read to its end, returns ABSENT
     * with the reason in err. */
    enum ria_outcome (*read_private)(
        void *self,
        const char *directory,
        const char *name,
        struct ria_buf *out,
        struct ria_error *err);

    /* Returns whether the path is a directory that belongs to the user and that other users cannot
     * write (base/trust.h). */
    bool (*is_own_directory)(void *self, const char *path);

    /* Fills *out. Returns false if the system does not report the boot id or the namespace. */
    bool (*machine)(void *self, struct ria_machine *out);

    /* Sends a request to rds-iam-fetch and waits for the response. The request and the response are
     * complete records of codec/record.h. rds-iam-fetch is killed at the deadline. Returns false
     * with err filled on failure, and if the effective and real groups of the process differ. */
    bool (*fetch)(
        void *self,
        const struct ria_buf *request,
        struct ria_deadline deadline,
        struct ria_buf *response,
        struct ria_error *err);

    /* Returns the effective uid, which decides which files the process can open. */
    uid_t (*uid)(void *self);

    /* Returns true if the process runs with more rights than the user who started it (setuid,
     * setgid, file capabilities), or if its effective and real users differ (seteuid). If the
     * result is false and `user` is not NULL, also sets *user to the effective uid, without a
     * further system call. */
    bool (*is_privileged)(void *self, uid_t *user);

    /* Logs one line, passed without a newline. The line must not contain a secret. If the member is
     * NULL, nothing is logged. */
    void (*log)(void *self, enum ria_log_level level, const char *line);
    enum ria_log_level log_level; /* the most detailed level that is logged */
};

/* Returns the value of an environment variable, or NULL if the variable is unset or its value is
 * blank (RIA_BLANKS). The AWS SDKs treat most empty variables as unset; this function treats every
 * empty or blank variable as unset. The value is borrowed, as from env(). */
const char *ria_world_env(const struct ria_world *world, const char *name);

/* Returns the user's home directory: HOME, or if HOME is unset or blank, the directory in the
 * passwd entry. libpq 15 and later also reads the passwd entry if HOME is unset or empty. Python's
 * expanduser(), which the AWS CLI uses, reads the entry only if HOME is unset. Returns NULL if
 * neither HOME nor the entry names a directory. */
const char *ria_world_home(const struct ria_world *world);

/* Calls world->read_file(), and logs at the level debug whether the file was read. err must not be
 * NULL. */
enum ria_outcome ria_world_read(
    const struct ria_world *world,
    const char *path,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* Like ria_world_read(), for a file whose default path is used because the user configured no other
 * path. If read_file() fails with RIA_E_UNREACHABLE, logs a warning and returns ABSENT, with the
 * code RIA_E_UNREACHABLE in err. Returns ABSENT instead of FAILED for two reasons: HOME may still
 * name another user's home after setuid(); and if a file that Docker should mount does not exist,
 * Docker creates a directory at the path of this file. err must not be NULL. */
enum ria_outcome ria_world_read_default(
    const struct ria_world *world,
    const char *path,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err) RIA_MUST_USE;

/* Returns true if lines of that level are logged. Call this function before work that is done only
 * for a log line. */
bool ria_world_logs(const struct ria_world *world, enum ria_log_level level);

/* Formats a line, replaces its control characters, and logs it. Does nothing if lines of that level
 * are not logged. */
void ria_world_log(const struct ria_world *world, enum ria_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The time limit of a login, including sources on the network, in milliseconds. */
enum {
    RIA_LOGIN_BUDGET_MS = 10000
};

/* Returns the deadline that is `budget` milliseconds from now. */
struct ria_deadline ria_deadline_in(const struct ria_world *world, int64_t budget);

/* Returns the milliseconds left until the deadline, never less than 0. */
int64_t ria_deadline_left(const struct ria_world *world, struct ria_deadline deadline);

#endif
