/* SPDX-License-Identifier: MIT
 *
 * Implements time limits and retries. Decides how often and when a request is sent again within the
 * deadline, and stores which step took longest. Contains the words for messages about a failed try.
 * Sends nothing after the deadline; in this case the message names the step that took longest. Also
 * computes the offset of this machine's clock and the corrected time that requests are signed with.
 */
#include "fetch/fetch.h"

#include "base/messages.h"
#include "base/text.h"
#include "codec/url.h"
#include "fetch/turn.h"
#include "provider/cache.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    /* Seconds. AWS's SDK for Java 2 also corrects an offset of four minutes or more. STS rejects a
     * request if the offset exceeds 15 minutes, or 5 minutes according to older reports.
     */
    OFFSET_MIN = 240,
    /* Milliseconds. If a request had less time than this, its message may name the earlier step
     * that took longest (ria_fetch_blame()). */
    ENOUGH = 2000,
    TOO_MANY_REQUESTS = 429, /* HTTP status */
};

/* Pauses are in milliseconds. */
struct retry_rule {
    unsigned tries;
    uint32_t base;   /* longest pause before the first retry; doubles each time */
    uint32_t most;   /* the doubled value never exceeds this */
    unsigned parted; /* 4: a pause is at least a fourth of its upper limit; 0: it may be 0 */
};

/* A transient fault is often over at once, and a caller that cannot log in should get the error
 * soon. Throttling ends only when the clients send fewer requests, so the pauses are longer. */
static const struct retry_rule retry_fault = {.tries = 3, .base = 200, .most = 400};
static const struct retry_rule retry_throttled = {
    .tries = 8, .base = 1000, .most = 8000, .parted = 4};

static const struct {
    const char *predicate;
    const char *remedy;
} words[RIA_HTTP_RESULTS] = {
    [RIA_HTTP_ANSWERED] = {"answered", ""},
    [RIA_HTTP_NOBODY] = {"did not answer", "; " RIA_REMEDY_NETWORK},
    [RIA_HTTP_SILENT] = {"did not answer", "; " RIA_REMEDY_NETWORK},
    [RIA_HTTP_BROKEN] = {"did not answer", "; " RIA_REMEDY_NETWORK},
    [RIA_HTTP_NO_PROXY] = {"could not be reached", "; check HTTPS_PROXY and NO_PROXY"},
    [RIA_HTTP_UNUSABLE] =
        {"sent no usable response", "; check its endpoint, the network and HTTPS_PROXY"},
    [RIA_HTTP_REFUSED] = {"could not be reached", "; check HTTPS_PROXY and AWS_CA_BUNDLE"},
    [RIA_HTTP_UNASKED] = {"could not be reached", ""},
};

const char *ria_http_predicate(enum ria_http_result result)
{
    return words[result].predicate;
}

const char *ria_http_remedy(enum ria_http_result result)
{
    return words[result].remedy;
}

int64_t ria_fetch_now(const struct ria_fetch *fetch)
{
    return fetch->world->now(fetch->world->self) +
           ria_cache_offset(fetch->world, &fetch->result->offset);
}

bool ria_fetch_learn_offset(struct ria_fetch *fetch, const struct ria_http_response *response)
{
    struct ria_clock_offset *offset = &fetch->result->offset;
    int64_t seconds = response->date - fetch->world->now(fetch->world->self);
    struct ria_machine machine;
    if (response->has_date) {
        fetch->has_difference = true;
        fetch->difference = seconds;
    }
    if (!response->has_date || offset->seconds != 0 ||
        (seconds > -OFFSET_MIN && seconds < OFFSET_MIN) ||
        !fetch->world->machine(fetch->world->self, &machine)) {
        return false;
    }
    offset->seconds = seconds;
    offset->real_minus_raw = machine.real_minus_raw;
    memcpy(offset->boot_id, machine.boot_id, sizeof(offset->boot_id));
    return true;
}

void ria_fetch_spent(struct ria_fetch *fetch, const char *what)
{
    int64_t now = fetch->world->ticks(fetch->world->self);
    int64_t taken = now - fetch->spent.since;
    fetch->spent.since = now;
    if (taken > 0) {
        ria_world_log(fetch->world, RIA_LOG_DEBUG, "%s took %lld ms", what, (long long)taken);
    }
    if (taken > fetch->spent.longest) {
        fetch->spent.longest = taken;
        (void)ria_text_copy(fetch->spent.what, sizeof(fetch->spent.what), what);
    }
}

