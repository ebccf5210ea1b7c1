/* SPDX-License-Identifier: MIT
 *
 * The functions that the files of rds-iam-fetch share: one function for each source that needs the
 * network or a command, a function that assumes a role, the responses to the other kinds of
 * requests, time limits and retries, and a file lock.
 *
 * rds-iam-fetch has one thread, and none of these functions is thread-safe. They may block until
 * fetch->deadline, but not longer.
 */
#ifndef RIA_FETCH_FETCH_H
#define RIA_FETCH_FETCH_H

#include "aws/plan.h"
#include "fetch/http.h"
#include "provider/response.h"

struct ria_cache_place;

/* The state of one request to rds-iam-fetch. The plan (aws/plan.h) consists of a source of
 * credentials and the roles to assume. world, plan and result are borrowed. */
struct ria_fetch {
    const struct ria_world *world;
    const struct ria_plan *plan;
    int64_t budget;               /* the caller's time limit, in milliseconds */
    struct ria_deadline deadline; /* earlier than the end of the budget, so that the caller still
                                     receives the response */
    struct ria_response *result;  /* receives warnings, the clock offset and the identity */
    struct ria_store *store;      /* the locked cache entry, whose lock is released during a long
                                     pause (turn.h); NULL: none. Borrowed */
    const struct ria_cache_place *place; /* the place of the entry in `store`; borrowed */
    struct ria_buf bundle;               /* the CA bundle of ria_fetch_authorities(); owned */
    bool has_difference;                 /* a verified response had a Date header */
    int64_t difference;                  /* that date minus this machine's time, in seconds */
    struct {
        int64_t since;   /* ticks at which the current step began */
        int64_t longest; /* duration of the longest step, in milliseconds */
        char what[160];  /* name of the longest step */
    } spent;
};

/* Gets the credentials of the plan's source. Returns FOUND with *out filled; ABSENT if this machine
 * has no such source (only ria_fetch_instance() returns ABSENT); or FAILED with a complete message
 * in err. */
typedef enum ria_outcome ria_fetch_source(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err);

ria_fetch_source ria_fetch_web_identity;
ria_fetch_source ria_fetch_process;
ria_fetch_source ria_fetch_container;
ria_fetch_source ria_fetch_instance;
ria_fetch_source ria_fetch_sso;
ria_fetch_source ria_fetch_login;

/* Like ria_fetch_process(), for a plan that assumes a role with the command's output. If the user
 * has set cache_credential_process, the output has its own cache entry, so rds-iam-fetch can assume
 * the role again without running the command. */
ria_fetch_source ria_fetch_cached_process;

/* Assumes a role with *credentials and replaces *credentials by the credentials of the role. On
 * failure, returns false with err filled and leaves *credentials unchanged. */
bool ria_fetch_assume_role(
    struct ria_fetch *fetch,
    const struct ria_role *role,
    struct ria_credentials *credentials,
    struct ria_error *err) RIA_MUST_USE;

/* Reads credentials from the AWS CLI's cache, if the plan allows that. Looks for the role that is
 * assumed last, then for the earlier roles in reverse order, and finally for the role of an SSO
 * source. On success, returns true with *out filled and *roles set to the number of the plan's
 * roles that need not be assumed any more. Returns false if the cache has no usable entry. */
bool ria_fetch_cli_cache(struct ria_fetch *fetch, struct ria_credentials *out, size_t *roles)
    RIA_MUST_USE;

/* The endpoint of an AWS service, and the certificates that authenticate it. */
struct ria_fetch_service {
    struct ria_plan_endpoint endpoint;
    struct ria_http_place place;
    const struct ria_buf *authorities; /* of ria_fetch_authorities(); NULL for plain http */
};

/* Fills *out with the endpoint of a service in a region. *out borrows from *fetch. Rejects a URL
 * that is not https, except for a loopback address. Returns false with err filled on failure. */
bool ria_fetch_find_service(
    struct ria_fetch *fetch,
    enum ria_service service,
    const struct ria_setting *region,
    struct ria_fetch_service *out,
    struct ria_error *err) RIA_MUST_USE;

/* Sets *out to the certificates of the plan's CA bundle, borrowed from *fetch. The first call reads
 * the file. If the plan names no bundle, sets *out to NULL, which selects the system's
 * certificates. Returns false with err filled if the file cannot be read, is empty, or can be
 * written by other users. */
bool ria_fetch_authorities(
    struct ria_fetch *fetch, const struct ria_buf **out, struct ria_error *err) RIA_MUST_USE;

/* Adds a warning to fetch->result if the file belongs to neither root nor the current user.
 * `consequence` states what was done with the file: "its certificates are trusted". */
void ria_fetch_warn_of_owner(
    struct ria_fetch *fetch,
    const char *path,
    const struct ria_file *facts,
    const char *consequence);

/* Appends a service's base URL, without its trailing slashes, and a path that begins with a slash.
 */
void ria_fetch_add_path(struct ria_buf *out, const char *base, const char *path);

/* Returns the time with which requests are signed, in seconds since 1970: the machine's time,
 * corrected by the clock offset if the offset is known. */
int64_t ria_fetch_now(const struct ria_fetch *fetch);

/* Computes the offset of this machine's clock from the Date header of an HTTP response and stores
 * the offset in fetch->result. Also stores the exact difference in *fetch. Returns true if this
 * call set the offset. Sets no offset if the difference is less than 240 s, if the response has no
 * usable Date header, if an earlier response has set the offset, or if world->machine() fails. */
bool ria_fetch_learn_offset(struct ria_fetch *fetch, const struct ria_http_response *response);

