/* SPDX-License-Identifier: MIT
 *
 * The answers of module.h, and the file in memory. */
#include "preload/agents_path.h"
#include "preload/known.h"
#include "preload/replace.h"
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
    /* Percent-encoding alone makes one session token a few dozen bytes longer than another. */
    SPARE = 1024,

    /* Lines with tokens have half a KB at least. */
    TOKENS_MAX = 4 * RIA_PASSFILE_MAX,
};

/* -- a file in memory ------------------------------------------------------------------------ */

/* A limit of file sizes counts in memory too, and its signal would end the program. */
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

/* Regular, of this user, 0600: what libpq wants of a passfile. */
static int in_memory(const struct ria_buf *text)
{
    bool is_whole = ria_buf_text(text) != NULL;
    int fd = is_whole ? memfd_create("rds-iam-passfile", MFD_CLOEXEC | MFD_ALLOW_SEALING) : -1;
    if (fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write_within_limits(fd, text) &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0 &&
        lseek(fd, 0, SEEK_SET) == 0) {
        return fd;
    }
    ria_world_log(
        ria_process_world(),
        RIA_LOG_WARNING,
        "cannot make a passfile in memory (memfd_create, or ulimit -f)");
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

/* -- the user's own passfile ----------------------------------------------------------------- */

static void copy_line(const char *text, size_t len, bool with_token, struct ria_buf *out)
{
    bool has_return = text[len - 1] == '\r'; /* before a newline it is no part of the password */
    ria_buf_add(out, text, len - (has_return ? 1 : 0));
    if (with_token) {
        ria_mint_spare(SPARE, out);
    }
    ria_buf_add_char(out, '\n');
}

/* Copies the lines that hold a token, with room for a longer one, or those that hold none. Beside a
 * token of ours theirs come last and are not used (is_used): such a one that the program has been
 * given is somebody's own, and no earlier connection's. */
static void copy_lines(const char *text, bool with_token, bool is_used, struct ria_buf *out)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        bool has_token = ria_line_has_token(text, len);
        if (has_token && is_used) {
            ria_known_add(text);
        }
        if (has_token == with_token && len > 0) {
            copy_line(text, len, with_token, out);
        }
        text += len + (text[len] == '\n' ? 1 : 0);
    }
}

/* Whether an open that failed fails for libpq too, for the same reason: there is no such file, or
 * the user may not read it. For want of descriptors or memory it may fail only once. */
static bool is_closed_to_user(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM ||
           error == ELOOP || error == ENAMETOOLONG;
}

/* As libpq opens it, which ignores what is not a regular file and what others may read, and says
 * so; it was asked once already. It waits for an agent to fill the file that it serves: an open
 * that does not wait (O_NONBLOCK) fails on such a file, and then libpq would read what was not
 * looked at. *is_readable: -1 means that libpq will not read it either. */
static int open_own(const char *path, bool *is_readable)
{
    struct stat status;
    int fd = -1;
    *is_readable = true;
    int error = stat(path, &status) == 0 ? 0 : errno;
    if (error == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0) {
        do {
            fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        } while (fd < 0 && errno == EINTR);
        error = fd < 0 ? errno : 0;
    }
    *is_readable = error == 0 || is_closed_to_user(error);
    return fd;
}

/* False if it cannot be told which lines libpq would find there: no memory or no descriptor, a file
 * that is too long, or a NUL byte, behind which libpq finds further lines and we do not. */
static bool read_own(const char *path, struct ria_buf *own)
{
    enum {
        PIECE = 4096
    };
    bool is_readable;
    int fd = open_own(path, &is_readable);
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
    return is_readable;
}

/* -- module.h -------------------------------------------------------------------------------- */

static void make_service_passfile(struct ria_pq_question *question)
{
    RIA_AUTO(buf) lines = {.max = RIA_PASSFILE_MAX};
    bool only_ask = question->wish == RIA_PQ_SERVICE_PASSFILE_IS_THERE;
    size_t entries = ria_mint_entries(question->path, only_ask, &lines);
    /* Without a line there is nothing that an agent's real file could be worse than. */
    if (entries > 0 && (only_ask || lines.len > 0)) {
        question->fd = in_memory(&lines);
    }
}

/* The first host of the target, which has one. */
static bool first_host(const struct ria_pq_target *target, struct ria_login *login)
{
    *login = (struct ria_login){
        .host = target->host,
        .port = ria_port_parse(target->port == NULL ? "5432" : target->port),
        .user = target->user,
        .channel = ria_channel_of(target),
    };
    return target->host != NULL && target->user != NULL;
}

/* Whether a token that somebody else made may go to the target; why not is in the log. */
static bool may_send(const struct ria_pq_target *target, const char *what)
{
    struct ria_login login;
    struct ria_error err;
    if (!ria_check_target(target, &err)) {
        /* err says why */
    } else if (!first_host(target, &login)) {
        (void)ria_fail(
            &err,
            RIA_E_CHANNEL,
            "without a host name or a user nothing can be verified; give both (host=, user=)");
    } else if (ria_login_may_send(&login, ria_process_world(), &err)) {
        return true;
    }
    ria_world_log(ria_process_world(), RIA_LOG_WARNING, "%s is not sent: %s", what, err.text);
    return false;
}

