/* SPDX-License-Identifier: MIT
 *
 * Reads RDS_IAM_LOG for each line, and writes the line to the file that the variable names or to
 * stderr. Makes the system calls openat(2) and close(2) directly, because libc's functions for
 * these calls are cancellation points, and because the preload interposes libc's openat(). Refuses
 * a symbolic link, a file that is not regular, a file that belongs neither to root nor to the
 * effective user, and a file that every user can write. Refuses every file while the effective user
 * or group of the process differs from the real one. */
#include "os/guest_log.h"

#include "base/text.h"
#include "os/guest_stderr.h"
#include "os/process_ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    WHY_MAX = 160,
};

bool ria_guest_log_setting(struct ria_log_setting *out)
{
    return ria_log_setting_parse(secure_getenv("RDS_IAM_LOG"), out);
}

/* -- the file -------------------------------------------------------------------------------- */

/* Writes the reason: `what`, and the text of the error number `error` if it is not 0. Always
 * returns false. */
static bool guest_log_fail(char why[WHY_MAX], const char *what, int error)
{
    char words[96];
    (void)ria_text_format(
        why,
        WHY_MAX,
        "%s%s%s",
        what,
        error == 0 ? "" : ": ",
        error == 0 ? "" : ria_text_of_errno(error, words, sizeof(words)));
    return false;
}

/* Checks the open file and not the path, because another file may be at the path by now. */
static bool guest_log_may_append(int fd, char why[WHY_MAX])
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return guest_log_fail(why, "cannot be examined", errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return guest_log_fail(why, "is not a regular file", 0);
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        return guest_log_fail(why, "belongs to another user", 0);
    }
    return (status.st_mode & S_IWOTH) == 0 ||
           guest_log_fail(why, "every user can write it (chmod o-w removes this right)", 0);
}

static bool guest_log_append_to(int fd, const char *text, size_t len, char why[WHY_MAX])
{
    if (!guest_log_may_append(fd, why)) {
        return false;
    }
    ssize_t done = ria_guest_write(fd, text, len);
    return done == (ssize_t)len ||
           guest_log_fail(why, "cannot be written", done < 0 ? errno : ENOSPC);
}

/* Appends the text. Returns false with the reason in `why`. */
static bool guest_log_append(const char *path, const char *text, size_t len, char why[WHY_MAX])
{
    enum {
        FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
        MODE = S_IRUSR | S_IWUSR,
    };
    uid_t unused;
    if (!ria_process_has_one_user(&unused) || !ria_process_has_one_group()) {
        return guest_log_fail(
            why, "is not used, because this program has another user's rights", 0);
    }
    long fd = syscall(SYS_openat, AT_FDCWD, path, FLAGS, MODE);
    if (fd < 0) {
        return guest_log_fail(
            why,
            errno == ELOOP ? "is a symbolic link" : "cannot be opened",
            errno == ELOOP ? 0 : errno);
    }
    bool ok = guest_log_append_to((int)fd, text, len, why);
    (void)syscall(SYS_close, fd);
    return ok;
}

/* -- faults of RDS_IAM_LOG ------------------------------------------------------------------- */

enum guest_log_fault {
    FAULT_OF_VALUE,
    FAULT_OF_FILE,
};

/* Returns true for the first call with that fault in this process. */
static bool guest_log_is_first(enum guest_log_fault fault)
{
    static bool own[2]; /* for a process without ria_stderr_at_start */
    bool *flags = &ria_stderr_at_start == NULL ? own : ria_stderr_at_start.is_reported;
    return !__atomic_test_and_set(&flags[fault], __ATOMIC_RELAXED);
}

/* -- lines ----------------------------------------------------------------------------------- */

static bool guest_log_line_to_file(
    const struct ria_log_setting *setting,
    enum ria_log_level level,
    const char *text,
    char why[WHY_MAX])
{
    char whole[RIA_LOG_WHOLE_MAX];
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const struct ria_log_line line = {
        .program = program_invocation_short_name,
        .level = level,
        .text = text,
        .now = now.tv_sec,
        .pid = getpid(),
    };
    size_t len = ria_log_line_for_file(&line, whole);
    return guest_log_append(setting->path, whole, len, why);
}

static void guest_log_line_to_stderr(enum ria_log_level level, const char *text)
{
    char whole[RIA_LOG_WHOLE_MAX];
    const struct ria_log_line line = {.program = "rds-iam", .level = level, .text = text};
    size_t len = ria_log_line_for_stderr(&line, whole);
    ria_stderr_write(whole, len);
}

/* Reports on stderr why the file is not used. Only the first call has an effect. */
static void guest_log_report(const char *path, const char *why)
{
    if (guest_log_is_first(FAULT_OF_FILE)) {
        char text[RIA_LOG_LINE_MAX];
        (void)ria_text_format(
            text,
            sizeof(text),
            "RDS_IAM_LOG: %.600s: %s, so the log goes to stderr; name another file",
            path,
            why);
        guest_log_line_to_stderr(RIA_LOG_WARNING, text);
    }
}

static void guest_log_line(
    const struct ria_log_setting *setting, enum ria_log_level level, const char *text)
{
    char why[WHY_MAX];
    if (setting->path != NULL && guest_log_line_to_file(setting, level, text, why)) {
        return;
    }
    if (setting->path != NULL) {
        guest_log_report(setting->path, why);
    }
    guest_log_line_to_stderr(level, text);
}

static void guest_log_check(const struct ria_log_setting *setting)
{
    if ((!setting->is_unknown_level && !setting->is_relative_path) ||
        !guest_log_is_first(FAULT_OF_VALUE)) {
        return;
    }
    const char *value = secure_getenv("RDS_IAM_LOG");
    char text[RIA_LOG_LINE_MAX];
    if (value != NULL && setting->is_unknown_level) {
        (void)ria_text_format(text, sizeof(text), RIA_LOG_UNKNOWN_LEVEL, value);
        guest_log_line(setting, RIA_LOG_WARNING, text);
    }
    if (value != NULL && setting->is_relative_path) {
        (void)ria_text_format(text, sizeof(text), RIA_LOG_RELATIVE_PATH, value);
        guest_log_line(setting, RIA_LOG_WARNING, text);
    }
}

void ria_guest_log_check(void)
{
    int saved = errno;
    struct ria_log_setting setting;
    if (ria_guest_log_setting(&setting)) {
        guest_log_check(&setting);
    }
    errno = saved;
}

void ria_guest_log_write(enum ria_log_level level, const char *text)
{
    int saved = errno;
    struct ria_log_setting setting;
    if (ria_guest_log_setting(&setting)) {
        guest_log_check(&setting);
        if (level <= setting.level) {
            guest_log_line(&setting, level, text);
        }
    }
    errno = saved;
}

bool ria_guest_log_to_file(enum ria_log_level level, const char *text)
{
    int saved = errno;
    struct ria_log_setting setting;
    char why[WHY_MAX];
    bool is_wanted =
        ria_guest_log_setting(&setting) && setting.path != NULL && level <= setting.level;
    bool ok = is_wanted && guest_log_line_to_file(&setting, level, text, why);
    if (is_wanted && !ok) {
        guest_log_report(setting.path, why);
    }
    errno = saved;
    return ok;
}
