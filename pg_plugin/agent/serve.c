/* SPDX-License-Identifier: MIT
 *
 * Manages all passfiles: handles events, and replaces the list of entries after the service files
 * were edited. Also tries to make the tokens of all lines ahead of time, so that credentials are
 * fetched before a client needs them. Does its work in small slices, so that no client waits long.
 * Replaces only files that an agent may have written. */
#include "agent/serve.h"

#include "agent/leftovers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    CHECK_MS = 100, /* the time before a removed file is created again, so that a user can first
                       remove several files */
    SLICE_LINES = 64,
};

/* -- replacing the entries ------------------------------------------------------------------ */

/* Moves the open file and its state from the passfile's element in the old list (`before`) to its
 * element in the new list (`file`). Does not move the cached text, because the lines may have
 * changed. */
static void inherit(struct ria_served *file, struct ria_served *before)
{
    file->fd = before->fd;
    file->state = before->state;
    file->tries = before->tries;
    file->since = before->since;
    file->due = before->due;
    before->fd = -1;
}

static void remove_file(struct ria_serve *serve, struct ria_served *file)
{
    struct ria_error ignored;
    if (ria_leftovers_may_replace(&serve->agent->directory, file->name, &ignored)) {
        ria_directory_remove(&serve->agent->directory, file->name);
    }
    ria_file_close(serve, file);
}

/* Puts a passfile of the new list into its first state, or continues the state that it has
 * inherited from the old list. */
static void serve_begin(struct ria_serve *serve, struct ria_served *file)
{
    if (file->count == 0) {
        remove_file(serve, file);
    } else if (!serve->is_leasing) {
        ria_file_begin_renewing(serve, file);
    } else if (file->fd < 0) {
        ria_file_make(serve, file);
    } else {
        serve->by_fd[file->fd] = (size_t)(file - serve->entries.files);
        int64_t since = file->since;
        ria_file_enter(serve, file, file->state, file->state == SERVE_LEASED ? INT64_MAX : 0);
        file->since = since;
    }
}

/* Marks the new lines with this key as lines whose server clients reject. */
static void mark_rejected(struct ria_serve *serve, uint64_t key)
{
    for (size_t i = 0; i < serve->entries.line_count; i++) {
        struct ria_line *line = &serve->entries.lines[i];
        if (line->key == key && !line->is_rejected) {
            line->is_rejected = true;
            serve->maker.rejected++;
        }
    }
}

/* Marks the lines of the new entries that were already logged because clients reject the server, so
 * that they are not logged again. */
static void inherit_rejections(struct ria_serve *serve, const struct ria_entries *before)
{
    serve->maker.rejected = 0;
    for (size_t i = 0; i < before->line_count; i++) {
        if (before->lines[i].is_rejected) {
            mark_rejected(serve, before->lines[i].key);
        }
    }
}

bool ria_serve_set_entries(struct ria_serve *serve, struct ria_entries *entries)
{
    size_t *active = calloc(entries->file_count + 1, sizeof(*active));
    if (active == NULL) {
        return false;
    }
    free(serve->active);
    serve->active = active;
    serve->active_count = 0;
    struct ria_entries before = serve->entries;
    serve->entries = *entries;
    *entries = (struct ria_entries){0};
    for (size_t i = 0; i < before.file_count; i++) {
        struct ria_served *old = &before.files[i];
        struct ria_served *file = ria_entries_find(&serve->entries, old->name);
        if (file != NULL) {
            inherit(file, old);
        } else {
            remove_file(serve, old);
        }
    }
    inherit_rejections(serve, &before);
    ria_entries_release(&before);
    for (size_t i = 0; i < serve->entries.file_count; i++) {
        serve_begin(serve, &serve->entries.files[i]);
    }
    serve->next_line = 0;
    serve->next_check = 0;
    return true;
}

/* -- events --------------------------------------------------------------------------------- */

void ria_serve_open_all(struct ria_serve *serve)
{
    for (size_t i = 0; i < serve->entries.file_count; i++) {
        ria_serve_open(serve, serve->entries.files[i].fd);
    }
}

