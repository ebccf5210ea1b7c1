/* SPDX-License-Identifier: MIT
 *
 * XML responses of STS, success and error, through a complete call, with its retries and its
 * correction of the clock. If credentials are found and written as XML, parsing that XML gives the
 * same credentials. No message contains the keys that signed the call, or the token that it
 * carried.
 *
 * Input: 'r' (a role) or 'w' (a web identity), then responses in the form of fake_http.h.
 */
#include "fake_http.h"

#include "base/timestamp.h"
#include "fetch/sts.h"

#include <stdio.h>
#include <string.h>

static const char token_file[] = "/home/u/token";
static const char token[] = "eyJ-" FUZZ_SECRET "-token";

static void open_network(struct fuzz_network *network, struct fuzz_input input)
{
    fuzz_network_open(network, input);
    (void)fuzz_role(network);
    (void)ria_fake_file(&network->fake, token_file, token);
    network->plan.value[RIA_PLAN_WEB_IDENTITY_TOKEN_FILE] =
        (struct ria_setting){token_file, "AWS_WEB_IDENTITY_TOKEN_FILE", 0};
}

/* Assumes the role with *credentials. On failure they must be unchanged. */
static bool assume(
    struct fuzz_network *network, struct ria_credentials *credentials, struct ria_error *err)
{
    RIA_AUTO(buf) before = {.max = RIA_SECRET_ACCESS_KEY_MAX};
    ria_buf_add(&before, credentials->secret_access_key.data, credentials->secret_access_key.len);
    bool ok = ria_fetch_assume_role(&network->fetch, &network->plan.roles[0], credentials, err);
    fuzz_require(ok || fuzz_same(&before, &credentials->secret_access_key));
    return ok;
}

static void add_element(struct ria_buf *out, const char *name, const struct ria_buf *text)
{
    ria_buf_addf(out, "<%s>", name);
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];
        if (c < 0x80) {
            ria_buf_addf(out, "&#%u;", c);
        } else {
            ria_buf_add_char(out, text->data[i]);
        }
    }
    ria_buf_addf(out, "</%s>", name);
}

static void check_written_again(const struct ria_credentials *found)
{
    struct fuzz_network network;
    struct ria_error err = {0};
    char when[RIA_TIMESTAMP_SIZE];
    RIA_AUTO(buf) text = {.max = (size_t)128 * 1024};
    RIA_AUTO(credentials) again = RIA_CREDENTIALS_INIT;
    if (!ria_timestamp_format(found->expires, when)) {
        return; /* the year is after 9999 */
    }
    ria_buf_add_text(&text, "200 +0\n<Credentials>");
    add_element(&text, "AccessKeyId", &found->access_key_id);
    add_element(&text, "SecretAccessKey", &found->secret_access_key);
    add_element(&text, "SessionToken", &found->session_token);
    ria_buf_addf(
        &text,
        "<Expiration>%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ</Expiration></Credentials>",
        when,
        when + 4,
        when + 6,
        when + 9,
        when + 11,
        when + 13);
    if (text.len > RIA_HTTP_BODY_MAX) {
        return; /* with its escapes, the text exceeds the limit */
    }
    open_network(&network, (struct fuzz_input){(const uint8_t *)text.data, text.len});
    fuzz_require(ria_fetch_web_identity(&network.fetch, &again, &err) == RIA_FOUND);
    fuzz_require(fuzz_same(&again.access_key_id, &found->access_key_id));
    fuzz_require(fuzz_same(&again.secret_access_key, &found->secret_access_key));
    fuzz_require(fuzz_same(&again.session_token, &found->session_token));
    fuzz_require(again.expires == found->expires);
    fuzz_network_close(&network);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct fuzz_network network;
    struct ria_error err = {0};
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    RIA_AUTO(credentials) none = RIA_CREDENTIALS_INIT;
    bool is_role = fuzz_byte(&input) == 'r';
    enum ria_outcome outcome;
    open_network(&network, input);
    if (is_role) {
        ria_buf_add_text(&found.access_key_id, "AKIAEXAMPLE");
        ria_buf_add_text(&found.secret_access_key, FUZZ_SECRET "/K7MDENG");
        outcome = assume(&network, &found, &err) ? RIA_FOUND : RIA_FAILED;
    } else {
        outcome = ria_fetch_web_identity(&network.fetch, &found, &err);
    }
    fuzz_check(&network, outcome, outcome == RIA_FOUND || !is_role ? &found : &none, &err);
    if (fuzz_count(data, size, FUZZ_SECRET) == 0) {
        fuzz_require(strstr(err.text, FUZZ_SECRET) == NULL);
    }
    fuzz_require(strlen(network.response.identity) < sizeof(network.response.identity));
    if (outcome == RIA_FOUND) {
        fuzz_require(found.session_token.len > 0 && found.expires > 0);
        check_written_again(&found);
    }
    fuzz_network_close(&network);
    return 0;
}
