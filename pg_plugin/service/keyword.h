/* SPDX-License-Identifier: MIT
 *
 * Lists libpq's keywords: one table of the keywords of PostgreSQL 10 to 18 (PQconninfoOptions in
 * fe-connect.c), with the first and the last version that knows each. Also finds settings that
 * libpq rejects or takes literally.
 */
#ifndef RIA_SERVICE_KEYWORD_H
#define RIA_SERVICE_KEYWORD_H

#include "service/service_file.h"

enum {
    RIA_LIBPQ_OLDEST = 10, /* the major versions that the table covers */
    RIA_LIBPQ_NEWEST = 18,
};

struct ria_keyword {
    char key[26]; /* an array and not a pointer: the preload contains the table, which then needs no
                     relocation */
    unsigned char first; /* the first version with the keyword; RIA_LIBPQ_OLDEST: version 10 or an
                            older version */
    unsigned char last;  /* the last version with the keyword; RIA_LIBPQ_NEWEST: still known */
    bool names_file;     /* its value is the path of a file */
};

/* Returns the keyword, or NULL if no version of libpq knows it. The result is static. */
const struct ria_keyword *ria_keyword_find(const char *key);

/* Checks that the setting's line has a '=', and that at least one version of libpq knows its key.
 * Otherwise returns false with err filled; the message does not name file and line. */
bool ria_keyword_check(const struct ria_service_setting *setting, struct ria_error *err)
    RIA_MUST_USE;

/* Finds a value that libpq takes literally although the user meant something else: a blank beside
 * the =, quotes, and "~" or "$HOME" in a path. Returns the message, which is static, or NULL if the
 * setting has no such fault. */
const char *ria_keyword_fault(const struct ria_service_setting *setting);

/* The message for a value of passfile= that does not begin with /. */
#define RIA_KEYWORD_RELATIVE                                                                       \
    "libpq looks for \"%.64s\" in the directory that each program runs in; write a path that "     \
    "begins with /"

#endif
