/* SPDX-License-Identifier: MIT
 *
 * Runs the parts of a token that no implementation on this platform can leave out. Ends the program
 * if one of them fails.
 */
#include "floors.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    exit(EXIT_FAILURE);
}

void floor_digest(void)
{
    enum {
        BLOCK = 64,
        REQUEST = 361,
        STRING_TO_SIGN = 137,
        SUM = 32
    };
    static const size_t lengths[] = {REQUEST, BLOCK + STRING_TO_SIGN, BLOCK + SUM};
    static const unsigned char bytes[REQUEST];
    static EVP_MD_CTX *ctx;
    static EVP_MD *md;
    unsigned char sum[EVP_MAX_MD_SIZE];
    if (ctx == NULL) {
        ctx = EVP_MD_CTX_new();
        md = EVP_MD_fetch(NULL, "SHA256", NULL);
    }
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        if (EVP_DigestInit_ex(ctx, md, NULL) != 1 ||
            EVP_DigestUpdate(ctx, bytes, lengths[i]) != 1 ||
            EVP_DigestFinal_ex(ctx, sum, NULL) != 1) {
            fail("no SHA-256");
        }
    }
}

void floor_call_system(unsigned files)
{
    static const char *const variables[] = {
        "RDS_IAM_CONFIG", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"};
    static const char *paths[sizeof(variables) / sizeof(variables[0])];
    uid_t real;
    uid_t effective;
    uid_t saved;
    bool ok = getresuid(&real, &effective, &saved) == 0;
    for (unsigned i = 0; i < files; i++) {
        struct stat status;
        paths[i] = paths[i] == NULL ? getenv(variables[i]) : paths[i];
        ok = stat(paths[i], &status) == 0 && ok;
    }
    if (!ok) {
        fail("no file");
    }
}
