/* SPDX-License-Identifier: MIT
 *
 * Gets credentials once with one token file in memory, and checks the outcome and the file. */
#include "fake_session.h"

#include "fetch/renewal.h"

#include <jansson.h>
#include <string.h>

static const struct ria_buf *in_place; /* contents of the file */
static struct ria_buf written;         /* new contents, or empty if the file was not written */

#define TOKENS                                                                                     \
    "\"startUrl\": \"https://x\", \"region\": \"us-east-1\", \"accessToken\": \"a-" FUZZ_SECRET    \
    "\", \"clientId\": \"c\", \"clientSecret\": \"s-" FUZZ_SECRET                                  \
    "\", \"registrationExpiresAt\": \"2027-01-01T00:00:00Z\", \"refreshToken\": \"r-" FUZZ_SECRET  \
    "\", \"not ours\": [1]"

const char fuzz_sso_file[] = "{" TOKENS ", \"expiresAt\": \"2026-08-22T20:00:00Z\"}";
const char fuzz_sso_expired_file[] = "{" TOKENS ", \"expiresAt\": \"2026-08-22T10:00:00Z\"}";
const char fuzz_login_expired_file[] =
    "{\"accessToken\": {\"accessKeyId\": \"A\", \"secretAccessKey\": \"s-" FUZZ_SECRET
    "\", \"sessionToken\": \"t\", \"expiresAt\": \"2026-08-22T10:00:00Z\"}, \"clientId\": \"c\", "
    "\"refreshToken\": \"r-" FUZZ_SECRET "\", \"not ours\": [1], \"dpopKey\": \"-----BEGIN EC "
    "PRIVATE KEY-----\\n"
    "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\\n"
    "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\\n"
    "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\\n-----END EC PRIVATE KEY-----\\n\"}";

/* -- replaces fetch/token_file.c and fetch/renewal.c ---------------------------------------- */

enum ria_outcome ria_token_file_read(
    const struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    (void)fetch;
    (void)strcpy(file->path, "/home/u/token.json");
    ria_document_release(&file->document);
    return ria_document_read(written.len > 0 ? &written : in_place, &file->document)
               ? RIA_FOUND
               : ria_failed(err, RIA_E_CREDENTIALS, "%s is not JSON", file->path);
}

bool ria_token_file_lock(
    const struct ria_fetch *fetch, struct ria_token_file *file, struct ria_error *err)
{
    (void)fetch;
    (void)file;
    (void)err;
    return true;
}

bool ria_token_file_replace(
    const struct ria_fetch *fetch,
    struct ria_token_file *file,
    const char *member,
    const char *text,
    struct ria_error *err)
{
    (void)fetch;
    (void)err;
    (void)text;
    RIA_AUTO(buf) refresh = {.max = RIA_HTTP_BODY_MAX};
    ria_buf_clear(&written);
    written.max = (size_t)1024 * 1024;
    fuzz_require(ria_document_write(&file->document, &written));
    fuzz_require(ria_document_text(&file->document, NULL, member, &refresh));
    return true;
}

void ria_token_file_release(struct ria_token_file *file)
{
    ria_document_release(&file->document);
}

enum ria_outcome ria_renewal_run(
    struct ria_fetch *fetch, struct ria_token_file *file, ria_renew *renew, struct ria_error *err)
{
    return renew(fetch, file, err) ? RIA_FOUND : RIA_FAILED;
}

/* -- the request ---------------------------------------------------------------------------- */

static void fill_plan(struct ria_plan *plan, enum ria_source source)
{
    static const struct {
        enum ria_plan_value value;
        const char *text;
    } settings[] = {
        {RIA_PLAN_SSO_SESSION, "dev"},
        {RIA_PLAN_SSO_START_URL, "https://x"},
        {RIA_PLAN_SSO_REGION, "us-east-1"},
        {RIA_PLAN_SSO_ACCOUNT_ID, "123456789012"},
        {RIA_PLAN_SSO_ROLE_NAME, "R"},
        {RIA_PLAN_LOGIN_SESSION, "arn:aws:sts::123456789012:assumed-role/Admin/a"},
        {RIA_PLAN_LOGIN_REGION, "us-east-1"},
        {RIA_PLAN_LOGIN_DIRECTORY, "/l"},
        {RIA_PLAN_SOURCE_PROFILE, "p"},
    };
    plan->source = source;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        plan->value[settings[i].value] =
            (struct ria_setting){settings[i].text, "/home/u/.aws/config", 2};
    }
}

/* Checks that a message contains no secret. The error and the message of a response may be shown.
 */
static void check_secret(const struct fuzz_input *input, const struct ria_error *err)
{
    if (fuzz_count(input->at, input->left, "error") == 0 &&
        fuzz_count(input->at, input->left, "message") == 0 &&
        fuzz_count(in_place->data, in_place->len, "expiresAt") < 2) {
        fuzz_require(strstr(err->text, FUZZ_SECRET) == NULL);
    }
}

/* Compares all members except those that a renewal changes. */
static void check_written(void)
{
    static const char *const ours[] = {"accessToken", "refreshToken", "expiresAt"};
    RIA_AUTO(document) before = {0};
    RIA_AUTO(document) after = {0};
    const char *name;
    json_t *value;
    if (written.len == 0) {
        return;
    }
    fuzz_require(ria_document_read(&written, &after));
    fuzz_require(ria_document_read(in_place, &before));
    json_t *root = before.root;
    json_object_foreach(root, name, value)
    {
        bool is_ours = false;
        for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
            is_ours = is_ours || strcmp(name, ours[i]) == 0;
        }
        fuzz_require(is_ours || json_equal(value, json_object_get(after.root, name)));
    }
}

void fuzz_ask_session(enum ria_source source, const struct ria_buf *file, struct fuzz_input input)
{
    struct fuzz_network network;
    struct ria_error err = {0};
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    in_place = file;
    fuzz_network_open(&network, input);
    fill_plan(&network.plan, source);
    enum ria_outcome outcome = source == RIA_SOURCE_SSO
                                   ? ria_fetch_sso(&network.fetch, &found, &err)
                                   : ria_fetch_login(&network.fetch, &found, &err);
    fuzz_check(&network, outcome, &found, &err);
    if (outcome == RIA_FOUND) {
        fuzz_require(found.session_token.len > 0 && found.expires > 0);
        fuzz_require(ria_credentials_are_plain(&found));
    }
    check_secret(&input, &err);
    check_written();
    fuzz_network_close(&network);
    ria_buf_release(&written);
}

void fuzz_ask_session_of(enum ria_source source, const char *file, struct fuzz_input input)
{
    RIA_AUTO(buf) text = {0};
    fuzz_fill(&text, file, strlen(file));
    fuzz_ask_session(source, &text, input);
}
