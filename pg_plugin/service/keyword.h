/* SPDX-License-Identifier: MIT
 *
 * libpq's keywords, and what a setting means to it: one table of the keywords of PostgreSQL 10 to
 * 18 (PQconninfoOptions in fe-connect.c), with the first and the last version that knows each.
 */
#ifndef RIA_SERVICE_KEYWORD_H
#define RIA_SERVICE_KEYWORD_H

#include "service/service_file.h"

enum {
    RIA_LIBPQ_OLDEST = 10, /* major versions that we know */
    RIA_LIBPQ_NEWEST = 18,
};

struct ria_keyword {
    char key[26];        /* no pointer: the table is in a guest and needs no relocation */
    unsigned char first; /* RIA_LIBPQ_OLDEST: maybe an older one */
    unsigned char last;
    bool names_file; /* its value is the name of a file */
};

/* NULL: no libpq knows it. */
const struct ria_keyword *ria_keyword_find(const char *key);

/* Whether some libpq knows the setting. False with err saying what is wrong, without a place. */
bool ria_keyword_check(const struct ria_service_setting *setting, struct ria_error *err)
    RIA_MUST_USE;

/* What is wrong with a line that libpq takes literally where its writer meant something else:
 * blanks around the =, quotes, and "~" or "$HOME" in the name of a file. A sentence, or NULL. */
const char *ria_keyword_fault(const struct ria_service_setting *setting);

/* What is wrong with the value of passfile=, where it does not begin with /. */
#define RIA_KEYWORD_RELATIVE                                                                       \
    "libpq takes \"%.64s\" as it is, from whatever directory a program runs in; write a path "     \
    "that "                                                                                        \
    "begins with /"

#endif
