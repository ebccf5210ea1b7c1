/* SPDX-License-Identifier: MIT
 *
 * AWS credentials as a value: what is signed with, when it ends, and where it came from. Wiped
 * when released. Where credentials come from is the providers' business.
 */
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
    int64_t expires;              /* seconds since 1970; 0: they do not say */
    char source[256];             /* for people: "the environment", "profile etl" */
};

#define RIA_CREDENTIALS_INIT                                                                       \
    {                                                                                              \
        .access_key_id = {.max = RIA_ACCESS_KEY_ID_MAX},                                           \
        .secret_access_key = {.max = RIA_SECRET_ACCESS_KEY_MAX},                                   \
        .session_token = {.max = RIA_SESSION_TOKEN_MAX},                                           \
    }

/* Whether they hold only what AWS's keys and tokens hold: visible ASCII. Anything else may be a
 * part of what it is put into: a line break of a header, an escape of a terminal. */
bool ria_credentials_are_plain(const struct ria_credentials *credentials);

/* Whether they are temporary keys, by their id ("ASIA...", IAM User Guide, "IAM identifiers"),
 * without the session token that AWS takes such keys with. */
bool ria_credentials_lack_token(const struct ria_credentials *credentials);

/* Wipes and frees; leaves empty credentials that can be filled again. */
void ria_credentials_release(struct ria_credentials *credentials);

/* Moves *from into *to, releasing what *to held. */
void ria_credentials_move(struct ria_credentials *to, struct ria_credentials *from);

#endif
