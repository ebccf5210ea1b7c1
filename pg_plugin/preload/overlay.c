/* SPDX-License-Identifier: MIT
 *
 * Stores the overlay (overlay.h) of each thread in two thread-local records: `overlay` and
 * `watched`. The records own no memory, and no pointer in them is dereferenced. So if the program
 * leaves libpq by longjmp(), no memory is lost or used after it was freed. There is one exception,
 * the path of a watched file. This pointer exists only while signals are blocked, so no handler can
 * jump while it exists. */
#include "preload/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The call in progress on this thread. */
static __thread struct ria_overlay_call overlay;

/* The last file that fopen() opened in mode WATCH. */
static __thread struct {
    char *path; /* malloc()ed; exists only during a probe, under a signal guard (signal_guard.h) */
    int fd;
    bool is_recorded;
} watched;

/* The overlay stores only the end of a path. Returns how many bytes it stores of a path that has
 * `len` bytes. */
static size_t overlay_end_of(size_t len)
{
    return len < RIA_OVERLAY_END_MAX ? len : RIA_OVERLAY_END_MAX;
}

bool ria_overlay_is_hiding(void)
{
    return overlay.mode == RIA_OVERLAY_HIDE || overlay.mode == RIA_OVERLAY_WATCH;
}

bool ria_overlay_is_idle(void)
{
    return overlay.mode == RIA_OVERLAY_NONE;
}

bool ria_overlay_has(const char *path, int *fd)
{
    if (overlay.mode != RIA_OVERLAY_SERVE) {
        return false;
    }
    size_t len = strlen(path);
    size_t end = overlay_end_of(len);
    *fd = overlay.fd;
    return len == overlay.len && memcmp(path + len - end, overlay.end, end) == 0;
}

/* Ends the recorded call if this function is called from outside of that call: in this case, the
 * program has left the call by a jump. */
__attribute__((noinline)) enum ria_overlay_mode ria_overlay_mode(void)
{
    if (overlay.mode != RIA_OVERLAY_NONE &&
        !ria_nested_is_in_progress(&overlay.nested, __builtin_frame_address(0))) {
        ria_overlay_end();
    }
    return overlay.mode;
}

__attribute__((noinline)) void ria_overlay_set(enum ria_overlay_mode mode)
{
    if (overlay.mode == RIA_OVERLAY_NONE) {
        ria_nested_begin(&overlay.nested, __builtin_frame_address(0));
    }
    overlay.mode = mode;
}

void ria_overlay_serve(const char *path, int fd)
{
    overlay.len = strlen(path);
    size_t end = overlay_end_of(overlay.len);
    memcpy(overlay.end, path + overlay.len - end, end);
    overlay.fd = fd;
    overlay.mode = RIA_OVERLAY_SERVE;
}

void ria_overlay_end(void)
{
    if (overlay.mode == RIA_OVERLAY_SERVE && overlay.fd >= 0) {
        int saved = errno;
        (void)close(overlay.fd);
        errno = saved;
    }
    overlay.mode = RIA_OVERLAY_NONE;
    ria_nested_end(&overlay.nested);
}

/* -- a call within a call -------------------------------------------------------------------- */

void ria_overlay_expect(const void *arguments)
{
    ria_nested_expect(&overlay.nested, arguments);
}

bool ria_overlay_is_inner(const void *arguments)
{
    if (ria_overlay_mode() == RIA_OVERLAY_NONE || ria_overlay_is_hiding()) {
        return ria_overlay_is_hiding();
    }
    return ria_nested_is_expected(&overlay.nested, arguments);
}

void ria_overlay_save(struct ria_overlay_call *out)
{
    out->mode = ria_overlay_mode();
    if (out->mode != RIA_OVERLAY_NONE) {
        *out = overlay;
        overlay.mode = RIA_OVERLAY_NONE;
    }
}

void ria_overlay_restore(const struct ria_overlay_call *call)
{
    ria_overlay_end();
    if (call->mode != RIA_OVERLAY_NONE) {
        overlay = *call;
    }
}

/* -- watching -------------------------------------------------------------------------------- */

/* Forgets the recorded file and frees what belongs to it. */
static void clear_watched(void)
{
    if (watched.is_recorded && watched.fd >= 0) {
        (void)close(watched.fd);
    }
    free(watched.path);
    watched.path = NULL;
    watched.is_recorded = false;
}

void ria_overlay_opened(const char *path, FILE *stream)
{
    int saved = errno;
    if (stream != NULL && ria_overlay_mode() == RIA_OVERLAY_WATCH) {
        clear_watched();
        watched.path = strdup(path);
        watched.fd = fcntl(fileno(stream), F_DUPFD_CLOEXEC, 0);
        watched.is_recorded = true;
    }
    errno = saved;
}

bool ria_overlay_watched(char **path, int *fd)
{
    bool ok = !watched.is_recorded || watched.path != NULL;
    *path = watched.path;
    *fd = watched.is_recorded ? watched.fd : -1;
    if (!ok && *fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
    watched.path = NULL;
    watched.is_recorded = false;
    return ok;
}
