/* SPDX-License-Identifier: MIT
 *
 * Token files of the AWS CLI; the services return everything that is requested. The same functions
 * read entries of the CLI's cache of roles.
 *
 * Input: 's' (SSO) or 'l' (aws login), then the file.
 */
#include "fake_session.h"

/* Everything that a request to one of the three services asks for. */
#define KEYS "\"accessKeyId\": \"N\", \"secretAccessKey\": \"n\", \"sessionToken\": \"n\""
static const char sso_responses[] =
    "200 +0\n{\"accessToken\": \"n\", \"expiresIn\": 3600, \"refreshToken\": \"n\", "
    "\"roleCredentials\": {" KEYS ", \"expiration\": 1787409296000}}\n====\n"
    "200 +0\n{\"roleCredentials\": {" KEYS ", \"expiration\": 1787409296000}}";
static const char login_responses[] =
    "200 +0\n{\"accessToken\": {" KEYS "}, \"expiresIn\": 900, \"refreshToken\": \"n\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    RIA_AUTO(buf) file = {0};
    bool is_login = fuzz_byte(&input) == 'l';
    fuzz_fill(&file, input.at, input.left);
    if (is_login) {
        fuzz_ask_session(
            RIA_SOURCE_LOGIN,
            &file,
            (struct fuzz_input){(const uint8_t *)login_responses, sizeof(login_responses) - 1});
    } else {
        fuzz_ask_session(
            RIA_SOURCE_SSO,
            &file,
            (struct fuzz_input){(const uint8_t *)sso_responses, sizeof(sso_responses) - 1});
    }
    return 0;
}
