/* SPDX-License-Identifier: MIT
 *
 * Values are taken as they stand in the URL: those that are compared have no other spelling. */
#include "preload/token_text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DATE_LEN = 16, /* 20240131T235959Z: of two dates the later one is the greater text */
    MARGIN_SECONDS = 60,
};

bool ria_is_token(const char *password)
{
    return password != NULL && strstr(password, "/?Action=connect&DBUser=") != NULL;
}

/* What stands behind "key="; "" where it is not there, or there is no token. */
static const char *value_of(const char *token, const char *key)
{
    const char *found = ria_is_token(token) ? strstr(token, key) : NULL;
    return found == NULL ? "" : found + strlen(key);
}

static const char *date_of(const char *token)
{
    return value_of(token, "&X-Amz-Date=");
}

bool ria_token_is_over(const char *token)
{
    struct tm made = {0};
    long life = strtol(value_of(token, "&X-Amz-Expires="), NULL, 10);
    if (life <= 0 || strptime(date_of(token), "%Y%m%dT%H%M%SZ", &made) == NULL) {
        return false;
    }
    return time(NULL) - timegm(&made) >= life - MARGIN_SECONDS; /* no life is too long for this */
}

/* FNV-1a, 64 bits: nobody gains by two ids that come to the same. */
uint64_t ria_token_key(const char *token)
{
    const char *id = value_of(token, "&X-Amz-Credential=");
    size_t len = strcspn(id, "%/&");
    uint64_t key = 14695981039346656037U;
    for (size_t i = 0; i < len; i++) {
        key = (key ^ (unsigned char)id[i]) * 1099511628211U;
    }
    return len == 0 ? 0 : key;
}

bool ria_token_gives_way(const char *given, const char *other, bool is_known)
{
    uint64_t key = ria_token_key(given);
    return strncmp(date_of(other), date_of(given), DATE_LEN) > 0 &&
           (is_known || ria_token_is_over(given) || (key != 0 && key == ria_token_key(other)));
}
