/* SPDX-License-Identifier: MIT
 *
 * Implements the state machine of one passfile. Makes lines in slices, so that a passfile of ten
 * thousand lines does not delay the clients of other passfiles. Does not fill a file that another
 * process has changed, renamed or linked. */
#include "agent/serve_file.h"

#include "agent/lease.h"
#include "agent/leftovers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WAIT_MS =
        4000, /* how long a client waits at most; few clients have a shorter connect_timeout */
    TEXT_MS =
        1000, /* how long the text of a file is reused: at most one token per line and second */
    OPEN_MS =
        2000, /* how long a process may keep the file open; a reader needs only a millisecond */
    RETRY_MS = 5000, /* the time before the worker tries again to create a file */
    SLICE_LINES = 64,
    TRIES_MAX = 8,       /* after this many attempts to take the lease, the delay stays at 64 ms */
    RENEW_PART = 3,      /* a token is replaced after a third of its life, 5 minutes */
    ROUND_SECONDS = 300, /* without leases: each file is renewed at least this often */
    RETRY_SECONDS = 5,   /* without leases: the wait after a failure */
};

/* -- bookkeeping ---------------------------------------------------------------------------- */

static size_t index_of(const struct ria_serve *serve, const struct ria_served *file)
{
    return (size_t)(file - serve->entries.files);
}

/* Adds a file to serve->active. */
static void activate(struct ria_serve *serve, struct ria_served *file)
{
    if (!file->is_active) {
        file->is_active = true;
        serve->active[serve->active_count++] = index_of(serve, file);
    }
}

void ria_file_enter(
    struct ria_serve *serve, struct ria_served *file, enum ria_serve_state state, int64_t due)
{
    file->state = (unsigned char)state;
    file->since = ria_agent_ticks(serve->agent);
    file->due = due;
    activate(serve, file);
}

/* Stores the descriptor of a leased file. Returns false if there is not enough memory. */
static bool set_fd(struct ria_serve *serve, struct ria_served *file, int fd)
{
    enum {
        STEP = 1024
    };
    size_t need = (size_t)fd + 1;
    if (need > serve->by_fd_count) {
        size_t count = (need + STEP - 1) / STEP * STEP;
        size_t *larger = reallocarray(serve->by_fd, count, sizeof(*larger));
        if (larger == NULL) {
            return false;
        }
        for (size_t i = serve->by_fd_count; i < count; i++) {
            larger[i] = RIA_SERVE_NO_FILE;
        }
        serve->by_fd = larger;
        serve->by_fd_count = count;
    }
    serve->by_fd[fd] = index_of(serve, file);
    serve->leased++;
    file->fd = fd;
    return true;
}

void ria_file_close(struct ria_serve *serve, struct ria_served *file)
{
    if (file->fd >= 0) {
        serve->by_fd[file->fd] = RIA_SERVE_NO_FILE;
        (void)close(file->fd);
        serve->leased--;
        file->fd = -1;
    }
}

/* Ensures that ria_serve_check_credentials() is due at `when` at the latest. */
static void check_by(struct ria_serve *serve, int64_t when)
{
    serve->next_check = when < serve->next_check ? when : serve->next_check;
}

static struct ria_line *serve_file_line_of(
    const struct ria_serve *serve, const struct ria_served *file, size_t i)
{
    return &serve->entries.lines[file->first + i];
}

/* -- the text ------------------------------------------------------------------------------- */

/* Returns true if the cached text may still be used. Both clocks, the ticks and the wall clock,
 * must show that the text is not too old. */
static bool has_text(const struct ria_serve *serve, const struct ria_served *file)
{
    int64_t age = ria_agent_ticks(serve->agent) - file->made_ticks;
    int64_t wall_age = ria_agent_now(serve->agent) - file->made_at;
    return file->made_at != 0 && file->written == 0 && age < TEXT_MS && wall_age >= 0 &&
           wall_age <= 1;
}

void ria_file_drop_text(struct ria_served *file)
{
    ria_buf_release(&file->text);
    file->made_at = 0;
    file->written = 0;
    file->write_error = 0;
}

/* For a file at rest, returns the time at which the cached text becomes too old; the next step then
 * wipes the text. If the text is already too old, wipes it now and returns INT64_MAX. */
static int64_t rest_due(const struct ria_serve *serve, struct ria_served *file)
{
    if (has_text(serve, file)) {
        return file->made_ticks + TEXT_MS;
    }
    ria_file_drop_text(file);
    return INT64_MAX;
}

/* Begins to make a new text: no line is done. */
static void begin_text(const struct ria_serve *serve, struct ria_served *file)
{
    ria_file_drop_text(file);
    file->next = 0;
    for (size_t i = 0; i < file->count; i++) {
        serve_file_line_of(serve, file, i)->is_done = false;
    }
}

/* Writes the text to the leased file, after the pieces that the file already contains. */
static void write_text(struct ria_served *file)
{
    if (file->write_error == 0 &&
        !ria_file_fill_from(file->fd, file->written, file->text.data, file->text.len)) {
        file->write_error = errno;
    }
}

