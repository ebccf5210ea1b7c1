/* SPDX-License-Identifier: MIT
 *
 * Finds the signature and other parameters in the text of a token. Values are not percent-decoded,
 * because the parts of values that are read here contain no encoded characters. Finds no parameters
 * in a text that is not a token.
 */
#include "aws/token_text.h"

#include "base/ascii.h"
#include "base/timestamp.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* 20240131T235959Z; of two dates, the later one is also the greater string */
    DATE_LEN = RIA_TIMESTAMP_SIZE - 1,
    MARGIN_SECONDS = 60,
    SIGNATURE_LEN = 64,
};

bool ria_dsql_user_is_admin(const char *user)
{
    return strcmp(user, "admin") == 0;
}

static const char mark[] = "X-Amz-Signature=";

bool ria_is_token(const char *password)
{
    return password != NULL && strstr(password, mark) != NULL;
}

bool ria_token_is_cut(const char *password)
{
    static const char *const beginnings[] = {"?Action=", "?DBUser=", "?X-Amz-", "&X-Amz-"};
    const char *at = password == NULL ? NULL : strstr(password, mark);
    if (at != NULL) {
        return strspn(at + strlen(mark), RIA_HEX_DIGITS) < SIGNATURE_LEN;
    }
    for (size_t i = 0; password != NULL && i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (strstr(password, beginnings[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Returns whether "X-Amz-Signature=" is at `at`, with or without backslashes. */
static bool is_mark_at(const char *at, const char *end)
{
    for (const char *expected = mark; *expected != '\0'; expected++) {
        at += at < end && *at == '\\' ? 1 : 0;
        if (at == end || *at++ != *expected) {
            return false;
        }
    }
    return true;
}

bool ria_line_has_token(const char *line, size_t len)
{
    const char *end = line + len;
    for (const char *at = line; at != NULL && at < end; at++) {
        at = memchr(at, mark[0], (size_t)(end - at));
        if (at == NULL || is_mark_at(at, end)) {
            return at != NULL;
        }
    }
    return false;
}

/* Returns the text after `key`, such as "X-Amz-Date=", in the query of a token, or "" if the token
 * has no such parameter. */
static const char *token_text_value_of(const char *token, const char *key)
{
    size_t line = token == NULL ? 0 : strcspn(token, "\n");
    if (line == 0 || !ria_line_has_token(token, line)) {
        return "";
    }
    const char *end = token + line;
    size_t len = strlen(key);
    const char *at = memmem(token, line, key, len);
    while (at != NULL && (at == token || (at[-1] != '?' && at[-1] != '&'))) {
        at = memmem(at + 1, (size_t)(end - at) - 1, key, len);
    }
    return at == NULL ? "" : at + len;
}

static const char *date_of(const char *token)
{
    return token_text_value_of(token, "X-Amz-Date=");
}

/* Parses a date in the form that SigV4 uses. Returns false for any other text. */
static bool parse_date(const char *text, int64_t *out)
{
    char date[RIA_TIMESTAMP_SIZE] = "";
    if (strnlen(text, DATE_LEN) == DATE_LEN) {
        memcpy(date, text, DATE_LEN);
    }
    return ria_timestamp_parse(date, out);
}

bool ria_token_is_over(const char *token, int64_t now)
{
    int64_t made;
    long life = strtol(token_text_value_of(token, "X-Amz-Expires="), NULL, 10);
    return life > 0 && parse_date(date_of(token), &made) && now - made >= life - MARGIN_SECONDS;
}

bool ria_token_is_later(const char *token, const char *earlier)
{
    return strncmp(date_of(token), date_of(earlier), DATE_LEN) > 0;
}

/* A collision is harmless, because an attacker gains nothing from two ids with the same hash. */
uint64_t ria_token_key(const char *token)
{
    const char *id = token_text_value_of(token, "X-Amz-Credential=");
    size_t len = strcspn(id, "%/&\n");
    return len == 0 ? 0 : ria_hash(RIA_HASH_START, id, len);
}