bool ria_fetch_has_time(const struct ria_fetch *fetch, struct ria_error *err)
{
    if (ria_deadline_left(fetch->world, fetch->deadline) > 0) {
        return true;
    }
    bool is_known = fetch->spent.longest > 0;
    return ria_fail(
        err,
        RIA_E_DEADLINE,
        "no time was left for it%s%s; try again",
        is_known ? " after " : "",
        is_known ? fetch->spent.what : "");
}

void ria_fetch_blame(const struct ria_fetch *fetch, int64_t left, struct ria_error *err)
{
    if (left >= ENOUGH || fetch->spent.longest <= left) {
        return;
    }
    (void)ria_fail(
        err,
        RIA_E_DEADLINE,
        "%s (in the %lld.%lld s that %s had left)",
        err->text,
        (long long)(left / 1000),
        (long long)(left % 1000 / 100),
        fetch->spent.what);
}

struct ria_deadline ria_fetch_deadline(const struct ria_world *world, int64_t budget)
{
    const int64_t margin = 250;
    return ria_deadline_in(world, budget > 2 * margin ? budget - margin : budget / 2);
}

int64_t ria_fetch_timeout(const struct ria_fetch *fetch, int64_t limit)
{
    int64_t left = ria_deadline_left(fetch->world, fetch->deadline);
    int64_t time = left < limit ? left : limit;
    return time < 1 ? 1 : time;
}

bool ria_fetch_is_transient(long status)
{
    return status == TOO_MANY_REQUESTS || status == 500 || status == 502 || status == 503 ||
           status == 504;
}

static const struct retry_rule *retry_find_rule(const struct ria_fetch_pace *pace)
{
    return pace->is_throttled ? &retry_throttled : &retry_fault;
}

int64_t ria_fetch_pause(unsigned tries, const struct ria_fetch_pace *pace, uint32_t random)
{
    const struct retry_rule *rule = retry_find_rule(pace);
    if (tries == 0 || tries >= rule->tries) {
        return -1;
    }
    uint32_t limit = rule->base;
    for (unsigned i = 1; i < tries && limit < rule->most; i++) {
        limit *= 2;
    }
    limit = limit < rule->most ? limit : rule->most;
    uint32_t least = rule->parted == 0 ? 0 : limit / rule->parted;
    int64_t pause = least + (random % (limit - least));
    if (pace->retry_after > pause) {
        pause = pace->retry_after + (random % ((pace->retry_after / 4) + 1));
    }
    return pause;
}

/* Sleeps before the next try. Releases the entry's lock during a long pause only: after a transient
 * fault, the pause is short. Returns false if no try may follow, because this process gets no turn,
 * or because another process has written a fresh entry. A new entry that is not fresh does not
 * prevent the next try: the credentials of a role whose sessions last 15 minutes are fresh for a
 * second only.
 */
static bool retry_sleep(const struct ria_fetch *fetch, int64_t pause, bool is_long)
{
    if (is_long && fetch->store != NULL) {
        RIA_AUTO(response) stored = RIA_RESPONSE_INIT;
        return ria_turn_pass(fetch->store, fetch->world, fetch->deadline, pause) &&
               !ria_turn_read_fresh(fetch, fetch->place, &stored);
    }
    struct timespec wait = {.tv_sec = pause / 1000, .tv_nsec = (pause % 1000) * 1000000};
    (void)nanosleep(&wait, NULL);
    return true;
}

/* Notes why the last try failed, and the pause that all processes obey. Counts the tries
 * that were throttled or received Retry-After. Counts those of all processes, because each process
 * may have tried only once. Returns the noted pause. */
static int64_t retry_note(
    const struct ria_fetch *fetch,
    unsigned tries,
    const struct ria_fetch_pace *pace,
    bool is_long,
    uint32_t random)
{
    unsigned noted = ria_turn_tries(fetch->store);
    if (!is_long) {
        ria_turn_note(fetch->store, noted, 0, pace->reason);
        return 0;
    }
    unsigned most = retry_find_rule(pace)->tries - 1;
    unsigned all = noted >= tries ? noted + 1 : tries;
    int64_t pause = ria_fetch_pause(all < most ? all : most, pace, random);
    pause = pause < RIA_TURN_PAUSE_MAX_MS ? pause : RIA_TURN_PAUSE_MAX_MS;
    ria_turn_note(fetch->store, all, pause, pace->reason);
    return pause;
}

