/* SPDX-License-Identifier: MIT
 *
 * Opens a session of the AWS CLI: reads its token file and renews a token that expires soon.
 * Another process may renew the same token, so ria_session_open() locks the file, reads it again,
 * and renews the token only if no other process has done so. Rejects an expired token that cannot
 * be renewed, a file that cannot be read, a file that other users can write, and a file that lacks
 * a member. In these cases the message names the command that starts a new session, or states how
 * to change the file. If a later renewal may succeed, the message tells the user to try again. */
#include "fetch/cli_session.h"

#include "base/messages.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "fetch/dpop.h"

#include <stdio.h>
#include <string.h>

enum {
    CONNECT_TIMEOUT = 2000, /* milliseconds */
    TRY_TIMEOUT = 5000,
};

static const char *profile_name(const struct ria_fetch *fetch)
{
    return fetch->plan->value[RIA_PLAN_SOURCE_PROFILE].value;
}

/* Returns the profile's name, quoted for a shell. */
static const char *quoted_name(const struct ria_fetch *fetch, char out[RIA_QUOTED_SIZE])
{
    return ria_text_quote(profile_name(fetch), out);
}

/* -- the renewal request -------------------------------------------------------------------- */

static bool write_request(
    const struct ria_token_file *file, const struct ria_session_renewal *how, struct ria_buf *body)
{
    static const char empty[] = "{\"grantType\": \"refresh_token\"}";
    RIA_AUTO(document) request = {0};
    RIA_AUTO(buf) text = {.max = RIA_HTTP_BODY_MAX};
    ria_buf_add_text(&text, empty);
    bool ok = ria_document_read(&text, &request);
    for (size_t i = 0; ok && i < how->member_count; i++) {
        ok = ria_document_text(&file->document, NULL, how->members[i], &text) &&
             ria_document_set(&request, NULL, how->members[i], text.data);
    }
    return ok && ria_document_write(&request, body);
}

/* Fills err from an error response: {"error": "invalid_grant", ...}. Returns false. After a status
 * of 400, 401 or 403 the refresh token is no longer valid, unless the error code shows that only a
 * permission is missing. */
static bool cli_session_refused(
    const struct ria_http_response *response, const char *host, struct ria_error *err)
{
    static const char no_permission[] = "INSUFFICIENT_PERMISSIONS";
    RIA_AUTO(document) document = {0};
    RIA_AUTO(buf) word = {.max = 64};
    bool has_word = ria_document_read(&response->body, &document) &&
                    ria_document_text(&document, NULL, "error", &word);
    char shown[64] = "";
    if (has_word) {
        (void)ria_url_show_in(word.data, shown, sizeof(shown));
    }
    bool may_change = has_word && strcmp(word.data, no_permission) == 0;
    bool is_final = !may_change &&
                    (response->status == 400 || response->status == 401 || response->status == 403);
    return ria_fail(
        err,
        is_final ? RIA_E_NO_CREDENTIALS : RIA_E_CREDENTIALS,
        "%.128s answered the renewal with status %ld%s%s%s",
        host,
        response->status,
        has_word ? ": " : "",
        shown,
        may_change ? "; allow signin:CreateOAuth2Token" : "");
}

bool ria_session_renew(
    struct ria_fetch *fetch,
    struct ria_token_file *file,
    const struct ria_session_renewal *how,
    struct ria_error *err)
{
    struct ria_fetch_service service;
    RIA_AUTO(buf) header = {.max = RIA_DPOP_MAX};
    RIA_AUTO(buf) body = {.max = RIA_HTTP_BODY_MAX};
    RIA_AUTO(buf) spent = {.max = RIA_HTTP_BODY_MAX};
    RIA_AUTO(buf) url = {.max = RIA_SERVICE_URL_MAX + 64};
    RIA_AUTO(http_response) response = RIA_HTTP_RESPONSE_INIT;
    const struct ria_setting *region = &fetch->plan->value[how->region];
    if (!ria_fetch_find_service(fetch, how->service, region, &service, err)) {
        return false;
    }
    ria_fetch_add_path(&url, service.endpoint.url, how->path);
    if (!write_request(file, how, &body) || ria_buf_text(&url) == NULL ||
        !ria_document_text(&file->document, NULL, "refreshToken", &spent)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, how->name);
    }
    if (how->prove != NULL && !how->prove(fetch, file, url.data, &header, err)) {
        return false;
    }
    struct ria_http_request request = {
        .url = url.data,
        .method = "POST",
        .headers = {"Content-Type: application/json", header.data},
        .body = &body,
        .connect_timeout = CONNECT_TIMEOUT,
        .timeout = TRY_TIMEOUT,
        .authorities = service.authorities,
    };
    if (ria_fetch_send(fetch, &request, &response, err) != RIA_HTTP_ANSWERED ||
        (response.status != 200 && !cli_session_refused(&response, service.place.shown, err))) {
        return false;
    }
    if (!how->store_tokens(fetch, &response, file)) {
        return ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "%.128s did not send a valid %s response",
            service.place.shown,
            how->name);
    }
    return ria_token_file_replace(fetch, file, "refreshToken", spent.data, err);
}

/* -- the token ------------------------------------------------------------------------------ */

