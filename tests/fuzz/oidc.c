/* SPDX-License-Identifier: MIT
 *
 * Responses of two servers during a login with an expired SSO token: first the OIDC endpoint, which
 * renews the token, then the portal, which returns the credentials.
 *
 * Input: responses in the form of fake_http.h.
 */
#include "fake_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    fuzz_ask_session_of(RIA_SOURCE_SSO, fuzz_sso_expired_file, input);
    return 0;
}
