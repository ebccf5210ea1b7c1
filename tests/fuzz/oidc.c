/* SPDX-License-Identifier: MIT
 *
 * Responses of SSO's OIDC endpoint to the renewal of an expired token, then of the portal.
 *
 * Input: responses in the form of fake_http.h.
 */
#include "fake_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    fuzz_ask_session_of(RIA_SOURCE_SSO, fuzz_sso_ended_file, input);
    return 0;
}
