/* SPDX-License-Identifier: MIT
 *
 * Answers of SSO's OIDC endpoint, for a token that has ended, and of the portal after them.
 *
 * Input: answers as of fake_http.h. */
#include "fake_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    fuzz_ask_session_of(RIA_SOURCE_SSO, fuzz_sso_ended_file, input);
    return 0;
}