void ria_serve_check(struct ria_serve *serve, const char *name)
{
    struct ria_served *file = ria_entries_find(&serve->entries, name);
    if (file == NULL || file->count == 0) {
        return;
    }
    if (!serve->is_leasing) {
        struct stat status;
        if (fstatat(serve->agent->directory.fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            file->due = 0;
            serve->next_check = 0;
        }
    } else if (file->fd >= 0 && !ria_directory_has(&serve->agent->directory, name, file->fd)) {
        ria_file_enter(serve, file, SERVE_NONE, ria_agent_ticks(serve->agent) + CHECK_MS);
    }
}

/* Makes due those lines of a file that wait for their credentials. */
static void retry_file(struct ria_serve *serve, struct ria_served *file)
{
    for (size_t i = file->first; i < file->first + file->count; i++) {
        struct ria_line *line = &serve->entries.lines[i];
        if (line->is_pending) {
            line->is_pending = false;
            line->retry_at = 0;
            file->next = 0;
            file->due = 0;
        }
    }
}

void ria_serve_retry(struct ria_serve *serve)
{
    for (size_t i = 0; i < serve->entries.file_count; i++) {
        retry_file(serve, &serve->entries.files[i]);
    }
    serve->next_check = 0;
}

void ria_serve_renew(struct ria_serve *serve)
{
    for (size_t i = 0; i < serve->entries.line_count; i++) {
        serve->entries.lines[i].retry_at = 0;
        serve->entries.lines[i].failures = 0;
    }
    for (size_t i = 0; i < serve->entries.file_count; i++) {
        struct ria_served *file = &serve->entries.files[i];
        ria_file_drop_text(file);
        file->due = file->state == SERVE_RENEWED ? 0 : file->due;
    }
    serve->next_check = 0;
}

int64_t ria_serve_work(struct ria_serve *serve)
{
    int64_t due = INT64_MAX;
    size_t count = 0;

    serve->opener_deadline = INT64_MAX;
    for (size_t i = 0; i < serve->active_count; i++) {
        size_t index = serve->active[i];
        struct ria_served *file = &serve->entries.files[index];
        int64_t next = ria_file_step(serve, file);
        if (next == INT64_MAX) {
            file->is_active = false;
        } else {
            serve->active[count++] = index;
            due = next < due ? next : due;
        }
    }
    serve->active_count = count;
    return due;
}

/* -- by the wall clock ---------------------------------------------------------------------- */

/* Used without leases: begins to renew the files that are due. Returns the time at which the next
 * file is due. */
static int64_t renew_due_files(struct ria_serve *serve, int64_t now)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < serve->entries.file_count; i++) {
        struct ria_served *file = &serve->entries.files[i];
        if (file->state == SERVE_RENEWED && file->due <= now) {
            ria_file_begin_renewing(serve, file);
        } else if (file->state == SERVE_RENEWED && file->due < next) {
            next = file->due;
        }
    }
    return next;
}

/* Used with leases: among the lines that are due, tries to make the tokens of up to SLICE_LINES
 * lines. Continues where the last call stopped. Returns the time at which the next line is due;
 * `now` if lines that are due are left. */
static int64_t try_due_lines(struct ria_serve *serve, int64_t now)
{
    for (size_t tried = 0; serve->next_line < serve->entries.line_count; serve->next_line++) {
        struct ria_line *line = &serve->entries.lines[serve->next_line];
        bool is_due = line->retry_at <= now;
        if (is_due && tried == SLICE_LINES) {
            return now;
        }
        if (is_due) {
            (void)ria_token_line_make(&serve->maker, line, NULL);
            tried++;
        }
    }
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < serve->entries.line_count; i++) {
        next = serve->entries.lines[i].retry_at < next ? serve->entries.lines[i].retry_at : next;
    }
    serve->next_line = 0;
    return next;
}

void ria_serve_check_credentials(struct ria_serve *serve)
{
    int64_t now = ria_agent_now(serve->agent);
    if (serve->next_check <= now) {
        serve->next_check =
            serve->is_leasing ? try_due_lines(serve, now) : renew_due_files(serve, now);
    }
}

bool ria_serve_is_checked(const struct ria_serve *serve)
{
    for (size_t i = 0; i < serve->entries.line_count; i++) {
        const struct ria_line *line = &serve->entries.lines[i];
        if (line->is_pending || (!line->has_token && line->error == 0)) {
            return false;
        }
    }
    return true;
}

void ria_serve_end(struct ria_serve *serve)
{
    for (size_t i = 0; i < serve->entries.file_count; i++) {
        remove_file(serve, &serve->entries.files[i]);
    }
    ria_entries_release(&serve->entries);
    ria_failures_release(&serve->maker.failures);
    free(serve->active);
    free(serve->by_fd);
    serve->active = NULL;
    serve->by_fd = NULL;
    serve->active_count = 0;
    serve->by_fd_count = 0;
}
