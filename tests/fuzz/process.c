/* SPDX-License-Identifier: MIT
 *
 * The output of a credential_process, through the functions that collect and parse it. No message
 * may show the command's stdout; a message shows the end of its stderr.
 *
 * Input: a byte n, stdout, stderr. Each read of stderr returns n + 1 bytes.
 */
#include "fuzz.h"

#include "fake_world.h"

/* Includes the source file, because the tested functions are static. */
#include "fetch/credential_process.c"

static void append_in_steps(struct ria_buf *tail, const struct ria_buf *all, size_t step)
{
    for (size_t at = 0; at < all->len; at += step) {
        append_tail(tail, all->data + at, all->len - at < step ? all->len - at : step);
    }
    size_t want = all->len < STDERR_MAX ? all->len : STDERR_MAX;
    fuzz_require(tail->len == want && !tail->failed);
    fuzz_require(want == 0 || memcmp(tail->data, all->data + all->len - want, want) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct ria_fake fake;
    struct ria_error err = {0};
    RIA_AUTO(buf) output = {0};
    RIA_AUTO(buf) all = {0};
    RIA_AUTO(buf) errors = {.max = STDERR_MAX};
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    size_t step = (size_t)fuzz_byte(&input) + 1;
    (void)fuzz_piece(&input, &output);
    (void)fuzz_piece(&input, &all);
    append_in_steps(&errors, &all, step);

    ria_fake_init(&fake);
    plan.value[RIA_PLAN_PROCESS] = (struct ria_setting){"get-keys", "/home/u/.aws/config", 2};
    (void)snprintf(plan.label, sizeof(plan.label), "the credential_process of profile p");
    struct ria_fetch fetch = {.world = &fake.world, .plan = &plan, .result = &response};
    (void)fail_by_status(&plan.value[RIA_PLAN_PROCESS], 1, &errors, &err);
    fuzz_require(err.text[0] != '\0');
    if (parse_output(&fetch, &output, &errors, &found, &err) == RIA_FOUND) {
        fuzz_require(found.access_key_id.len > 0 && found.secret_access_key.len > 0);
        fuzz_require(strlen(found.secret_access_key.data) == found.secret_access_key.len);
        fuzz_require(found.expires == 0 || found.expires > fake.now);
        return 0;
    }
    fuzz_require(strncmp(err.text, "/home/u/.aws/config:2: ", 23) == 0);
    if (fuzz_count(all.data, all.len, FUZZ_SECRET) == 0) {
        fuzz_require(strstr(err.text, FUZZ_SECRET) == NULL);
    }
    return 0;
}
