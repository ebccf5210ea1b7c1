/* SPDX-License-Identifier: MIT
 *
 * Runs rds-iam-fetch in child processes without blocking. A fetch is one run of rds-iam-fetch, and
 * later its result. The sockets of all children are in one epoll set, so the caller's event loop
 * watches one descriptor. Each fetch is identified by the cache name of its plan
 * (provider/cache_name.h), so two requests for the same credentials share one child. A response is
 * stored in secret memory (base/secret.h) and is wiped when it expires. Runs at most 16 children; a
 * further request gets RIA_E_PENDING. Remembers at most 256 names; a further name replaces the name
 * whose fetch ended first. */
#include "rds_iam.h"

#include "base/secret.h"
#include "base/text.h"
#include "os/fetch_client.h"
#include "provider/cache.h"
#include "provider/memory_cache.h"
#include "provider/request.h"
#include "provider/response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    FETCHES_MAX = 256,    /* names that are remembered; an agent uses a dozen */
    CHILDREN_MAX = 16,    /* running at the same time; a further request gets RIA_E_PENDING */
    SHORT_LIFE_MS = 5000, /* how long a result is valid, unless it contains credentials that are due
                             for a renewal after this time */
};

struct fetch {
    char name[RIA_CACHE_NAME_SIZE];
    struct ria_fetch_client client;
    struct ria_deadline deadline;
    struct ria_buf request;
    struct ria_buf response;  /* the bytes received so far; after the end, the whole record if the
                                 record did not fit into secret memory */
    struct ria_secret stored; /* the complete record, after the child succeeded */
    struct ria_error err;     /* the error, after the child failed */
    int64_t renewal;          /* when the credentials are due for a renewal; 0: no credentials,
                                 credentials without an expiry time, or a record that did not fit
                                 into secret memory */
    int64_t ended;            /* when the fetch ended, in ticks; INT64_MIN: it has no result */
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
        int error = errno;
        free(made);
        errno = error;
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

/* -- responses ------------------------------------------------------------------------------ */

/* Frees and wipes the response, if the fetch has one. */
static void drop_response(struct fetch *fetch)
{
    ria_buf_release(&fetch->response);
    ria_secret_wipe(&fetch->stored);
}

/* Drops the result of a fetch that has ended, so that the next request with the same name starts a
 * new child. Does not stop a running child. */
static void background_forget(struct fetch *fetch)
{
    if (!is_running(fetch)) {
        drop_response(fetch);
    }
    fetch->ended = INT64_MIN;
}

/* Returns the fetch whose stored response is the oldest, or NULL if none is stored. */
static struct fetch *find_oldest(const struct ria_background *background)
{
    struct fetch *oldest = NULL;
    for (size_t i = 0; i < background->count; i++) {
        struct fetch *fetch = background->fetches[i];
        if (fetch->stored.len > 0 && (oldest == NULL || fetch->ended < oldest->ended)) {
            oldest = fetch;
        }
    }
    return oldest;
}

/* Moves a complete response to secret memory, and drops the oldest responses if that memory is
 * full. A response that still does not fit stays in its buffer for SHORT_LIFE_MS. */
static void store_response(struct ria_background *background, struct fetch *fetch, int64_t renewal)
{
    bool is_stored = ria_secret_keep(&fetch->stored, fetch->response.data, fetch->response.len);
    for (struct fetch *oldest = find_oldest(background); !is_stored && oldest != NULL;
         oldest = find_oldest(background)) {
        background_forget(oldest);
        is_stored = ria_secret_keep(&fetch->stored, fetch->response.data, fetch->response.len);
    }
    if (is_stored) {
        ria_buf_release(&fetch->response);
    }
    fetch->renewal = is_stored ? renewal : 0;
}

/* Returns the time, in ticks, at which the response of an ended fetch becomes invalid. This is the
 * later of two times: when the credentials are due for a renewal, and SHORT_LIFE_MS after the end
 * of the fetch. Adds one second to the first time, because the wall clock counts whole seconds. */
static int64_t valid_until(const struct ria_background *background, const struct fetch *fetch)
{
    const struct ria_world *world = background->world;
    int64_t until = fetch->ended + SHORT_LIFE_MS;
    int64_t left = fetch->renewal - world->now(world->self);
    if (left < 0) {
        return until;
    }
    int64_t ticks = world->ticks(world->self);
    int64_t end = left >= (INT64_MAX - ticks) / 1000 - 1 ? INT64_MAX : ticks + ((left + 1) * 1000);
    return end > until ? end : until;
}

static bool background_is_valid(const struct ria_background *background, const struct fetch *fetch)
{
    const struct ria_world *world = background->world;
    return fetch->ended != INT64_MIN && world->ticks(world->self) < valid_until(background, fetch);
}

/* Wipes expired responses, and expired copies in the memory cache (memory_cache.h). Returns the
 * time at which the next response, copy or signing key expires, or INT64_MAX if none is left. */
static int64_t background_sweep(const struct ria_background *background)
{
    int64_t first = ria_memory_cache_expire(background->world);
    for (size_t i = 0; i < background->count; i++) {
        struct fetch *fetch = background->fetches[i];
        if (is_running(fetch) || (fetch->stored.len == 0 && fetch->response.len == 0)) {
            continue;
        }
        if (!background_is_valid(background, fetch)) {
            background_forget(fetch);
            continue;
        }
        int64_t until = valid_until(background, fetch);
        first = until < first ? until : first;
    }
    return first;
}

/* -- one fetch ------------------------------------------------------------------------------ */

/* Stores the time at which a fetch ended. Frees the request. */
static void finish_fetch(const struct ria_background *background, struct fetch *fetch)
{
    fetch->ended = background->world->ticks(background->world->self);
    ria_buf_release(&fetch->request);
}

/* Ends a fetch with the error in fetch->err: kills and reaps the child. */
static void fail_fetch(const struct ria_background *background, struct fetch *fetch)
{
    ria_fetch_client_end(&fetch->client);
    drop_response(fetch);
    finish_fetch(background, fetch);
}

/* Registers the child's socket for the events that the client waits for. If that fails, ends the
 * fetch with an error. A second start of rds-iam-fetch makes a new socket, which must be added to
 * the epoll set. The old socket left the set when it was closed. */
static void watch_socket(const struct ria_background *background, struct fetch *fetch)
{
    struct epoll_event event = {.events = (uint32_t)fetch->client.events, .data.ptr = fetch};
    bool ok = epoll_ctl(background->epoll, EPOLL_CTL_MOD, fetch->client.fd, &event) == 0;
    if (!ok && errno == ENOENT) {
        ok = epoll_ctl(background->epoll, EPOLL_CTL_ADD, fetch->client.fd, &event) == 0;
    }
    if (!ok) {
        (void)ria_fail(
            &fetch->err,
            RIA_E_SYSTEM,
            "the socket of rds-iam-fetch cannot be added to the epoll set; try again");
        fail_fetch(background, fetch);
    }
}

/* Starts a child for the request. If that fails, ends the fetch with an error. */
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
    fetch->renewal = 0;
    fetch->deadline = deadline;
    if (fetch->request.failed) {
        (void)ria_fail(&fetch->err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the request of a fetch");
    } else if (ria_fetch_client_start(
                   &fetch->client, home, &fetch->request, &fetch->response, &fetch->err)) {
        watch_socket(background, fetch);
    }
    if (!is_running(fetch)) {
        finish_fetch(background, fetch);
    }
}

/* Returns the time at which the credentials of a response are due for a renewal, or 0 if the
 * response contains no credentials that expire. */
static int64_t find_renewal(const struct ria_buf *request, const struct ria_response *response)
{
    RIA_AUTO(request) read = RIA_REQUEST_INIT;
    int64_t expires = response->outcome == RIA_FOUND ? response->credentials.expires : 0;
    return expires == 0 || !ria_request_read(request, &read)
               ? 0
               : expires - ria_cache_margin(&read.plan, &response->credentials);
}

/* Handles a complete record. Stores the record if it is a response. Otherwise, ends the fetch with
 * an error. */
static void background_read_response(struct ria_background *background, struct fetch *fetch)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    if (!ria_response_read(&fetch->response, &response)) {
        (void)ria_fail(
            &fetch->err, RIA_E_SYSTEM, "rds-iam-fetch returned a record that is not a response");
        fail_fetch(background, fetch);
        return;
    }
    int64_t renewal = find_renewal(&fetch->request, &response);
    finish_fetch(background, fetch);
    store_response(background, fetch, renewal);
}