/* Writes a piece of a long text to the leased file, and then empties the text in memory. If another
 * process has changed the file, does nothing; fill_and_release() later reports the change. */
static void write_piece(const struct ria_serve *serve, struct ria_served *file)
{
    if (!file->text.failed && ria_directory_has(&serve->agent->directory, file->name, file->fd)) {
        write_text(file);
        file->written += (off_t)file->text.len;
        ria_buf_clear(&file->text);
    }
}

/* Makes the next slice of lines. Returns true if every line of the file was tried, even if some
 * lines still wait for their credentials. */
static bool add_to_text(struct ria_serve *serve, struct ria_served *file)
{
    size_t made = 0;
    for (; file->next < file->count && made < SLICE_LINES; file->next++) {
        struct ria_line *line = serve_file_line_of(serve, file, file->next);
        if (!line->is_done) {
            made++;
            line->is_done =
                ria_token_line_make(&serve->maker, line, &file->text) != RIA_TOKEN_LINE_PENDING;
            check_by(serve, line->retry_at);
        }
        if (serve->is_leasing && file->text.len >= RIA_PASSFILE_PIECE) {
            write_piece(serve, file);
        }
    }
    return file->next == file->count;
}

static bool is_text_whole(const struct ria_serve *serve, const struct ria_served *file)
{
    for (size_t i = 0; i < file->count; i++) {
        if (!serve_file_line_of(serve, file, i)->is_done) {
            return false;
        }
    }
    return true;
}

static void log_failure(struct ria_serve *serve, const struct ria_error *err)
{
    ria_log_warning(&serve->agent->log, err->text);
}

/* Makes the next part of the text. Returns true if the text is complete, or if WAIT_MS have passed
 * since the worker began to make it. */
static bool make_text(struct ria_serve *serve, struct ria_served *file)
{
    if (has_text(serve, file)) {
        return true;
    }
    bool is_whole = add_to_text(serve, file) && is_text_whole(serve, file);
    if (!is_whole && ria_agent_ticks(serve->agent) - file->since < WAIT_MS) {
        return false;
    }
    file->made_ticks = ria_agent_ticks(serve->agent);
    file->made_at = ria_agent_now(serve->agent);
    if (!is_whole) {
        struct ria_error err;
        (void)ria_fail(
            &err,
            RIA_E_DEADLINE,
            "%s/%s: credentials are late, so clients read only the lines that are ready",
            serve->agent->directory.path,
            file->name);
        log_failure(serve, &err);
    }
    return true;
}

/* -- with leases ---------------------------------------------------------------------------- */

/* Creates a leased file and returns its descriptor, or -1 with err filled. Fails if only the
 * reserved descriptors are left, which the worker needs to fetch credentials and to answer
 * --status. */
static int make_leased(
    const struct ria_serve *serve, const struct ria_served *file, struct ria_error *err)
{
    const struct ria_directory *directory = &serve->agent->directory;
    if (!ria_leftovers_may_replace(directory, file->name, err)) {
        return -1;
    }
    if (serve->leased < serve->leased_max) {
        return ria_lease_make(directory, file->name, err);
    }
    (void)ria_fail(
        err,
        RIA_E_SYSTEM,
        "%s: only %zu passfiles are served, because each is an open file; raise ulimit -n, or "
        "LimitNOFILE= of the service, or let entries share a passfile",
        directory->path,
        serve->leased_max);
    return -1;
}

void ria_file_make(struct ria_serve *serve, struct ria_served *file)
{
    struct ria_error err;
    ria_file_close(serve, file);
    int fd = make_leased(serve, file, &err);
    ria_watchdog_ping(&serve->agent->watchdog);
    file->is_missing = fd < 0;
    if (fd < 0) {
        log_failure(serve, &err);
        ria_file_enter(serve, file, SERVE_NONE, ria_agent_ticks(serve->agent) + RETRY_MS);
        return;
    }
    if (!set_fd(serve, file, fd)) {
        (void)close(fd);
        ria_file_enter(serve, file, SERVE_NONE, ria_agent_ticks(serve->agent) + RETRY_MS);
        return;
    }
    ria_file_enter(serve, file, SERVE_LEASED, rest_due(serve, file));
    ria_serve_open(serve, fd); /* a client may have opened the file before set_fd() */
}

/* Writes the text to the file and releases the lease. Writes nothing if the passfile's name no
 * longer refers to this file, or if the file has a second link or a mode other than 0600. */
