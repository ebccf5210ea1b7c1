/* SPDX-License-Identifier: MIT
 *
 * Checks, moves and wipes credentials. Rejects credentials with a character that is not visible
 * ASCII. */
#include "aws/credentials.h"

#include <string.h>

static bool aws_credentials_is_plain(const struct ria_buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] <= ' ' || text->data[i] > '~') {
            return false;
        }
    }
    return true;
}

bool ria_credentials_are_plain(const struct ria_credentials *credentials)
{
    return aws_credentials_is_plain(&credentials->access_key_id) &&
           aws_credentials_is_plain(&credentials->secret_access_key) &&
           aws_credentials_is_plain(&credentials->session_token);
}

bool ria_credentials_lack_token(const struct ria_credentials *credentials)
{
    return credentials->access_key_id.len > 0 &&
           strncmp(credentials->access_key_id.data, "ASIA", 4) == 0 &&
           credentials->session_token.len == 0;
}

void ria_credentials_init(struct ria_credentials *credentials, struct ria_credentials_room *room)
{
    credentials->access_key_id =
        (struct ria_buf)RIA_BUF_IN(room->access_key_id, RIA_ACCESS_KEY_ID_MAX);
    credentials->secret_access_key =
        (struct ria_buf)RIA_BUF_IN(room->secret_access_key, RIA_SECRET_ACCESS_KEY_MAX);
    credentials->session_token =
        (struct ria_buf)RIA_BUF_IN(room->session_token, RIA_SESSION_TOKEN_MAX);
    credentials->expires = 0;
    credentials->source[0] = '\0';
}

void ria_credentials_release(struct ria_credentials *credentials)
{
    ria_buf_release(&credentials->access_key_id);
    ria_buf_release(&credentials->secret_access_key);
    ria_buf_release(&credentials->session_token);
    credentials->expires = 0;
    credentials->source[0] = '\0';
}

void ria_credentials_move(struct ria_credentials *to, struct ria_credentials *from)
{
    ria_buf_move(&to->access_key_id, &from->access_key_id);
    ria_buf_move(&to->secret_access_key, &from->secret_access_key);
    ria_buf_move(&to->session_token, &from->session_token);
    to->expires = from->expires;
    memcpy(to->source, from->source, sizeof(to->source));
    ria_credentials_release(from);
}