/* Continues a fetch whose socket is ready. */
static void background_step(struct ria_background *background, struct fetch *fetch)
{
    switch (ria_fetch_client_step(&fetch->client, &fetch->err)) {
    case RIA_FETCH_WAITS:
        watch_socket(background, fetch);
        break;
    case RIA_FETCH_ANSWERED:
        background_read_response(background, fetch);
        break;
    case RIA_FETCH_FAILED:
    default:
        fail_fetch(background, fetch);
        break;
    }
}

/* -- all fetches ---------------------------------------------------------------------------- */

bool ria_background_work(struct ria_background *background)
{
    enum {
        EVENTS = 16
    };
    struct epoll_event events[EVENTS];
    size_t before = count_children(background);
    int count = epoll_wait(background->epoll, events, EVENTS, 0);
    for (int i = 0; i < count; i++) {
        background_step(background, events[i].data.ptr);
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

/* -- requests ------------------------------------------------------------------------------- */

static struct fetch *background_find(const struct ria_background *background, const char *name)
{
    for (size_t i = 0; i < background->count; i++) {
        if (strcmp(background->fetches[i]->name, name) == 0) {
            return background->fetches[i];
        }
    }
    return NULL;
}

/* Returns a slot of the table: an unused slot, or the slot of the fetch that ended first. Returns
 * NULL if the table is full and all fetches are running. */
static struct fetch **background_find_slot(struct ria_background *background)
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

/* Adds a fetch with this name, but does not start the fetch. Returns NULL if memory runs out or if
 * the fetches of all slots are running. */
static struct fetch *background_add(struct ria_background *background, const char *name)
{
    struct fetch *made = calloc(1, sizeof(*made));
    struct fetch **place = made == NULL ? NULL : background_find_slot(background);
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

/* Copies the response of a fetch that has ended. Returns false with err filled if the fetch failed
 * or memory runs out. */
static bool copy_response(
    const struct fetch *fetch, struct ria_buf *response, struct ria_error *err)
{
    ria_buf_clear(response);
    if (fetch->stored.len > 0) {
        ria_buf_add(response, fetch->stored.data, fetch->stored.len);
    } else if (fetch->response.len > 0) {
        ria_buf_add(response, fetch->response.data, fetch->response.len);
    } else {
        *err = fetch->err;
        return false;
    }
    return !response->failed || ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a response");
}

static bool fail_pending(struct ria_error *err)
{
    return ria_fail(err, RIA_E_PENDING, "the AWS credentials are being fetched; try again");
}

/* Returns whether memory ran out for the keys of a request. Keys that exceed their maximum also set
 * `failed`, but no plan of this process contains such keys. */
static bool is_without_memory(const struct ria_credentials *keys)
{
    return keys->access_key_id.failed || keys->secret_access_key.failed ||
           keys->session_token.failed;
}

/* Computes the name of a request. A request whose result is not cached in a file contains no name.
 * In this case the function computes a name from the plan. Within one process, this name identifies
 * the request. */
static bool name_request(
    const struct ria_buf *request, char name[RIA_CACHE_NAME_SIZE], struct ria_error *err)
{
    RIA_AUTO(request) read = RIA_REQUEST_INIT;
    if (!ria_request_read(request, &read)) {
        return is_without_memory(&read.plan.keys)
                   ? ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "a request to rds-iam-fetch")
                   : ria_fail(err, RIA_E_SYSTEM, "the request to rds-iam-fetch is not valid");
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
        return fail_pending(err);
    }
    if (background_is_valid(background, fetch)) {
        return copy_response(fetch, response, err);
    }
    if (count_children(background) >= CHILDREN_MAX) {
        return fail_pending(err);
    }
    start_fetch(background, fetch, request, deadline);
    return is_running(fetch) ? fail_pending(err) : copy_response(fetch, response, err);
}
