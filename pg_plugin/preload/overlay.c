/* SPDX-License-Identifier: MIT
 *
 * One record for each thread. It is a value and not a pointer, so that a program that leaves
 * libpq by longjmp() leaves nothing that dangles. */
#include "preload/overlay.h"

#include "preload/agents_path.h"
#include "preload/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static __thread struct ria_overlay_call overlay;

static __thread struct {
    char *path; /* on the heap, and only while a probe is at work (hold.h) */
    int fd;
    bool is_noted;
} watched;

static size_t end_of(size_t len)
{
    return len < RIA_OVERLAY_END_MAX ? len : RIA_OVERLAY_END_MAX;
}

static bool is_hiding(void)
{
    return overlay.mode == RIA_OVERLAY_HIDE || overlay.mode == RIA_OVERLAY_WATCH;
}

static bool is_served(const char *path)
{
    if (overlay.mode != RIA_OVERLAY_SERVE) {
        return false;
    }
    size_t len = strlen(path);
    size_t end = end_of(len);
    return len == overlay.len && memcmp(path + len - end, overlay.end, end) == 0;
}

/* What is called within a call has its frame below that call's. A frame that is not below it says
 * that the program has left that call by a jump. One that is says nothing: until a call from higher
 * up, files are what the call that was left made of them. */
__attribute__((noinline)) enum ria_overlay_mode ria_overlay_mode(void)
{
    if (overlay.mode != RIA_OVERLAY_NONE &&
        (uintptr_t)__builtin_frame_address(0) >= overlay.begun) {
        ria_overlay_end();
    }
    return overlay.mode;
}

__attribute__((noinline)) void ria_overlay_set(enum ria_overlay_mode mode)
{
    if (overlay.mode == RIA_OVERLAY_NONE) {
        overlay.begun = (uintptr_t)__builtin_frame_address(0);
        overlay.expected = NULL;
    }
    overlay.mode = mode;
}

void ria_overlay_serve(const char *path, int fd)
{
    overlay.len = strlen(path);
    size_t end = end_of(overlay.len);
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
}

/* -- a call within a call -------------------------------------------------------------------- */

void ria_overlay_expect(const void *arguments)
{
    overlay.expected = arguments;
}

bool ria_overlay_is_inner(const void *arguments)
{
    if (ria_overlay_mode() == RIA_OVERLAY_NONE || is_hiding()) {
        return is_hiding();
    }
    bool is_expected = arguments != NULL && overlay.expected == arguments;
    overlay.expected = is_expected ? NULL : overlay.expected;
    return is_expected;
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

/* -- answering ------------------------------------------------------------------------------- */

static int ask_module(const char *path, bool only_ask)
{
    struct ria_pq_question question = {
        .wish = only_ask ? RIA_PQ_SERVICE_PASSFILE_IS_THERE : RIA_PQ_SERVICE_PASSFILE,
        .path = path,
        .fd = -1,
    };
    if (getauxval(AT_SECURE) == 0) {
        ria_pq_ask(&question);
    }
    return question.fd;
}

/* Not inlined: callers of open() may pass NULL although its header says that they must not. */
__attribute__((noinline)) enum ria_overlay_answer ria_overlay_open(
    const char *path, bool only_ask, int *fd)
{
    if (path == NULL) {
        return RIA_OVERLAY_REAL;
    }
    int saved = errno;
    int found = -1;
    if (is_served(path)) {
        if (overlay.fd < 0) {
            return RIA_OVERLAY_ABSENT;
        }
        found = fcntl(overlay.fd, F_DUPFD_CLOEXEC, 0);
        (void)lseek(found, 0, SEEK_SET);
    } else if (is_hiding() && ria_is_agents_path(path)) {
        return RIA_OVERLAY_ABSENT;
    } else if (overlay.mode == RIA_OVERLAY_NONE && ria_is_agents_path(path)) {
        found = ask_module(path, only_ask);
    }
    errno = saved;
    *fd = found;
    return found < 0 ? RIA_OVERLAY_REAL : RIA_OVERLAY_FILE;
}
