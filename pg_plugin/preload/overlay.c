/* SPDX-License-Identifier: MIT
 *
 * One record for each thread, of which all but a watched name is a value and not a pointer, so that
 * a program that leaves libpq by longjmp() leaves nothing that dangles. */
#include "preload/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __thread struct ria_overlay_call overlay;

static __thread struct {
    char *path; /* on the heap, and only while a probe is at work (signal_guard.h) */
    int fd;
    bool is_noted;
} watched;

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

/* A call that the program has left by a jump is over as soon as that is seen. */
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

void ria_overlay_set_aside(struct ria_overlay_call *out)
{
    out->mode = ria_overlay_mode();
    if (out->mode != RIA_OVERLAY_NONE) {
        *out = overlay;
        overlay.mode = RIA_OVERLAY_NONE;
    }
}

void ria_overlay_take_up(const struct ria_overlay_call *call)
{
    ria_overlay_end();
    if (call->mode != RIA_OVERLAY_NONE) {
        overlay = *call;
    }
}

/* -- watching -------------------------------------------------------------------------------- */

static void forget_watched(void)
{
    if (watched.is_noted && watched.fd >= 0) {
        (void)close(watched.fd);
    }
    free(watched.path);
    watched.path = NULL;
    watched.is_noted = false;
}

void ria_overlay_opened(const char *path, FILE *stream)
{
    int saved = errno;
    if (stream != NULL && ria_overlay_mode() == RIA_OVERLAY_WATCH) {
        forget_watched();
        watched.path = strdup(path);
        watched.fd = fcntl(fileno(stream), F_DUPFD_CLOEXEC, 0);
        watched.is_noted = true;
    }
    errno = saved;
}

bool ria_overlay_watched(char **path, int *fd)
{
    bool is_noted = !watched.is_noted || watched.path != NULL;
    *path = watched.path;
    *fd = watched.is_noted ? watched.fd : -1;
    if (!is_noted && *fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
    watched.path = NULL;
    watched.is_noted = false;
    return is_noted;
}
