/* SPDX-License-Identifier: MIT
 *
 * Answers of AWS's sign-in service, for an aws login whose credentials have ended.
 *
 * Input: answers as of fake_http.h. */
#include "fake_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    fuzz_ask_session_of(RIA_SOURCE_LOGIN, fuzz_login_ended_file, input);
    return 0;
}
