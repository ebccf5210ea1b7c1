/* SPDX-License-Identifier: MIT
 *
 * Implements the functions of module.h in rds-iam-pq-token.so. Composes a passfile from the
 * lines of the user's own passfile and from lines with fresh tokens, and writes the passfile to a
 * sealed file in memory. Removes tokens that must not be sent. If this code cannot read the user's
 * passfile as libpq would read it, the passfile counts as one that contains tokens. */
#include "preload/module.h"

#include "preload/key_history.h"
#include "preload/token_passfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    /* Spare bytes after each token, so that a reset can write a longer token in its place. The
     * session tokens of one role differ in length by a few dozen bytes, for example because of
     * their percent-encoding. */
    SPARE = 1024,

    /* A line with a token has at least 512 bytes, so with SPARE bytes it is less than four times as
     * long. */
    TOKENS_MAX = 4 * RIA_PASSFILE_MAX,
};

/* -- a file in memory ------------------------------------------------------------------------ */

/* Writes text to a memfd. RLIMIT_FSIZE also applies to a memfd: beyond the limit, write() fails
 * with EFBIG and raises SIGXFSZ, which would end the program. So this function blocks SIGXFSZ, and
 * discards the signal if this write has raised it. */
static bool write_within_limits(int fd, const struct ria_buf *text)
{
    const struct timespec at_once = {0};
    sigset_t beyond;
    sigset_t before;
    sigset_t pending;
    (void)sigemptyset(&beyond);
    (void)sigaddset(&beyond, SIGXFSZ);
    (void)pthread_sigmask(SIG_BLOCK, &beyond, &before);
    (void)sigpending(&pending);
    bool ok = ria_file_fill(fd, text->data, text->len);
    if (!ok && errno == EFBIG && sigismember(&pending, SIGXFSZ) == 0) {
        (void)sigtimedwait(&beyond, NULL, &at_once);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

/* Returns a sealed memfd with the text, or -1 after it has logged the reason. The memfd is a
 * regular file with mode 0600, because libpq ignores a passfile of another kind and a passfile that
 * the group or others may access. */
static int in_memory(const struct ria_buf *text)
{
    if (ria_buf_text(text) == NULL) {
        ria_world_log(
            ria_process_world(),
            RIA_LOG_WARNING,
            "cannot make a passfile in memory: it is too long, or memory ran out; name fewer "
            "hosts, or remove lines from the passfile");
        return -1;
    }
    int fd = memfd_create("rds-iam-passfile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write_within_limits(fd, text) &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0 &&
        lseek(fd, 0, SEEK_SET) == 0) {
        return fd;
    }
    ria_world_log(
        ria_process_world(),
        RIA_LOG_WARNING,
        "cannot make a passfile in memory: memfd_create() fails, or the limit of the file size is "
        "too low; raise ulimit -f");
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

/* -- the user's own passfile ----------------------------------------------------------------- */

static void copy_line(const char *text, size_t len, bool with_token, struct ria_buf *out)
{
    bool has_return = text[len - 1] == '\r'; /* libpq drops it before a newline */
    ria_buf_add(out, text, len - (has_return ? 1 : 0));
    if (with_token) {
        ria_token_passfile_add_spare(SPARE, out);
    }
    ria_buf_add_char(out, '\n');
}

/* If with_token is true, copies the lines that contain a token, each with spare bytes for a longer
 * token. Otherwise copies the lines that contain no token. If is_used is true, libpq may send the
 * copied tokens, so this function adds them to the key history. is_used is false if there are fresh
 * tokens, because libpq then sends only these. In this case the copied tokens must not be in the
 * history: if the program later gives a token with the same access key id, that token comes from
 * the user, not from an earlier connection. */
static void copy_lines(const char *text, bool with_token, bool is_used, struct ria_buf *out)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        bool has_token = ria_line_has_token(text, len);
        if (has_token && is_used) {
            ria_key_history_add(text);
        }
        if (has_token == with_token && len > 0) {
            copy_line(text, len, with_token, out);
        }
        text += len + (text[len] == '\n' ? 1 : 0);
    }
}

/* Returns true if open() will fail for libpq, too: the file does not exist, or the user cannot read
 * it. Returns false for other errors, because after a lack of descriptors or memory, open() may
 * still succeed for libpq. */
static bool is_closed_to_user(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM ||
           error == ELOOP || error == ENAMETOOLONG;
}

/* Opens the user's passfile as libpq does. libpq ignores a file that is not regular or that other
 * users can read; during the probe, libpq has already printed a warning about such a file. If an
 * agent serves the file, the open blocks until the agent has filled the file. O_NONBLOCK is not
 * used. With O_NONBLOCK, the open would fail on a file that an agent serves, and libpq would then
 * read lines that this code has not checked. Returns the descriptor, or -1. On -1, sets
 * *agrees_with_libpq to true if libpq will not read the file either. */
static int module_open_own(const char *path, bool *agrees_with_libpq)
{
    struct stat status;
    int fd = -1;
    *agrees_with_libpq = true;
    int error = stat(path, &status) == 0 ? 0 : errno;
    if (error == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0) {
        do {
            fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        } while (fd < 0 && errno == EINTR);
        error = fd < 0 ? errno : 0;
    }
    *agrees_with_libpq = error == 0 || is_closed_to_user(error);
    return fd;
}

/* Reads the user's passfile. Returns false if libpq may find lines that this code does not find.
 * There are four such cases: memory or descriptors run out; read() fails; the file is larger than
 * RIA_PASSFILE_MAX; or the file contains a NUL byte, at which this code stops and libpq does not.
 * If libpq cannot read the file either, the file counts as empty. */
static bool read_own(const char *path, struct ria_buf *own)
{
    enum {
        PIECE = 4096
    };
    bool agrees_with_libpq;
    int fd = module_open_own(path, &agrees_with_libpq);
    ssize_t len = fd < 0 ? 0 : 1;
    while (len > 0) {
        char *room = ria_buf_reserve(own, PIECE);
        do {
            len = room == NULL ? -1 : read(fd, room, PIECE);
        } while (len < 0 && room != NULL && errno == EINTR);
        if (len > 0) {
            ria_buf_grown(own, (size_t)len);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (len < 0 || (own->len > 0 && strlen(own->data) != own->len)) {
        ria_buf_clear(own);
        return false;
    }
    return agrees_with_libpq;
}

/* -- module.h -------------------------------------------------------------------------------- */

static int make_service_passfile(const char *path, bool dry_run)
{
    RIA_AUTO(buf) lines = {.max = RIA_PASSFILE_MAX};
    size_t entries = ria_token_passfile_add_entries(path, dry_run, &lines);
    /* If no line could be made, the reader opens the agent's real file, which may contain more. */
    return entries > 0 && (dry_run || lines.len > 0 || lines.failed) ? in_memory(&lines) : -1;
}

/* Returns the port of the first host: the first item of `ports`. Returns 5432 if this item is
 * empty, and 0 if it is not a valid port. */
static uint16_t first_port(const char *ports)
{
    char port[sizeof("65535")] = "5432";
    size_t len = ports == NULL ? 0 : strcspn(ports, ",");
    if (len >= sizeof(port)) {
        return 0;
    }
    if (len > 0) {
        memcpy(port, ports, len);
        port[len] = '\0';
    }
    return ria_port_parse(port);
}

/* Describes a login at the target's first host. Returns false if the target has no host name or no
 * user. */
static bool first_host(const struct ria_pq_target *target, struct ria_login *login)
{
    *login = (struct ria_login){
        .host = target->host,
        .port = first_port(target->port),
        .user = target->user,
        .channel = ria_channel_of(target),
    };
    return target->host != NULL && target->user != NULL;
}

/* Returns whether a token that rds-iam did not make for this connection may be sent to the target.
 * If not, logs the reason. `what` describes the token, as the subject of the logged message. */
static bool check_sending(const struct ria_pq_target *target, const char *what)
{
    struct ria_login login;
    struct ria_error err;
    if (!ria_check_target(target, &err)) {
        /* *err contains the reason */
    } else if (!first_host(target, &login)) {
        (void)ria_fail(
            &err,
            RIA_E_CHANNEL,
            "the host name or the user is missing, so nothing can be verified; set host= and "
            "user=");
    } else if (ria_login_may_send(&login, ria_process_world(), &err)) {
        return true;
    }
    ria_world_log(ria_process_world(), RIA_LOG_WARNING, "%s is not sent: %s", what, err.text);
    return false;
}

static bool may_send(const struct ria_pq_target *target)
{
    return check_sending(target, "the token that was given as the password");
}

/* Called if libpq reads no passfile. Logs for which hosts no token was made, and why. If a token
 * was made, also logs that libpq has no passfile from which it could read the token. */
static void log_no_home(
    const struct ria_pq_target *target, const struct ria_refusals *refusals, bool is_made)
{
    static const char why[] = "libpq reads no passfile because it found no home directory; set "
                              "PGPASSFILE to any name, or "
                              "HOME for libpq 15 and later";
    const struct ria_buf none = {0};
    ria_token_passfile_log_refusals(target, refusals, &none);
    if (is_made) {
        char host[RIA_HOST_SHOWN_SIZE];
        ria_show_host(target->host != NULL ? target->host : target->hostaddr, host);
        ria_world_log(
            ria_process_world(),
            target->has_token ? RIA_LOG_INFO : RIA_LOG_WARNING,
            "no token for %s at %s: %s",
            target->user,
            host,
            why);
    }
}

/* Composes the passfile. libpq uses the first line that matches. So the order is: first the user's
 * lines with passwords, then the lines with fresh tokens, then the user's lines with tokens. The
 * tokens of the user's lines are older: an agent made them, or they are left over. If no token may
 * be sent to the target, removes the lines with tokens: each of these tokens was made for a service
 * entry, which may require a better protected connection than this one. */
static void make_passfile(
    const struct ria_pq_target *target, const char *given, struct ria_pq_passfile *out)
{
    *out = (struct ria_pq_passfile){.fd = -1, .is_in_history = ria_key_history_has(given)};
    RIA_AUTO(buf) own = {.max = RIA_PASSFILE_MAX};
    RIA_AUTO(buf) lines = {.max = RIA_PASSFILE_MAX};
    RIA_AUTO(buf) tokens = {.max = TOKENS_MAX};
    RIA_AUTO(buf) whole = {.max = (size_t)RIA_PASSFILE_MAX + TOKENS_MAX + 1};
    RIA_AUTO(refusals) refusals = {0};
    size_t made = ria_token_passfile_add_lines(target, SPARE, &lines, &refusals);
    if (target->passfile == NULL) {
        log_no_home(target, &refusals, made > 0);
        return;
    }
    /* When a client opens an agent's passfile, the agent makes a token for every line. To avoid
     * this, the agent's passfile is not opened if fresh tokens have been made here. */
    bool is_read =
        (made > 0 && ria_is_agents_path(target->passfile)) || read_own(target->passfile, &own);
    if (own.len > 0) {
        copy_lines(own.data, false, false, &whole);
        copy_lines(own.data, true, made == 0, &tokens);
    }
    ria_token_passfile_log_refusals(target, &refusals, &tokens);
    /* A file that could not be read may contain tokens. */
    bool has_tokens = tokens.len > 0 || tokens.failed || !is_read;
    out->has_tokens = made > 0 || has_tokens;
    bool is_allowed = !has_tokens || check_sending(target, "the token in the passfile");
    out->is_withheld = !is_allowed;
    if (made == 0 && is_allowed && !has_tokens) {
        return;
    }
    ria_buf_add(&whole, lines.data, lines.len);
    if (is_allowed && has_tokens) {
        ria_buf_add(&whole, tokens.data, tokens.len);
    }
    whole.failed = whole.failed || lines.failed || tokens.failed;
    out->fd = is_read || made > 0 ? in_memory(&whole) : -1;
    out->is_hidden = out->fd < 0 && !is_allowed;
}

/* If ria_token_is_replaced() returns false, the stored token counts as current: it is not older
 * than the fresh token, or it is a valid token of another identity. */
static void module_refresh(
    const struct ria_pq_target *target,
    const struct ria_pq_token_slot *held,
    struct ria_pq_refreshed *out)
{
    const struct ria_world *world = ria_process_world();
    struct ria_login login;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err;
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    *out = (struct ria_pq_refreshed){.is_in_history = ria_key_history_has(held->token)};
    if (!first_host(target, &login)) {
        return;
    }
    if (!ria_token_passfile_token(target, login.host, login.port, deadline, &token, &err)) {
        ria_token_passfile_refusal(target->user, login.host, login.port, err.text, out->refusal);
        return;
    }
    const char *text = ria_buf_text(&token.text);
    if (text != NULL && !ria_token_is_replaced(held->token, text, out->is_in_history)) {
        out->is_current = true;
        return;
    }
    out->is_too_long = text == NULL || token.text.len >= held->room;
    if (!out->is_too_long) {
        memcpy(held->token, text, token.text.len + 1);
        out->is_current = true;
    }
}

static void module_write_log(enum ria_log_level level, const char *text)
{
    ria_world_log(ria_process_world(), level, "%s", text);
}

__attribute__((visibility("default"))) const struct ria_pq_module *ria_pq_module_for_version(
    unsigned version)
{
    static const struct ria_pq_module module = {
        .version = RIA_PQ_MODULE_VERSION,
        .prepare = ria_prepare,
        .make_passfile = make_passfile,
        .make_service_passfile = make_service_passfile,
        .may_send = may_send,
        .refresh = module_refresh,
        .ca_of = ria_target_ca,
        .log = module_write_log,
    };
    return version == RIA_PQ_MODULE_VERSION ? &module : NULL;
}