static int64_t cli_session_seconds_left(
    const struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    const struct ria_token_file *file)
{
    int64_t until = 0;
    return ria_document_time(&file->document, kind->expiry_parent, "expiresAt", &until)
               ? until - ria_fetch_now(fetch)
               : 0;
}

static bool not_logged_in(
    const struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    const struct ria_token_file *file,
    struct ria_error *err)
{
    char quoted[RIA_QUOTED_SIZE];
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        ria_plan_source_setting(fetch->plan),
        "profile %.64s is not logged in (%.160s does not exist); run: %s --profile %s",
        profile_name(fetch),
        file->path,
        kind->login,
        quoted_name(fetch, quoted));
}

bool ria_session_is_damaged(
    const struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    const struct ria_token_file *file,
    struct ria_error *err)
{
    char quoted[RIA_QUOTED_SIZE];
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        ria_plan_source_setting(fetch->plan),
        "%.160s contains no usable token; run: %s --profile %s",
        file->path,
        kind->login,
        quoted_name(fetch, quoted));
}

/* Fills err for an expired token and returns false. `why` is the error of the renewal; its text is
 * "" if no renewal was tried. */
static bool cli_session_has_expired(
    const struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    const struct ria_token_file *file,
    const struct ria_error *why,
    struct ria_error *err)
{
    int64_t end = 0;
    char quoted[RIA_QUOTED_SIZE];
    char when[RIA_TIMESTAMP_EXTENDED_SIZE];
    const struct ria_setting *origin = ria_plan_source_setting(fetch->plan);
    bool may_be_renewed_later = why->text[0] != '\0' && why->code != RIA_E_NO_CREDENTIALS;
    if (!ria_document_time(&file->document, kind->expiry_parent, "expiresAt", &end) ||
        !ria_timestamp_format_extended(end, when)) {
        return ria_session_is_damaged(fetch, kind, file, err);
    }
    if (may_be_renewed_later) {
        return ria_fail_at(
            err,
            why->code,
            origin,
            "the token of %.80s expired at %s and could not be renewed: %.200s; try again",
            fetch->plan->label,
            when,
            why->text);
    }
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        origin,
        "%.80s expired at %s%s%.160s; run: %s --profile %s",
        fetch->plan->label,
        when,
        why->text[0] == '\0' ? "" : ", ",
        why->text,
        kind->login,
        quoted_name(fetch, quoted));
}

/* Locks the file, reads it again, and renews the token unless another process has renewed it.
 * Returns true if *file contains a renewed token. */
static bool try_to_renew(
    struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    struct ria_token_file *file,
    struct ria_error *err)
{
    bool is_locked = ria_token_file_lock(fetch, file, err);
    ria_fetch_spent(fetch, "another process that renews the session's token");
    if (!is_locked) {
        return false;
    }
    /* Another process may have renewed the token while this one waited for the lock. */
    enum ria_outcome outcome = ria_token_file_read(fetch, file, err);
    if (outcome == RIA_FOUND && !kind->is_whole(file)) {
        return ria_session_is_damaged(fetch, kind, file, err);
    }
    if (outcome == RIA_FOUND && cli_session_seconds_left(fetch, kind, file) < kind->renew_before) {
        outcome = ria_renewal_run(fetch, file, kind->renew, err);
        ria_fetch_spent(fetch, "the renewal of the session's token");
        outcome = outcome == RIA_FOUND ? ria_token_file_read(fetch, file, err) : outcome;
    }
    return outcome == RIA_FOUND;
}

bool ria_session_open(
    struct ria_fetch *fetch,
    const struct ria_session_kind *kind,
    struct ria_token_file *file,
    struct ria_error *err)
{
    struct ria_error why = {0};
    char quoted[RIA_QUOTED_SIZE];
    enum ria_outcome outcome = ria_token_file_read(fetch, file, &why);
    if (outcome == RIA_ABSENT) {
        return not_logged_in(fetch, kind, file, err);
    }
    if (outcome == RIA_FAILED && why.code == RIA_E_CONFIG) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            ria_plan_source_setting(fetch->plan),
            "the token file %s",
            why.text);
    }
    if (outcome == RIA_FAILED) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            ria_plan_source_setting(fetch->plan),
            "the token file %s; run: %s --profile %s",
            why.text,
            kind->login,
            quoted_name(fetch, quoted));
    }
    if (!kind->is_whole(file)) {
        return ria_session_is_damaged(fetch, kind, file, err);
    }
    why = (struct ria_error){0};
    ria_fetch_warn_of_owner(fetch, file->path, &file->facts, "its session is used");
    if (cli_session_seconds_left(fetch, kind, file) < kind->renew_before &&
        kind->can_be_renewed(fetch, file) && !try_to_renew(fetch, kind, file, &why) &&
        cli_session_seconds_left(fetch, kind, file) > 0) {
        ria_response_warn(
            fetch->result,
            "the token of %.80s could not be renewed and is used until it expires: %s",
            fetch->plan->label,
            why.text);
    }
    return cli_session_seconds_left(fetch, kind, file) > 0 ||
           cli_session_has_expired(fetch, kind, file, &why, err);
}