static void fill_and_release(struct ria_serve *serve, struct ria_served *file)
{
    const struct ria_directory *directory = &serve->agent->directory;
    if (!ria_directory_has(directory, file->name, file->fd)) {
        ria_log_error(
            &serve->agent->log,
            "%s/%s: was changed by another process, so it gets no token and is replaced",
            directory->path,
            file->name);
        ria_file_make(serve, file);
        return;
    }
    if (!file->text.failed) {
        write_text(file);
    }
    if (file->text.failed || file->write_error != 0) {
        struct ria_error err;
        char words[128];
        const char *why = file->text.failed
                              ? "the text is too long, or memory ran out"
                              : ria_text_of_errno(file->write_error, words, sizeof(words));
        (void)!ftruncate(file->fd, 0);
        (void)ria_fail(
            &err,
            RIA_E_SYSTEM,
            "%s/%s: cannot be written, so it is empty: %s",
            directory->path,
            file->name,
            why);
        log_failure(serve, &err);
    }
    ria_lease_release(file->fd);
    file->tries = 0;
    ria_file_enter(serve, file, SERVE_READABLE, ria_agent_ticks(serve->agent) + 1);
}

/* Takes the lease again and empties the file. Replaces a file that stays open for too long. */
static void take_lease_again(struct ria_serve *serve, struct ria_served *file)
{
    int64_t now = ria_agent_ticks(serve->agent);
    if (ria_lease_take(file->fd)) {
        (void)!ftruncate(file->fd, 0);
        file->tries = 0;
        file->state = SERVE_LEASED;
        file->due = rest_due(serve, file);
        ria_serve_open(serve, file->fd);
    } else if (errno != EAGAIN || now - file->since >= OPEN_MS) {
        ria_file_make(serve, file);
    } else {
        if (file->tries < TRIES_MAX) {
            file->tries++;
        }
        file->due = now + ((1 << file->tries) + 3) / 4;
    }
}

void ria_serve_open(struct ria_serve *serve, int fd)
{
    if (fd < 0 || (size_t)fd >= serve->by_fd_count || serve->by_fd[fd] == RIA_SERVE_NO_FILE) {
        return;
    }
    struct ria_served *file = &serve->entries.files[serve->by_fd[fd]];
    if (file->state == SERVE_LEASED && ria_lease_has_waiter(fd)) {
        serve->opened++;
        if (!has_text(serve, file)) {
            begin_text(serve, file);
        }
        ria_file_enter(serve, file, SERVE_FILLING, 0);
    }
}

/* -- without leases ------------------------------------------------------------------------- */

/* Replaces the file by one with the new text, and sets when it is renewed next. */
static void serve_file_renew(struct ria_serve *serve, struct ria_served *file)
{
    struct ria_error err;
    int64_t now = ria_agent_now(serve->agent);
    file->due = now + ROUND_SECONDS;
    for (size_t i = 0; i < file->count; i++) {
        const struct ria_line *line = serve_file_line_of(serve, file, i);
        int64_t part = (line->expires - now) / RENEW_PART;
        int64_t due = line->has_token ? now + (part < 1 ? 1 : part) : now + RETRY_SECONDS;
        file->due = due < file->due ? due : file->due;
    }
    bool may_replace = ria_leftovers_may_replace(&serve->agent->directory, file->name, &err);
    file->is_missing = !may_replace || !ria_directory_publish(
                                           &serve->agent->directory, file->name, &file->text, &err);
    if (file->is_missing) {
        if (may_replace) {
            ria_directory_remove(&serve->agent->directory, file->name);
        }
        log_failure(serve, &err);
        file->due = now + RETRY_SECONDS;
    }
    ria_file_drop_text(file);
    file->state = SERVE_RENEWED;
    check_by(serve, file->due);
}

void ria_file_begin_renewing(struct ria_serve *serve, struct ria_served *file)
{
    begin_text(serve, file);
    ria_file_enter(serve, file, SERVE_RENEWING, 0);
}

/* Notes the deadline of a client that waits for this file. */
static void note_deadline(struct ria_serve *serve, const struct ria_served *file)
{
    int64_t opener_deadline = file->state == SERVE_FILLING ? file->since + WAIT_MS : INT64_MAX;
    serve->opener_deadline =
        opener_deadline < serve->opener_deadline ? opener_deadline : serve->opener_deadline;
}

int64_t ria_file_step(struct ria_serve *serve, struct ria_served *file)
{
    int64_t now = ria_agent_ticks(serve->agent);
    bool is_made = false;
    switch ((enum ria_serve_state)file->state) {
    case SERVE_NONE:
        if (now >= file->due) {
            ria_file_make(serve, file);
        }
        break;
    case SERVE_LEASED:
        if (now >= file->due) {
            ria_file_drop_text(file);
            file->due = INT64_MAX;
        }
        break;
    case SERVE_READABLE:
        if (now >= file->due) {
            take_lease_again(serve, file);
        }
        break;
    case SERVE_FILLING:
    case SERVE_RENEWING:
        is_made = make_text(serve, file);
        file->due = file->next < file->count ? now : file->since + WAIT_MS;
        if (!is_made) {
            note_deadline(serve, file);
        } else if (file->state == SERVE_FILLING) {
            fill_and_release(serve, file);
        } else {
            serve_file_renew(serve, file);
        }
        break;
    case SERVE_RENEWED:
        break;
    }
    return file->state == SERVE_RENEWED ? INT64_MAX : file->due;
}
