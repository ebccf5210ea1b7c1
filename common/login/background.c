/* SPDX-License-Identifier: MIT
 *
 * Children that fetch, each with a name; their sockets are in one epoll set, so that a caller's
 * loop has one descriptor to watch. The name of a fetch is the one that its cache file would have:
 * it holds all that decides whose credentials come out. An answer that is kept lies in memory for
 * secrets (base/secret.h), and is wiped when it is not to be given any more. */
#include "rds_iam.h"

#include "aws/token.h"
#include "base/secret.h"
#include "base/text.h"
#include "os/fetch_client.h"
#include "provider/memory_cache.h"
#include "provider/request.h"
#include "provider/response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    FETCHES_MAX = 256, /* names at a time; an agent has a dozen */
    CHILDREN_MAX = 16, /* the rest waits for its turn */
    KEPT_MS = 5000,    /* refusals, and credentials that die before a token would */
};

struct fetch {
    char name[RIA_CACHE_NAME_SIZE];
    struct ria_fetch_client client;
    struct ria_deadline deadline;
    struct ria_buf request;
    struct ria_buf response; /* what has come of the record so far; or all, if it cannot be kept */
    struct ria_secret kept;  /* the whole record, once the child has ended well */
    struct ria_error err;    /* else why not */
    int64_t expires;         /* of the credentials in it; 0: there are none, or they do not say */
    int64_t ended;           /* ticks; INT64_MIN: never, or forgotten */
};

struct ria_background {
    const struct ria_world *world;
    int epoll;
    size_t count;
    struct fetch *fetches[FETCHES_MAX];
};

struct ria_background *ria_background_new(const struct ria_world *world)
{
    struct ria_background *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    made->world = world;
    made->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (made->epoll < 0) {
        free(made);
        return NULL;
    }
    return made;
}

static bool is_running(const struct fetch *fetch)
{
    return fetch->client.fd >= 0;
}

static size_t count_children(const struct ria_background *background)
{
    size_t children = 0;
    for (size_t i = 0; i < background->count; i++) {
        children += is_running(background->fetches[i]) ? 1 : 0;
    }
    return children;
}

/* -- what has come -------------------------------------------------------------------------- */

static void drop_response(struct fetch *fetch)
{
    ria_buf_release(&fetch->response);
    ria_secret_wipe(&fetch->kept);
}

/* It is asked for anew at the next call. */
static void background_forget(struct fetch *fetch)
{
    if (!is_running(fetch)) {
        drop_response(fetch);
    }
    fetch->ended = INT64_MIN;
}

/* The one that has kept its answer longest, or NULL. */
static struct fetch *find_oldest(const struct ria_background *background)
{
    struct fetch *oldest = NULL;
    for (size_t i = 0; i < background->count; i++) {
        struct fetch *fetch = background->fetches[i];
        if (fetch->kept.len > 0 && (oldest == NULL || fetch->ended < oldest->ended)) {
            oldest = fetch;
        }
    }
    return oldest;
}

/* Moves a whole answer to where it is kept. What cannot be kept waits in its buffer for KEPT_MS. */
static void keep_response(struct ria_background *background, struct fetch *fetch, int64_t expires)
{
    bool is_kept = ria_secret_keep(&fetch->kept, fetch->response.data, fetch->response.len);
    for (struct fetch *oldest = find_oldest(background); !is_kept && oldest != NULL;
         oldest = find_oldest(background)) {
        background_forget(oldest);
        is_kept = ria_secret_keep(&fetch->kept, fetch->response.data, fetch->response.len);
    }
    if (is_kept) {
        ria_buf_release(&fetch->response);
    }
    fetch->expires = is_kept ? expires : 0;
}

/* How long a fetch that has ended is good for, on the world's ticks. The wall clock shows seconds:
 * one more than a token's life before the end, it still is. */
static int64_t kept_until(const struct ria_background *background, const struct fetch *fetch)
{
    const struct ria_world *world = background->world;
    int64_t until = fetch->ended + KEPT_MS;
    int64_t left = fetch->expires - world->now(world->self) - RIA_TOKEN_LIFE;
    if (left < 0) {
        return until;
    }
    int64_t ticks = world->ticks(world->self);
    int64_t end = left >= (INT64_MAX - ticks) / 1000 - 1 ? INT64_MAX : ticks + ((left + 1) * 1000);
    return end > until ? end : until;
}

static bool background_is_kept(const struct ria_background *background, const struct fetch *fetch)
{
    const struct ria_world *world = background->world;
    return fetch->ended != INT64_MIN && world->ticks(world->self) < kept_until(background, fetch);
}

