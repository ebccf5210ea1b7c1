/* SPDX-License-Identifier: MIT
 *
 * A value type for AWS credentials: the keys, the time at which they expire, and the name of their
 * source. Credentials are wiped when they are released. This module does not obtain credentials;
 * see provider/. */
#ifndef RIA_AWS_CREDENTIALS_H
#define RIA_AWS_CREDENTIALS_H

#include "base/buf.h"

#include <stdint.h>

enum {
    RIA_ACCESS_KEY_ID_MAX = 128,      /* IAM: 16 to 128 characters */
    RIA_SECRET_ACCESS_KEY_MAX = 256,  /* 40 characters today */
    RIA_SESSION_TOKEN_MAX = 8 * 1024, /* 1 to 2 KB today; STS documents no limit */
};

struct ria_credentials {
    struct ria_buf access_key_id;
    struct ria_buf secret_access_key;
    struct ria_buf session_token; /* empty for long-term keys */
    int64_t expires;              /* seconds since 1970; 0: the source reports no time */
    char source[256];             /* for display: "the environment", "profile etl" */
};

#define RIA_CREDENTIALS_INIT                                                                       \
    {                                                                                              \
        .access_key_id = {.max = RIA_ACCESS_KEY_ID_MAX},                                           \
        .secret_access_key = {.max = RIA_SECRET_ACCESS_KEY_MAX},                                   \
        .session_token = {.max = RIA_SESSION_TOKEN_MAX},                                           \
    }

/* Buffers for credentials of the usual size. Memory for a longer session token is allocated. */
struct ria_credentials_room {
    char access_key_id[RIA_ACCESS_KEY_ID_MAX + 1];
    char secret_access_key[RIA_SECRET_ACCESS_KEY_MAX + 1];
    char session_token[1536];
};

/* Initializes empty credentials that use the buffers in *room (RIA_BUF_IN of base/buf.h). Does not
 * write to these buffers. */
void ria_credentials_init(struct ria_credentials *credentials, struct ria_credentials_room *room);

/* Returns whether the credentials contain only visible ASCII, as AWS's keys and tokens do. Other
 * characters are dangerous where the credentials are written: a line break could start a new HTTP
 * header, and an escape sequence could control a terminal. */
bool ria_credentials_are_plain(const struct ria_credentials *credentials);

/* Returns whether the keys are temporary and the session token is missing. Temporary keys have an
 * id that begins with "ASIA" (IAM User Guide, "IAM identifiers"). AWS accepts temporary keys only
 * with a session token. */
bool ria_credentials_lack_token(const struct ria_credentials *credentials);

/* Wipes and frees the credentials. Afterwards they are empty and can be filled again. */
void ria_credentials_release(struct ria_credentials *credentials);

/* Moves *from to *to, after releasing the old contents of *to. Leaves *from empty. */
void ria_credentials_move(struct ria_credentials *to, struct ria_credentials *from);

#endif
