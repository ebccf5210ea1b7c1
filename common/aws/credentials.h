/* SPDX-License-Identifier: MIT
 *
 * AWS credentials as a value: the keys, when they expire, and where they came from. They are wiped
 * when they are released. The providers (provider/) get credentials; this module does not. */
#ifndef RIA_AWS_CREDENTIALS_H
#define RIA_AWS_CREDENTIALS_H

#include "base/buf.h"

#include <stdint.h>

enum {
    RIA_ACCESS_KEY_ID_MAX = 128,      /* IAM: 16 to 128 characters */
    RIA_SECRET_ACCESS_KEY_MAX = 256,  /* 40 characters today */
    RIA_SESSION_TOKEN_MAX = 8 * 1024, /* 1 to 2 kB today; STS promises no limit */
};

struct ria_credentials {
    struct ria_buf access_key_id;
    struct ria_buf secret_access_key;
    struct ria_buf session_token; /* empty for long-term keys */
    int64_t expires;              /* seconds since 1970; 0: the source does not tell */
    char source[256];             /* for display: "the environment", "profile etl" */
};

#define RIA_CREDENTIALS_INIT                                                                       \
    {                                                                                              \
        .access_key_id = {.max = RIA_ACCESS_KEY_ID_MAX},                                           \
        .secret_access_key = {.max = RIA_SECRET_ACCESS_KEY_MAX},                                   \
        .session_token = {.max = RIA_SESSION_TOKEN_MAX},                                           \
    }

/* Returns whether the credentials contain only visible ASCII, as AWS's keys and tokens do. Any
 * other character could change the text that the credentials are put into: a line break a header,
 * an escape sequence a terminal. */
bool ria_credentials_are_plain(const struct ria_credentials *credentials);

/* Returns whether these are temporary keys without a session token. Temporary keys are recognized
 * by their id ("ASIA...", IAM User Guide, "IAM identifiers"). AWS accepts them only with a session
 * token. */
bool ria_credentials_lack_token(const struct ria_credentials *credentials);

/* Wipes and frees the credentials. They are then empty and can be filled again. */
void ria_credentials_release(struct ria_credentials *credentials);

/* Moves *from to *to, after releasing the old contents of *to. */
void ria_credentials_move(struct ria_credentials *to, struct ria_credentials *from);

#endif