/* Wipes what is not to be given any more, of this process's copies too. Returns when the next will
 * be. */
static int64_t background_sweep(const struct ria_background *background)
{
    int64_t first = ria_memory_cache_expire(background->world);
    for (size_t i = 0; i < background->count; i++) {
        struct fetch *fetch = background->fetches[i];
        if (is_running(fetch) || (fetch->kept.len == 0 && fetch->response.len == 0)) {
            continue;
        }
        if (!background_is_kept(background, fetch)) {
            background_forget(fetch);
            continue;
        }
        int64_t until = kept_until(background, fetch);
        first = until < first ? until : first;
    }
    return first;
}

/* -- one fetch ------------------------------------------------------------------------------ */

/* After it has ended, well or not. */
static void settle(const struct ria_background *background, struct fetch *fetch)
{
    fetch->ended = background->world->ticks(background->world->self);
    ria_buf_release(&fetch->request);
}

static void fail_fetch(const struct ria_background *background, struct fetch *fetch)
{
    ria_fetch_client_end(&fetch->client);
    drop_response(fetch);
    settle(background, fetch);
}

/* Its socket may be another one than before. One that is closed has left the set by itself. */
static void watch(const struct ria_background *background, struct fetch *fetch)
{
    struct epoll_event event = {.events = (uint32_t)fetch->client.events, .data.ptr = fetch};
    bool ok = epoll_ctl(background->epoll, EPOLL_CTL_MOD, fetch->client.fd, &event) == 0;
    if (!ok && errno == ENOENT) {
        ok = epoll_ctl(background->epoll, EPOLL_CTL_ADD, fetch->client.fd, &event) == 0;
    }
    if (!ok) {
        (void)ria_fail(&fetch->err, RIA_E_SYSTEM, "rds-iam-fetch cannot be waited for");
        fail_fetch(background, fetch);
    }
}

static void start_fetch(
    const struct ria_background *background,
    struct fetch *fetch,
    const struct ria_buf *request,
    struct ria_deadline deadline)
{
    const char *home = ria_world_home(background->world);
    drop_response(fetch);
    ria_buf_clear(&fetch->request);
    ria_buf_add(&fetch->request, request->data, request->len);
    fetch->expires = 0;
    fetch->deadline = deadline;
    if (fetch->request.failed) {
        (void)ria_fail(
            &fetch->err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a question to rds-iam-fetch");
    } else if (ria_fetch_client_start(
                   &fetch->client, home, &fetch->request, &fetch->response, &fetch->err)) {
        watch(background, fetch);
    }
    if (!is_running(fetch)) {
        settle(background, fetch);
    }
}

static void background_take_response(struct ria_background *background, struct fetch *fetch)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    if (!ria_response_read(&fetch->response, &response)) {
        (void)ria_fail(
            &fetch->err, RIA_E_SYSTEM, "rds-iam-fetch answers in a form that is not ours");
        fail_fetch(background, fetch);
        return;
    }
    settle(background, fetch);
    keep_response(
        background, fetch, response.outcome == RIA_FOUND ? response.credentials.expires : 0);
}

static void background_go_on(struct ria_background *background, struct fetch *fetch)
{
    switch (ria_fetch_client_step(&fetch->client, &fetch->err)) {
    case RIA_FETCH_WAITS:
        watch(background, fetch);
        break;
    case RIA_FETCH_ANSWERED:
        background_take_response(background, fetch);
        break;
    case RIA_FETCH_FAILED:
    default:
        fail_fetch(background, fetch);
        break;
    }
}

/* -- all of them ---------------------------------------------------------------------------- */

bool ria_background_work(struct ria_background *background)
{
    enum {
        EVENTS = 16
    };
    struct epoll_event events[EVENTS];
    size_t before = count_children(background);
    int count = epoll_wait(background->epoll, events, EVENTS, 0);
    for (int i = 0; i < count; i++) {
        background_go_on(background, events[i].data.ptr);
    }
    for (size_t i = 0; i < background->count; i++) {
        struct fetch *fetch = background->fetches[i];
        if (is_running(fetch) && ria_deadline_left(background->world, fetch->deadline) == 0) {
            (void)ria_fail(&fetch->err, RIA_E_DEADLINE, RIA_REFUSAL_OUT_OF_TIME);
            fail_fetch(background, fetch);
        }
    }
    (void)background_sweep(background);
    return count_children(background) < before;
}

int ria_background_fd(const struct ria_background *background)
{
    return background->epoll;
}

