/* SPDX-License-Identifier: MIT
 *
 * The user's home directory in the text of passwd(5), and the records by which rds-iam-fetch is
 * asked for it where that text does not tell. Pure functions of bytes.
 */
#ifndef RIA_CODEC_PASSWD_H
#define RIA_CODEC_PASSWD_H

#include "base/buf.h"

#include <stdint.h>

/* Appends the home directory in the first entry of that uid, if it is an absolute path. False if
 * there is no such entry or path, or if *out has no room. */
bool ria_passwd_find_home(const struct ria_buf *text, uint32_t uid, struct ria_buf *out);

/* The question, "what is the home directory of my user?", and the answer; "" is "none". The buffer
 * remembers a failure to write. False for bytes that are not such a record. */
void ria_passwd_write_question(struct ria_buf *out);
bool ria_passwd_is_question(const struct ria_buf *bytes);
void ria_passwd_write_answer(const char *home, struct ria_buf *out);
bool ria_passwd_read_answer(const struct ria_buf *bytes, struct ria_buf *home);

#endif
