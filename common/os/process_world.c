/* SPDX-License-Identifier: MIT
 *
 * Implements the world (base/world.h) of the current process. Outside common/os, the core reads the
 * environment, the clocks and files only through this interface. The code runs inside another
 * vendor's program (the host program), so the functions that open files or start rds-iam-fetch
 * restore errno. Rejects a file that is neither a regular file nor /dev/null, and a file that is
 * larger than the caller's limit.
 */
#include "os/process_world.h"

#include "base/file.h"
#include "base/text.h"
#include "base/trust.h"
#include "os/fetch_client.h"
#include "os/guest_log.h"
#include "os/guest_stderr.h"
#include "os/process_ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Returns NULL for every variable if the program runs in secure-execution mode. */
static const char *get_env(void *self, const char *name)
{
    (void)self;
    return secure_getenv(name);
}

static int compare_texts(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Fills found[] with the variables that have the prefix, and returns their number. Variables for
 * which found[] has no room are counted, but not stored. */
static size_t find_variables(const char *prefix, const char **found, size_t room)
{
    size_t len = strlen(prefix);
    size_t count = 0;
    for (size_t i = 0; environ != NULL; i++) {
        /* Read only once, because unsetenv() in another thread may set the element to NULL. */
        const char *entry = __atomic_load_n(&environ[i], __ATOMIC_RELAXED);
        if (entry == NULL) {
            break;
        }
        if (entry[0] != prefix[0] || strncmp(entry, prefix, len) != 0) {
            continue;
        }
        if (count < room) {
            found[count] = entry;
        }
        count++;
    }
    return count;
}

/* Appends the variables with the prefix, sorted. Another thread of the host program may change
 * environ meanwhile. A variable that is added after this function has counted the variables is left
 * out. */
static void add_variables(void *self, const char *prefix, struct ria_buf *out)
{
    enum {
        FEW = 32
    };
    (void)self;
    const char *few[FEW];
    const char **many = NULL;
    const char **found = few;
    size_t count = find_variables(prefix, few, FEW);
    if (count > FEW) {
        size_t room = count;
        many = calloc(room, sizeof(*many));
        found = many;
        out->failed = out->failed || many == NULL;
        count = many == NULL ? 0 : find_variables(prefix, many, room);
        count = count < room ? count : room;
    }
    if (count > 1) {
        qsort(found, count, sizeof(*found), compare_texts);
    }
    for (size_t i = 0; i < count; i++) {
        ria_buf_add(out, found[i], strlen(found[i]) + 1);
    }
    free(many);
}

static int64_t get_now(void *self)
{
    (void)self;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

static int64_t process_world_milliseconds(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return ((int64_t)now.tv_sec * 1000) + (now.tv_nsec / 1000000);
}

static int64_t process_world_get_ticks(void *self)
{
    (void)self;
    return process_world_milliseconds(CLOCK_MONOTONIC);
}

static uid_t get_uid(void *self)
{
    (void)self;
    return geteuid();
}

/* AT_SECURE is set if the program was started with more rights than its caller. If AT_SECURE is not
 * set, the program may have changed its effective user after its start. In this case the
 * environment still belongs to the real user. The groups are not compared here, because they matter
 * only for a program that this process starts: os/fetch_client.c compares them. */
static bool get_privileged(void *self, uid_t *user)
{
    (void)self;
    uid_t unused;
    return getauxval(AT_SECURE) != 0 || !ria_process_has_one_user(user != NULL ? user : &unused);
}

/* If the path is a symbolic link, checks the directory to which the link leads. */
static bool get_own_directory(void *self, const char *path)
{
    (void)self;
    int saved = errno;
    struct ria_file facts;
    char who[RIA_ERROR_TEXT_MAX];
    bool ok = ria_file_facts_at(path, &facts) && S_ISDIR(facts.mode) && facts.owner == geteuid() &&
              !ria_trust_describe_writers(&facts, geteuid(), path, who, sizeof(who));
    errno = saved;
    return ok;
}

/* Fails with "path: what: reason", where the reason is the text of errno. */
static enum ria_outcome failed_by_errno(struct ria_error *err, const char *path, const char *what)
{
    char words[128];
    return ria_failed(
        err,
        RIA_E_CONFIG,
        "%s: %s: %s",
        path,
        what,
        ria_text_of_errno(errno, words, sizeof(words)));
}

/* Reads up to `want` bytes and appends them to *out. Returns the number of bytes, 0 at the end of
 * the file, or -1 with errno set. */
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

/* Reads to the end of the file, whose size was `size` when it was opened. Returns false with errno
 * set. errno is EFBIG if the file is longer than out->max. */
static bool read_all(int fd, size_t size, struct ria_buf *out)
{
    enum {
        FIRST_PIECE = 512, /* of a file whose size is 0: it is empty, or it is in /proc */
        PIECE = 16384,
    };
    ssize_t len = 1;
    size_t start = out->len;
    while (len > 0 && out->len < out->max) {
        size_t left = out->max - out->len;
        /* Request one byte more than the file had when it was opened. If the file has not grown,
         * exactly `size` bytes arrive, and no further read() is needed to find the end. A file in
         * /proc has the size 0.
         */
        size_t done = out->len - start;
        size_t piece = done == 0 ? FIRST_PIECE : PIECE;
        size_t want = size > 0 && size >= done ? size + 1 - done : piece;
        len = read_piece(fd, out, left < want ? left : want);
        if (len > 0 && size > 0 && out->len - start == size) {
            return true;
        }
    }
    char more;
    if (len > 0 && read(fd, &more, 1) > 0) {
        errno = EFBIG;
        return false;
    }
    return len >= 0;
}

static enum ria_outcome too_large(struct ria_error *err, const char *path, size_t limit)
{
    enum {
        KB = 1024,
        MIB = KB * KB
    };
    bool is_small = limit < KB;
    bool is_large = limit >= MIB;
    return ria_failed(
        err,
        RIA_E_CONFIG,
        "%s: is larger than %zu %s, the limit; remove what is not needed, or name another file",
        path,
        is_small ? limit : limit / (is_large ? MIB : KB),
        is_small   ? "bytes"
        : is_large ? "MiB"
                   : "KB");
}

/* Returns true for /dev/null. Users set a variable to /dev/null if the variable must name a file
 * and they have no such file. Compares the device number, because the path may also be a link to
 * /dev/null, or /dev/null may be mounted at the path. */
static bool is_null_device(int fd)
{
    enum {
        NULL_DEVICE = 0x103 /* makedev(1, 3) */
    };
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == NULL_DEVICE;
}

static enum ria_outcome irregular(const char *path, struct ria_error *err)
{
    return ria_failed(err, RIA_E_CONFIG, "%s: is not a regular file; name another file", path);
}

static enum ria_outcome read_open_file(
    int fd, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    struct ria_file facts;
    if (!ria_file_facts(fd, &facts)) {
        return failed_by_errno(err, path, "cannot be read");
    }
    if (S_ISDIR(facts.mode)) {
        return ria_failed(
            err,
            RIA_E_UNREACHABLE,
            "%s: is a directory; replace it with a file, or name another file",
            path);
    }
    bool is_empty = S_ISCHR(facts.mode) && is_null_device(fd);
    if (is_empty) {
        facts = (struct ria_file){.mode = S_IFREG | S_IRUSR | S_IRGRP | S_IROTH};
    }
    if (!S_ISREG(facts.mode)) {
        return irregular(path, err);
    }
    if (!is_empty && !read_all(fd, (size_t)facts.stamp.size, out)) {
        return errno == EFBIG ? too_large(err, path, out->max)
                              : failed_by_errno(err, path, "cannot be read completely");
    }
    if (file != NULL) {
        *file = facts;
    }
    return RIA_FOUND;
}

/* Sets O_NONBLOCK, so that opening a FIFO or a device does not wait for a peer. */
static int open_at(int directory, const char *name, int flags)
{
    return openat(directory, name, flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* Reports why a file could not be opened. EACCES has two causes: the user cannot read the file, or
 * the user cannot search a directory above the file. stat() distinguishes the two causes. ENXIO and
 * ENODEV are the errors of a socket, and of a device without a driver. */
static enum ria_outcome report_open_error(const char *path, int error, struct ria_error *err)
{
    struct stat status;
    if (error == ENOENT || error == ENOTDIR) {
        return ria_absent(err, "%s does not exist", path);
    }
    bool is_known = stat(path, &status) == 0;
    if (error == ELOOP || (error == EACCES && is_known && S_ISDIR(status.st_mode))) {
        return ria_failed(
            err,
            RIA_E_UNREACHABLE,
            "%s: is %s; replace it with a file, or name another",
            path,
            error == ELOOP ? "a loop of links" : "a directory");
    }
    if (error == EACCES && !is_known) {
        return ria_failed(
            err,
            RIA_E_UNREACHABLE,
            "%s: is below a directory that this user cannot search; give this user the right to "
            "search it, or name another file",
            path);
    }
    if (error == ENXIO || error == ENODEV) {
        return irregular(path, err);
    }
    char words[128];
    return ria_failed(
        err,
        RIA_E_CONFIG,
        "%s: cannot be opened: %s; let this user read it, or name another file",
        path,
        ria_text_of_errno(error, words, sizeof(words)));
}

static enum ria_outcome process_world_read_file(
    void *self, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    (void)self;
    int saved = errno;
    enum ria_outcome outcome;
    int fd = open_at(AT_FDCWD, path, 0);
    if (fd >= 0) {
        outcome = read_open_file(fd, path, out, file, err);
        (void)close(fd);
    } else {
        outcome = report_open_error(path, errno, err);
    }
    errno = saved;
    return outcome;
}

static bool process_world_read_facts(void *self, const char *path, struct ria_file *out)
{
    (void)self;
    int saved = errno;
    bool exists = ria_file_facts_at(path, out);
    if (!exists) {
        *out = (struct ria_file){.is_missing = errno == ENOENT || errno == ENOTDIR};
    }
    errno = saved;
    return exists && S_ISREG(out->mode);
}

static bool process_world_is_remote(void *self, const char *path)
{
    (void)self;
    int saved = errno;
    bool is_remote = ria_file_is_remote(path);
    errno = saved;
    return is_remote;
}

static enum ria_outcome read_private_file(
    int directory, const char *name, struct ria_buf *out, struct ria_error *err)
{
    int fd = open_at(directory, name, O_NOFOLLOW);
    if (fd < 0) {
        return ria_absent(err, "it does not exist, or it is a symbolic link");
    }
    enum ria_outcome outcome;
    struct ria_file facts;
    if (!ria_file_facts(fd, &facts) || !S_ISREG(facts.mode) ||
        !ria_trust_is_private(&facts, geteuid())) {
        outcome = ria_absent(err, "%s: is not private to the user, so it is ignored", name);
    } else if (!read_all(fd, (size_t)facts.stamp.size, out)) {
        outcome = ria_absent(err, "%s: cannot be read to its end", name);
    } else {
        outcome = RIA_FOUND;
    }
    (void)close(fd);
    return outcome;
}

static enum ria_outcome read_private(
    void *self, const char *directory, const char *name, struct ria_buf *out, struct ria_error *err)
{
    (void)self;
    int saved = errno;
    enum ria_outcome outcome;
    int fd = open_at(AT_FDCWD, directory, O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0) {
        outcome = ria_absent(err, "%s: is not a directory", directory);
    } else if (!ria_file_is_private(fd, S_IFDIR)) {
        outcome = ria_absent(
            err,
            "%s: is not private to the user, so it is ignored; run: chmod 700 %s",
            directory,
            directory);
    } else {
        outcome = read_private_file(fd, name, out, err);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = saved;
    return outcome;
}

static bool get_machine(void *self, struct ria_machine *out)
{
    struct ria_machine machine = {0};
    struct stat status;
    struct ria_error ignored;
    int saved = errno;
    RIA_AUTO(buf) text = {.max = 64};
    bool ok = process_world_read_file(
                  self, "/proc/sys/kernel/random/boot_id", &text, NULL, &ignored) == RIA_FOUND &&
              text.len >= RIA_BOOT_ID_SIZE - 1 && stat("/proc/self/ns/net", &status) == 0;
    errno = saved;
    if (!ok) {
        return false;
    }
    memcpy(machine.boot_id, text.data, RIA_BOOT_ID_SIZE - 1);
    machine.net_namespace = (uint64_t)status.st_ino;
    machine.real_minus_raw = process_world_milliseconds(CLOCK_REALTIME) -
                             process_world_milliseconds(CLOCK_MONOTONIC_RAW);
    *out = machine;
    return true;
}

static bool process_world_fetch(
    void *self,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err)
{
    (void)self;
    int saved = errno;
    bool ok = ria_fetch_client_run(ria_process_world(), request, deadline, response, err);
    errno = saved;
    return ok;
}

static const char *get_home(void *self)
{
    (void)self;
    int saved = errno;
    const char *home = ria_home_of_user();
    errno = saved;
    return home;
}

static void process_world_write_log(void *self, enum ria_log_level level, const char *line)
{
    (void)self;
    ria_guest_log_write(level, line);
}

bool ria_process_log_to_file(enum ria_log_level level, const char *text)
{
    return ria_guest_log_to_file(level, text);
}

/* The initializer of a world. ria_process_world() has one world without a log, and one world for
 * each log level. */
#define WORLD(log_function, last_level)                                                            \
    {                                                                                              \
        .env = get_env, .add_variables = add_variables, .now = get_now,                            \
        .ticks = process_world_get_ticks, .home = get_home, .read_file = process_world_read_file,  \
        .read_facts = process_world_read_facts, .is_remote = process_world_is_remote,              \
        .read_private = read_private, .is_own_directory = get_own_directory,                       \
        .machine = get_machine, .fetch = process_world_fetch, .uid = get_uid,                      \
        .is_privileged = get_privileged, .log = (log_function), .log_level = (last_level),         \
    }

const struct ria_world *ria_process_world(void)
{
    static const struct ria_world silent = WORLD(NULL, RIA_LOG_WARNING);
    static const struct ria_world logging[RIA_LOG_LEVELS] = {
        [RIA_LOG_WARNING] = WORLD(process_world_write_log, RIA_LOG_WARNING),
        [RIA_LOG_INFO] = WORLD(process_world_write_log, RIA_LOG_INFO),
        [RIA_LOG_DEBUG] = WORLD(process_world_write_log, RIA_LOG_DEBUG),
    };
    struct ria_log_setting setting;
    if (!ria_guest_log_setting(&setting)) {
        return &silent;
    }
    int saved = errno;
    ria_stderr_record();
    errno = saved;
    ria_guest_log_check();
    return &logging[setting.level];
}