bool ria_fetch_retry(
    const struct ria_fetch *fetch, unsigned tries, const struct ria_fetch_pace *pace)
{
    uint32_t random = 0;
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    int64_t pause = ria_fetch_pause(tries, pace, random);
    bool is_long = pace->is_throttled || pace->retry_after > 0;
    int64_t rest = is_long ? RIA_TURN_ANSWER_MS : 0;
    if (fetch->store != NULL && pace->reason != NULL) {
        int64_t noted = retry_note(fetch, tries, pace, is_long, random);
        pause = pause >= 0 && pause < noted ? noted : pause;
    }
    if (pause < 0 || ria_deadline_left(fetch->world, fetch->deadline) <= pause + rest) {
        return false;
    }
    if (pace->is_throttled) {
        ria_world_log(
            fetch->world,
            RIA_LOG_DEBUG,
            "the service throttles requests; try %u follows in %lld ms",
            tries + 1,
            (long long)pause);
    }
    return retry_sleep(fetch, pause, is_long);
}

bool ria_fetch_is_worth_another(
    enum ria_http_result result, const struct ria_http_response *response)
{
    switch (result) {
    case RIA_HTTP_ANSWERED:
        return ria_fetch_is_transient(response->status);
    case RIA_HTTP_NOBODY:
    case RIA_HTTP_SILENT:
    case RIA_HTTP_BROKEN:
    case RIA_HTTP_NO_PROXY:
        return true;
    case RIA_HTTP_UNUSABLE:
    case RIA_HTTP_REFUSED:
    case RIA_HTTP_UNASKED:
    case RIA_HTTP_RESULTS:
    default:
        return false;
    }
}

/* Logs one exchange. The path and the query of a URL may contain secrets, so they are left out. */
static void log_exchange(
    const struct ria_fetch *fetch,
    const struct ria_http_request *request,
    enum ria_http_result result,
    long status,
    int64_t begin)
{
    char place[RIA_URL_SHOWN_SIZE];
    char number[32];
    if (!ria_world_logs(fetch->world, RIA_LOG_DEBUG)) {
        return;
    }
    ria_url_show(request->url, place);
    (void)ria_text_format(number, sizeof(number), "responded with status %ld", status);
    ria_world_log(
        fetch->world,
        RIA_LOG_DEBUG,
        "%s %s after %lld ms",
        place,
        result == RIA_HTTP_ANSWERED ? number : ria_http_predicate(result),
        (long long)(fetch->world->ticks(fetch->world->self) - begin));
}

enum ria_http_result ria_fetch_exchange(
    const struct ria_fetch *fetch,
    const struct ria_http_request *request,
    struct ria_http_response *response,
    struct ria_error *err)
{
    int64_t begin = fetch->world->ticks(fetch->world->self);
    enum ria_http_result result = ria_http_send(request, response, err);
    log_exchange(fetch, request, result, response->status, begin);
    return result;
}

/* Decides whether ria_fetch_send() sends its request again, and sleeps before that
 * (ria_fetch_retry()). Passes on the reason why the last try failed. */
static bool send_again(
    const struct ria_fetch *fetch,
    unsigned tries,
    const struct ria_http_request *request,
    enum ria_http_result result,
    const struct ria_http_response *response,
    const struct ria_error *err)
{
    char place[RIA_URL_SHOWN_SIZE];
    char reason[RIA_TURN_REASON_SIZE];
    bool is_answered = result == RIA_HTTP_ANSWERED;
    ria_url_show(request->url, place);
    if (is_answered) {
        (void)ria_text_format(
            reason, sizeof(reason), "%s answers with status %ld", place, response->status);
    } else {
        (void)ria_text_format(
            reason, sizeof(reason), "a service %s: %s", ria_http_predicate(result), err->text);
    }
    const struct ria_fetch_pace pace = {
        .is_throttled = is_answered && response->status == TOO_MANY_REQUESTS,
        .retry_after = is_answered ? response->retry_after : 0,
        .reason = reason,
    };
    return ria_fetch_is_worth_another(result, response) && ria_fetch_retry(fetch, tries, &pace);
}

enum ria_http_result ria_fetch_send(
    struct ria_fetch *fetch,
    struct ria_http_request *request,
    struct ria_http_response *response,
    struct ria_error *err)
{
    int64_t connect = request->connect_timeout;
    int64_t whole = request->timeout;
    int64_t left = ria_deadline_left(fetch->world, fetch->deadline);
    enum ria_http_result result = RIA_HTTP_NOBODY;
    if (!ria_fetch_has_time(fetch, err)) {
        return RIA_HTTP_UNASKED;
    }
    unsigned tries = 0;
    do {
        request->connect_timeout = ria_fetch_timeout(fetch, connect);
        request->timeout = ria_fetch_timeout(fetch, whole);
        result = ria_fetch_exchange(fetch, request, response, err);
        tries++;
    } while (send_again(fetch, tries, request, result, response, err));
    request->connect_timeout = connect;
    request->timeout = whole;
    if (result == RIA_HTTP_NOBODY || result == RIA_HTTP_SILENT) {
        ria_fetch_blame(fetch, left, err);
    }
    return result;
}
