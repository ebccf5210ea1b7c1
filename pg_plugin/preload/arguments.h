/* SPDX-License-Identifier: MIT
 *
 * The arguments of an interposed call, in two forms. struct ria_call describes the call as the
 * program made it. struct ria_arguments is the same call as the keyword and value arrays of
 * PQconnectdbParams(), with room for a few more settings. The preload uses the second form for two
 * purposes: to find out how libpq resolves the settings (probe.h), and to begin a connection after
 * it has added or removed settings.
 *
 * The functions use no global state. Each struct is for one thread at a time.
 */
#ifndef RIA_PRELOAD_ARGUMENTS_H
#define RIA_PRELOAD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum ria_call_kind {
    RIA_CALL_STRING, /* PQconnectdb, PQconnectStart, PQping */
    RIA_CALL_PARAMS, /* PQconnectdbParams, PQconnectStartParams, PQpingParams */
    RIA_CALL_LOGIN,  /* PQsetdbLogin */
};

enum {
    RIA_LOGIN_ARGUMENTS = 7, /* of PQsetdbLogin() */
    RIA_LOGIN_DBNAME = 4,    /* the index of dbname among them */
    RIA_PROBE_ARGUMENTS = 3, /* the largest number of arguments that a probe appends (probe.h) */
    RIA_VERIFIED_ARGUMENTS =
        3, /* the largest number of arguments that verification appends (verified.h) */
    RIA_MORE_ARGUMENTS = RIA_PROBE_ARGUMENTS + RIA_VERIFIED_ARGUMENTS,
};

/* A call as the program made it. All pointers are borrowed from the program until the call returns.
 */
struct ria_call {
    enum ria_call_kind kind;
    const char *name;   /* of the libpq function that the program called */
    const char *params; /* "PQconnectdbParams" if the function `name` blocks, else
                           "PQconnectStartParams"; NULL for a ping */
    const void
        *caller; /* the return address, or an address in the copy of libpq that the program calls */
    const char *conninfo;        /* RIA_CALL_STRING */
    const char *const *keywords; /* RIA_CALL_PARAMS, with the two members below */
    const char *const *values;
    int expand_dbname;
    const char *login[RIA_LOGIN_ARGUMENTS]; /* RIA_CALL_LOGIN: in PQsetdbLogin()'s order */
};

/* Arguments of PQconnectdbParams(). The two arrays, which end with NULL, and `text` are owned; the
 * strings that the arrays point to are borrowed. */
struct ria_arguments {
    const char **keywords;
    const char **values;
    size_t count; /* of arguments; the NULL at the end is not counted */
    size_t room;  /* the largest count */
    int expand_dbname;
    char *text; /* storage for one value that has no other owner; or NULL */
};

/* Allocates room for `room` arguments. Returns false if memory runs out. The caller releases
 * *arguments in both cases, or uses RIA_AUTO(arguments). */
bool ria_arguments_init(struct ria_arguments *arguments, size_t room, int expand_dbname);

/* Appends a keyword and its value, both borrowed. Does nothing if the room is used up. */
void ria_arguments_add(struct ria_arguments *arguments, const char *keyword, const char *value);

/* Removes arguments from the end until `count` are left. */
void ria_arguments_truncate(struct ria_arguments *arguments, size_t count);

/* Allocates arguments->text with `size` bytes and returns it. Returns NULL if memory runs out. Call
 * it at most once for each struct. */
char *ria_arguments_text(struct ria_arguments *arguments, size_t size);

/* Converts a call to arguments, with room for RIA_MORE_ARGUMENTS more. Strings stay borrowed from
 * the call. Returns false if memory runs out. The caller releases *out in both cases, or uses
 * RIA_AUTO(arguments). */
bool ria_arguments_of_call(const struct ria_call *call, struct ria_arguments *out);

/* Returns true if the call is of kind RIA_CALL_STRING, and its string contains more than white
 * space but is not a connection string. libpq refuses such a call before it opens any file or
 * connects. */
bool ria_arguments_are_invalid(const struct ria_call *call);

/* Frees the arrays and the text, and clears *arguments. */
void ria_arguments_release(struct ria_arguments *arguments);

#endif
