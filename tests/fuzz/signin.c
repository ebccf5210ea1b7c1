/* SPDX-License-Identifier: MIT
 *
 * Responses of AWS's sign-in service to an aws login whose credentials have expired.
 *
 * Input: responses in the form of fake_http.h.
 */
#include "fake_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    fuzz_ask_session_of(RIA_SOURCE_LOGIN, fuzz_login_expired_file, input);
    return 0;
}