int64_t ria_background_due(const struct ria_background *background)
{
    int64_t due = background_sweep(background);
    for (size_t i = 0; i < background->count; i++) {
        const struct fetch *fetch = background->fetches[i];
        if (is_running(fetch) && fetch->deadline.at < due) {
            due = fetch->deadline.at;
        }
    }
    return due;
}

void ria_background_forget(struct ria_background *background)
{
    for (size_t i = 0; i < background->count; i++) {
        background_forget(background->fetches[i]);
    }
}

static void free_fetch(struct fetch *fetch)
{
    ria_buf_release(&fetch->request);
    drop_response(fetch);
    free(fetch);
}

void ria_background_free(struct ria_background *background)
{
    if (background == NULL) {
        return;
    }
    for (size_t i = 0; i < background->count; i++) {
        ria_fetch_client_end(&background->fetches[i]->client);
        free_fetch(background->fetches[i]);
    }
    (void)close(background->epoll);
    free(background);
}

/* -- asking --------------------------------------------------------------------------------- */

static struct fetch *background_find(const struct ria_background *background, const char *name)
{
    for (size_t i = 0; i < background->count; i++) {
        if (strcmp(background->fetches[i]->name, name) == 0) {
            return background->fetches[i];
        }
    }
    return NULL;
}

/* A place in the table: a new one, or that of the fetch that ended first. NULL while all run. */
static struct fetch **find_place(struct ria_background *background)
{
    if (background->count < FETCHES_MAX) {
        return &background->fetches[background->count++];
    }
    struct fetch **oldest = NULL;
    for (size_t i = 0; i < background->count; i++) {
        struct fetch **here = &background->fetches[i];
        if (!is_running(*here) && (oldest == NULL || (*here)->ended < (*oldest)->ended)) {
            oldest = here;
        }
    }
    return oldest;
}

static struct fetch *background_add(struct ria_background *background, const char *name)
{
    struct fetch *made = calloc(1, sizeof(*made));
    struct fetch **place = made == NULL ? NULL : find_place(background);
    if (place == NULL) {
        free(made);
        return NULL;
    }
    *made = (struct fetch){
        .client = {.fd = -1},
        .ended = INT64_MIN,
        .request = {.max = RIA_RECORD_MAX},
        .response = {.max = RIA_RECORD_MAX},
    };
    (void)ria_text_copy(made->name, sizeof(made->name), name);
    if (*place != NULL) {
        free_fetch(*place);
    }
    *place = made;
    return made;
}

static bool response_now(const struct fetch *fetch, struct ria_buf *response, struct ria_error *err)
{
    ria_buf_clear(response);
    if (fetch->kept.len > 0) {
        ria_buf_add(response, fetch->kept.data, fetch->kept.len);
    } else if (fetch->response.len > 0) {
        ria_buf_add(response, fetch->response.data, fetch->response.len);
    } else {
        *err = fetch->err;
        return false;
    }
    return !response->failed || ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "an answer");
}

static bool not_yet(struct ria_error *err)
{
    return ria_fail(err, RIA_E_PENDING, "the AWS credentials are being fetched; try it again");
}

/* What is kept in no file has no name in the question; within one process the plan says enough. */
static bool name_request(
    const struct ria_buf *request, char name[RIA_CACHE_NAME_SIZE], struct ria_error *err)
{
    RIA_AUTO(request) read = RIA_REQUEST_INIT;
    if (!ria_request_read(request, &read)) {
        return ria_fail(err, RIA_E_SYSTEM, "a question to rds-iam-fetch cannot be read");
    }
    if (read.cache_name == NULL) {
        return ria_cache_name(&read.plan, NULL, NULL, name, err);
    }
    (void)ria_text_copy(name, RIA_CACHE_NAME_SIZE, read.cache_name);
    return true;
}

bool ria_background_fetch(
    struct ria_background *background,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err)
{
    char name[RIA_CACHE_NAME_SIZE];
    if (!name_request(request, name, err)) {
        return false;
    }
    struct fetch *fetch = background_find(background, name);
    if (fetch == NULL) {
        fetch = background_add(background, name);
    }
    if (fetch == NULL || is_running(fetch)) {
        return not_yet(err);
    }
    if (background_is_kept(background, fetch)) {
        return response_now(fetch, response, err);
    }
    if (count_children(background) >= CHILDREN_MAX) {
        return not_yet(err);
    }
    start_fetch(background, fetch, request, deadline);
    return is_running(fetch) ? not_yet(err) : response_now(fetch, response, err);
}
