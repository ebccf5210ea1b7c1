/* SPDX-License-Identifier: MIT
 *
 * What the files of rds-iam-fetch offer one another: one function for each kind of source, one for
 * a role, the time that is left, and a lock among our own processes.
 */
#ifndef RIA_FETCH_FETCH_H
#define RIA_FETCH_FETCH_H

#include "aws/plan.h"
#include "fetch/http.h"
#include "provider/response.h"

struct ria_fetch {
    const struct ria_world *world;
    const struct ria_plan *plan;
    int64_t budget; /* of the caller, milliseconds */
    struct ria_deadline deadline;
    struct ria_response *result; /* warnings, clock offset and identity go there */
    struct ria_buf bundle;       /* of ria_fetch_authorities(); released by the owner */
    struct {
        int64_t since;   /* ticks at which the step that runs now began */
        int64_t longest; /* milliseconds that the longest step took */
        char what[160];  /* that step */
    } spent;
};

/* Carries out a source. FOUND: *out is filled; ABSENT: there is no such source here (only the
 * metadata service); FAILED: err is a whole sentence. */
typedef enum ria_outcome ria_fetch_source(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err);

ria_fetch_source ria_fetch_web_identity;
ria_fetch_source ria_fetch_process;
ria_fetch_source ria_fetch_container;
ria_fetch_source ria_fetch_instance;
ria_fetch_source ria_fetch_sso;
ria_fetch_source ria_fetch_login;

/* The same source below a role: its output has an entry of its own in the cache, where the user
 * allows that, so that the role is assumed again without the command. */
ria_fetch_source ria_fetch_cached_process;

/* Assumes a role with *credentials, which are replaced by the role's. */
bool ria_fetch_assume_role(
    struct ria_fetch *fetch,
    const struct ria_role *role,
    struct ria_credentials *credentials,
    struct ria_error *err) RIA_MUST_USE;

/* Where the plan allows it: credentials that the AWS CLI has kept of its outermost role that has
 * some, or of an SSO session's. *roles is then how many roles of the plan they stand for. */
bool ria_fetch_cli_cache(struct ria_fetch *fetch, struct ria_credentials *out, size_t *roles)
    RIA_MUST_USE;

/* A service, and by whose certificates it is believed. */
struct ria_fetch_service {
    struct ria_plan_endpoint endpoint;
    struct ria_http_place place;
    const struct ria_buf *authorities; /* as of ria_fetch_authorities(); NULL for plain http */
};

/* Finds where a service is asked; by https alone, except on this machine. */
bool ria_fetch_find_service(
    struct ria_fetch *fetch,
    enum ria_service service,
    const struct ria_setting *region,
    struct ria_fetch_service *out,
    struct ria_error *err) RIA_MUST_USE;

/* The certificates of the plan's CA bundle, read at the first call: *out is borrowed from fetch.
 * NULL where the plan names no bundle: the system's certificates count. False with err filled if
 * it cannot be read, or if others can write it. */
bool ria_fetch_authorities(
    struct ria_fetch *fetch, const struct ria_buf **out, struct ria_error *err) RIA_MUST_USE;

/* Adds a warning to the answer where a file that was used belongs to neither root nor the user. */
void ria_fetch_warn_of_owner(
    struct ria_fetch *fetch,
    const char *path,
    const struct ria_file *facts,
    const char *consequence);

/* Appends a service's base URL, with or without its last slash, and a path that begins with one. */
void ria_fetch_add_path(struct ria_buf *out, const char *base, const char *path);

/* The clock to sign with: the machine's, corrected by what was learned. */
int64_t ria_fetch_now(const struct ria_fetch *fetch);

/* Takes the offset of this machine's clock from an answer of AWS's. True if it is news. */
bool ria_fetch_learn_offset(struct ria_fetch *fetch, const struct ria_http_response *response);

/* The smaller of `wanted` milliseconds and the time that is left; at least 1. */
int64_t ria_fetch_timeout(const struct ria_fetch *fetch, int64_t wanted);

/* Where the time goes: a step has ended that needed it, and the next begins. `what` is a noun for
 * the sentence of a later step that gets none. */
void ria_fetch_spent(struct ria_fetch *fetch, const char *what);

/* Whether there is time for a request. False with a sentence that says what has taken it. */
bool ria_fetch_has_time(const struct ria_fetch *fetch, struct ria_error *err) RIA_MUST_USE;

/* Of a request that got no answer in the `left` milliseconds that it was begun with: appends what
 * took the time before, where that was little. */
void ria_fetch_blame(const struct ria_fetch *fetch, int64_t left, struct ria_error *err);

/* Sends up to three times: again after no connection, a broken one, a throttling or server's
 * status. Between two tries a random time of up to 200, then 400 ms, all within the deadline.
 * *result is the last one's. */
enum {
    RIA_FETCH_TRIES = 3
};
enum ria_http_result ria_fetch_send(
    struct ria_fetch *fetch,
    struct ria_http_request *request,
    struct ria_http_response *response,
    struct ria_error *err) RIA_MUST_USE;

/* Whether another try may help. */
bool ria_fetch_is_worth_another(
    enum ria_http_result result, const struct ria_http_response *response);

/* Whether a status asks for another try: 429, 500, 502, 503, 504. */
bool ria_fetch_is_transient(long status);

/* Sleeps before the try of that number (1 is the first repetition). False if the time is too short
 * for it. */
bool ria_fetch_pause(const struct ria_fetch *fetch, unsigned repetition) RIA_MUST_USE;

/* Takes flock() on the file within so many milliseconds, and waits for it asleep: hundreds may wait
 * for one. 0, or an errno: EWOULDBLOCK where another process held it all this time. Uses SIGALRM.
 */
int ria_lock_within(int fd, int64_t timeout);

/* If the bytes are a request to download a trust bundle (provider/trust_bundle.h), downloads it and
 * writes the response to *record, whose max is RIA_RECORD_BUNDLE_MAX. Returns false for any other
 * bytes. */
bool ria_fetch_response_trust_bundle(
    const struct ria_world *world, const struct ria_buf *bytes, struct ria_buf *record);

/* Why there is no role of an instance: nobody is at the metadata service's address, or the instance
 * has none. */
extern const char ria_fetch_no_instance[];
extern const char ria_fetch_no_role[];

#endif
