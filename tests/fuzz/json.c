/* SPDX-License-Identifier: MIT
 *
 * JSON responses of a container's endpoint and of the metadata service, and JSON output of a
 * credential_process. If credentials are found and written as JSON, parsing that JSON gives the
 * same credentials. No error message contains a secret of a response, unless the secret is in the
 * response's member "Code" or "message".
 *
 * Input: 'c' or 'i', then responses in the form of fake_http.h; or 'p' and a process's output.
 */
#include "fetch/json.h"
#include "fake_http.h"

#include <jansson.h>
#include <string.h>

static const struct ria_json_form process_form = {
    .session_token = "SessionToken", .has_version = true};

static void set(json_t *object, const char *name, const struct ria_buf *value)
{
    fuzz_require(json_object_set_new(object, name, json_stringn(value->data, value->len)) == 0);
}

static void check_written_again(const struct ria_credentials *found)
{
    RIA_AUTO(credentials) again = RIA_CREDENTIALS_INIT;
    RIA_AUTO(buf) text = {0};
    struct ria_error err;
    json_t *object = json_pack("{s:i}", "Version", 1);
    set(object, "AccessKeyId", &found->access_key_id);
    set(object, "SecretAccessKey", &found->secret_access_key);
    if (found->session_token.len > 0) {
        set(object, "SessionToken", &found->session_token);
    }
    char *written = json_dumps(object, JSON_ENSURE_ASCII);
    fuzz_fill(&text, written, strlen(written));
    free(written);
    json_decref(object);
    fuzz_require(ria_json_credentials(&text, &process_form, &again, &err));
    fuzz_require(fuzz_same(&again.access_key_id, &found->access_key_id));
    fuzz_require(fuzz_same(&again.secret_access_key, &found->secret_access_key));
    fuzz_require(fuzz_same(&again.session_token, &found->session_token));
}

static void check_secret(const struct fuzz_input *input, const struct ria_error *err)
{
    if (fuzz_count(input->at, input->left, "code") == 0 &&
        fuzz_count(input->at, input->left, "message") == 0) {
        fuzz_require(strstr(err->text, FUZZ_SECRET) == NULL);
    }
}

static void ask_network(ria_fetch_source *source, struct fuzz_input input)
{
    struct fuzz_network network;
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    struct ria_error err = {0};
    fuzz_network_open(&network, input);
    network.plan.value[RIA_PLAN_CONTAINER_URI] =
        (struct ria_setting){"/creds", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", 0};
    network.plan.value[RIA_PLAN_CONTAINER_TOKEN] =
        (struct ria_setting){"Basic x", "AWS_CONTAINER_AUTHORIZATION_TOKEN", 0};
    network.plan.value[RIA_PLAN_METADATA_ENDPOINT] =
        (struct ria_setting){"http://169.254.169.254", "", 0};
    enum ria_outcome outcome = source(&network.fetch, &found, &err);
    fuzz_check(&network, outcome, &found, &err);
    check_secret(&input, &err);
    if (outcome == RIA_FOUND) {
        fuzz_require(found.session_token.len > 0 && found.expires > 0);
        check_written_again(&found);
        /* The keys that were found sign the next request. */
        struct ria_role *role = fuzz_role(&network);
        (void)!ria_fetch_assume_role(&network.fetch, role, &found, &err);
    }
    fuzz_network_close(&network);
}

static void read_process(struct fuzz_input input)
{
    RIA_AUTO(buf) text = {0};
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    struct ria_error err = {0};
    fuzz_fill(&text, input.at, input.left);
    if (ria_json_credentials(&text, &process_form, &found, &err)) {
        check_written_again(&found);
    } else {
        fuzz_require(err.text[0] != '\0' && found.secret_access_key.len == 0);
        fuzz_require(strstr(err.text, FUZZ_SECRET) == NULL);
    }
    char message[160];
    ria_json_message(&text, message, sizeof(message));
    fuzz_require(strlen(message) < sizeof(message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    switch (fuzz_byte(&input)) {
    case 'c':
        ask_network(ria_fetch_container, input);
        break;
    case 'i':
        ask_network(ria_fetch_instance, input);
        break;
    default:
        read_process(input);
        break;
    }
    return 0;
}
