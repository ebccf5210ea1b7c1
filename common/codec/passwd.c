/* SPDX-License-Identifier: MIT
 *
 * Reads "name:password:uid:gid:comment:home:shell". Ignores what is not such a line: comments, and
 * the "+" lines of NIS, which have no uid. */
#include "codec/passwd.h"

#include "codec/record.h"

#include <stdlib.h>
#include <string.h>

enum {
    TAG_HOME = 1,
    FIELD_UID = 2,
    FIELD_HOME = 5,
};

/* The start of a field of a line that ends at `end`; *len is its length. NULL: the line has fewer
 * fields. */
static const char *field_of(const char *line, const char *end, int index, size_t *len)
{
    for (int i = 0; i < index; i++) {
        line = memchr(line, ':', (size_t)(end - line));
        if (line == NULL) {
            return NULL;
        }
        line++;
    }
    const char *colon = memchr(line, ':', (size_t)(end - line));
    *len = (size_t)((colon == NULL ? end : colon) - line);
    return line;
}

static bool is_uid(const char *digits, size_t len, uint32_t uid)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9' || number > UINT32_MAX) {
            return false;
        }
        number = (number * 10) + (uint64_t)(digits[i] - '0');
    }
    return len > 0 && number == uid;
}

bool ria_passwd_find_home(const struct ria_buf *text, uint32_t uid, struct ria_buf *out)
{
    const char *end = text->data == NULL ? NULL : text->data + text->len;
    for (const char *line = text->data; line < end;) {
        size_t len = 0;
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = newline == NULL ? end : newline;
        const char *digits = field_of(line, line_end, FIELD_UID, &len);
        if (digits != NULL && is_uid(digits, len, uid)) {
            const char *home = field_of(line, line_end, FIELD_HOME, &len);
            if (home == NULL || len == 0 || *home != '/') {
                return false;
            }
            ria_buf_add(out, home, len);
            return ria_buf_text(out) != NULL;
        }
        line = line_end + 1;
    }
    return false;
}

void ria_passwd_write_question(struct ria_buf *out)
{
    ria_record_begin(out, RIA_RECORD_HOME_QUESTION);
    ria_record_end(out);
}

bool ria_passwd_is_question(const struct ria_buf *bytes)
{
    struct ria_record record;
    return ria_record_open(bytes, RIA_RECORD_HOME_QUESTION, &record);
}

void ria_passwd_write_answer(const char *home, struct ria_buf *out)
{
    ria_record_begin(out, RIA_RECORD_HOME_ANSWER);
    ria_record_add_text(out, TAG_HOME, home);
    ria_record_end(out);
}

bool ria_passwd_read_answer(const struct ria_buf *bytes, struct ria_buf *home)
{
    struct ria_record record;
    struct ria_record_field field;
    if (!ria_record_open(bytes, RIA_RECORD_HOME_ANSWER, &record) ||
        !ria_record_next(&record, &field) || field.tag != TAG_HOME) {
        return false;
    }
    const char *text = ria_record_text(&field);
    if (text == NULL) {
        return false;
    }
    ria_buf_add_text(home, text);
    return ria_buf_text(home) != NULL;
}
