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
    return time(NULL) >= timegm(&made) + life - MARGIN_SECONDS;
}

static bool have_one_key(const char *a, const char *b)
{
    const char *of_a = value_of(a, "&X-Amz-Credential=");
    const char *of_b = value_of(b, "&X-Amz-Credential=");
    size_t len = strcspn(of_a, "%/&");
    return len > 0 && len == strcspn(of_b, "%/&") && memcmp(of_a, of_b, len) == 0;
}

bool ria_token_gives_way(const char *given, const char *other)
{
    return strncmp(date_of(other), date_of(given), DATE_LEN) > 0 &&
           (ria_token_is_over(given) || have_one_key(given, other));
}