/* Returns the deadline of a request whose caller waits for `budget` milliseconds from now: 250 ms
 * before the caller's time limit, so that the caller still receives a response about a timeout. If
 * the budget is 500 ms or less, the deadline is after half of it. */
struct ria_deadline ria_fetch_deadline(const struct ria_world *world, int64_t budget);

/* Returns the smaller of `limit` milliseconds and the time until the deadline; at least 1. */
int64_t ria_fetch_timeout(const struct ria_fetch *fetch, int64_t limit);

/* Call this function when a step has ended and the next step begins. `what` is a noun that names
 * the ended step. If a later step has no time left, its message names the longest step so far. */
void ria_fetch_spent(struct ria_fetch *fetch, const char *what);

/* Returns true if the deadline has not passed. Otherwise returns false with an error that names the
 * step that took longest. */
bool ria_fetch_has_time(const struct ria_fetch *fetch, struct ria_error *err) RIA_MUST_USE;

/* Extends the message of a request that timed out. `left` is the time in milliseconds that remained
 * when the request began. If `left` was less than 2000 and less than the duration of the longest
 * step, the message also names that step. */
void ria_fetch_blame(const struct ria_fetch *fetch, int64_t left, struct ria_error *err);

/* Calls ria_http_send(), and logs the host and the result at the level debug. */
enum ria_http_result ria_fetch_exchange(
    const struct ria_fetch *fetch,
    const struct ria_http_request *request,
    struct ria_http_response *response,
    struct ria_error *err) RIA_MUST_USE;

/* Sends an HTTP request, and tries again if the connection fails or breaks, if the server does not
 * respond in time, if the proxy fails, or if the status is transient (ria_fetch_retry()). Returns
 * the result of the last try. Fills err if the result is not ANSWERED. */
enum ria_http_result ria_fetch_send(
    struct ria_fetch *fetch,
    struct ria_http_request *request,
    struct ria_http_response *response,
    struct ria_error *err) RIA_MUST_USE;

/* Returns whether another try of the same request may succeed. */
bool ria_fetch_is_worth_another(
    enum ria_http_result result, const struct ria_http_response *response);

/* Returns whether an HTTP status is transient: 429, 500, 502, 503 or 504. */
bool ria_fetch_is_transient(long status);

/* The result of the last try, as far as it affects the next try. */
struct ria_fetch_pace {
    bool is_throttled;   /* the service rejected the request because it gets too many requests */
    int64_t retry_after; /* the shortest pause that the service requires, in milliseconds; 0: the
                            response requires none */
    const char *reason;  /* why the try failed, as the end of a sentence: "STS says Throttling".
                            Other processes that wait for the same credentials report this reason.
                            Borrowed; NULL: not known */
};

/* Decides whether a request is sent again after `tries` tries, and sleeps before the next try. A
 * request is sent up to three times; a throttled request up to eight times, with longer pauses. A
 * pause is random, so that processes that failed at the same time do not retry at the same time.
 * The upper limit of a pause doubles each time: from 200 ms to 400 ms; after throttling, from 1 s
 * to 8 s. If the service requires a longer pause, the pause is the required pause plus up to a
 * quarter of it. If fetch->store and pace->reason are set, writes the reason to the lock file.
 * After throttling or a Retry-After header, also writes a pause that all processes obey. After
 * throttling, the upper limit of this common pause doubles with each throttled try of any process,
 * up to 2 s. During a pause after throttling, or a pause that a Retry-After header requires,
 * releases the lock, so that other processes can try within their own time limits (turn.h). Returns
 * false, without sleeping, after the last try, or if the deadline does not allow the pause. Also
 * returns false after the pause if another process has written a fresh entry, or if this process
 * could not take the lock again. */
bool ria_fetch_retry(
    const struct ria_fetch *fetch, unsigned tries, const struct ria_fetch_pace *pace) RIA_MUST_USE;

/* Computes a pause for ria_fetch_retry(), without regard to the deadline. Returns the pause before
 * the next try, in milliseconds, or -1 if there is no next try. `random` has 32 random bits. */
int64_t ria_fetch_pause(unsigned tries, const struct ria_fetch_pace *pace, uint32_t random);

/* Locks a file with flock(LOCK_EX) and waits for the lock for at most `timeout` milliseconds.
 * Sleeps while it waits, because hundreds of processes may wait for one lock. Returns 0 on success,
 * EWOULDBLOCK if another process held the lock the whole time, or another error number. Uses
 * SIGALRM. */
int ria_lock_within(int fd, int64_t timeout);

/* If the bytes are a request to download a trust bundle (provider/trust_bundle.h), downloads the
 * bundle, writes the response to *record and returns true. Before that, raises the max of *record
 * to RIA_RECORD_BUNDLE_MAX. Returns false for any other bytes. */
bool ria_fetch_response_trust_bundle(
    const struct ria_world *world, const struct ria_buf *bytes, struct ria_buf *record);

/* Serves a request for the identity of the plan's keys (provider/identity_record.h): calls STS's
 * GetCallerIdentity and writes the response to *record. */
void ria_fetch_response_identity(struct ria_fetch *fetch, struct ria_buf *record);

/* Asks AWS the question of the plan (provider/answer_record.h): sends one request to RDS or IAM
 * with the plan's keys and writes the response to *record. */
void ria_fetch_response_answer(struct ria_fetch *fetch, struct ria_buf *record);

/* Messages for an absent instance role. ria_fetch_no_instance: no service responds at the metadata
 * service's address. ria_fetch_no_role: the instance has no role. */
extern const char ria_fetch_no_instance[];
extern const char ria_fetch_no_role[];

#endif