/* There is a token and no name under which libpq would look for it; or there is none either way. */
static void say_no_home(
    const struct ria_pq_target *target, const struct ria_refusals *refusals, bool is_made)
{
    static const char why[] = "libpq reads no passfile because it knows no home directory; set "
                              "PGPASSFILE to any name, or "
                              "HOME for libpq 15 and later";
    const struct ria_buf none = {0};
    ria_mint_say_refusals(target, refusals, &none);
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

/* libpq takes the first line that fits. Passwords that the user keeps come first; tokens in the
 * user's file, an agent's or an old one's, are older than ours and come last. Where no token may go
 * they are left out: the entry that they were made for may have asked for a better connection. */
static void make_connection_passfile(struct ria_pq_question *question)
{
    RIA_AUTO(buf) own = {.max = RIA_PASSFILE_MAX};
    RIA_AUTO(buf) lines = {.max = RIA_PASSFILE_MAX};
    RIA_AUTO(buf) tokens = {.max = TOKENS_MAX};
    RIA_AUTO(buf) whole = {.max = (size_t)RIA_PASSFILE_MAX + TOKENS_MAX + 1};
    RIA_AUTO(refusals) refusals = {0};
    size_t made = ria_mint_lines(question->target, SPARE, &lines, &refusals);
    if (question->target->passfile == NULL) {
        say_no_home(question->target, &refusals, made > 0);
        return;
    }
    /* An agent would make all its tokens for somebody who opens its file. */
    bool is_read = (made > 0 && ria_is_agents_path(question->target->passfile)) ||
                   read_own(question->target->passfile, &own);
    if (own.len > 0) {
        copy_lines(own.data, false, false, &whole);
        copy_lines(own.data, true, made == 0, &tokens);
    }
    ria_mint_say_refusals(question->target, &refusals, &tokens);
    bool has_tokens = tokens.len > 0 || tokens.failed || !is_read; /* or may have */
    question->ok = made > 0 || has_tokens;
    bool is_allowed = !has_tokens || may_send(question->target, "the token in the passfile");
    question->is_withheld = !is_allowed;
    if (made == 0 && is_allowed && !has_tokens) {
        return;
    }
    ria_buf_add(&whole, lines.data, lines.len);
    if (is_allowed && has_tokens) {
        ria_buf_add(&whole, tokens.data, tokens.len);
    }
    whole.failed = whole.failed || lines.failed || tokens.failed;
    question->fd = is_read || made > 0 ? in_memory(&whole) : -1;
    question->is_hidden = question->fd < 0 && !is_allowed;
}

static void check_sending(struct ria_pq_question *question)
{
    question->ok = may_send(question->target, "the token that was given as the password");
}

static void say_too_long(struct ria_pq_question *question)
{
    (void)question;
    ria_world_log(
        ria_process_world(),
        RIA_LOG_WARNING,
        "the fresh token is longer than the one that the connection keeps, so its reset sends the "
        "old one; connect anew instead");
}

static void say_password(struct ria_pq_question *question)
{
    const struct ria_world *world = ria_process_world();
    struct ria_login login;
    struct ria_error err;
    if (!first_host(question->target, &login) ||
        ria_login_is_known(&login, world, &err) != RIA_FOUND) {
        return;
    }
    ria_world_log(
        world,
        RIA_LOG_WARNING,
        "%s is sent to %s and no token: take it away if %s logs in with IAM",
        question->password != NULL ? "the program's own password (PGPASSWORD, or a setting)"
                                   : "the password that a line of the passfile has",
        login.host,
        login.user);
}

static void make_fresh(struct ria_pq_question *question)
{
    const struct ria_world *world = ria_process_world();
    struct ria_login login;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err;
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    if (!first_host(question->target, &login)) {
        return;
    }
    if (!ria_mint_token(question->target, login.host, login.port, deadline, &token, &err)) {
        question->refusal = strdup(err.text);
        return;
    }
    const char *text = ria_buf_text(&token.text);
    if (text != NULL && !ria_token_is_replaced(question->password, text, question->is_known)) {
        question->ok = true;
        return;
    }
    if (text == NULL || token.text.len >= question->room) {
        say_too_long(question);
        return;
    }
    memcpy(question->password, text, token.text.len + 1);
    question->ok = true;
}

static void say_refusal(struct ria_pq_question *question)
{
    struct ria_login login;
    if (first_host(question->target, &login)) {
        ria_mint_say_refusal(question->target, login.host, login.port, question->refusal);
    }
}

static void answer(struct ria_pq_question *question)
{
    static void (*const answers[])(struct ria_pq_question *) = {
        [RIA_PQ_CONNECTION_PASSFILE] = make_connection_passfile,
        [RIA_PQ_SERVICE_PASSFILE] = make_service_passfile,
        [RIA_PQ_SERVICE_PASSFILE_IS_THERE] = make_service_passfile,
        [RIA_PQ_MAY_SEND] = check_sending,
        [RIA_PQ_REFRESH] = make_fresh,
        [RIA_PQ_SAY_REFUSAL] = say_refusal,
        [RIA_PQ_SAY_TOO_LONG] = say_too_long,
        [RIA_PQ_SAY_PASSWORD] = say_password,
    };
    question->is_known = ria_known_has(question->password);
    answers[question->wish](question);
}

__attribute__((visibility("default"))) const struct ria_pq_module ria_pq_module = {
    .version = RIA_PQ_MODULE_VERSION,
    .prepare = ria_prepare,
    .answer = answer,
};
