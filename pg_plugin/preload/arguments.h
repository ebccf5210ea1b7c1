/* SPDX-License-Identifier: MIT
 *
 * A call of one of libpq's functions that begin a connection or ping, as the program made it; and
 * the same as arguments of PQconnectdbParams(), a list to which settings can be added within the
 * room that it was made with.
 */
#ifndef RIA_PRELOAD_ARGUMENTS_H
#define RIA_PRELOAD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum ria_call_kind {
    RIA_CALL_STRING, /* PQconnectdb, PQconnectStart */
    RIA_CALL_PARAMS, /* their Params */
    RIA_CALL_LOGIN,  /* PQsetdbLogin */
};

enum {
    RIA_LOGIN_ARGUMENTS = 7,
    RIA_LOGIN_DBNAME = 4,       /* among them */
    RIA_PROBE_ARGUMENTS = 3,    /* what a probe adds (probe.h) */
    RIA_VERIFIED_ARGUMENTS = 3, /* what verification adds (verified.h) */
    RIA_MORE_ARGUMENTS = RIA_PROBE_ARGUMENTS + RIA_VERIFIED_ARGUMENTS,
};

/* A call as the program made it. */
struct ria_call {
    enum ria_call_kind kind;
    const char *name;   /* of the function */
    const char *params; /* the Params function that does the same, blocking or not */
    const void *caller; /* return address */
    const char *conninfo;
    const char *const *keywords;
    const char *const *values;
    int expand_dbname;
    const char *login[RIA_LOGIN_ARGUMENTS]; /* in PQsetdbLogin()'s order */
};

/* The arrays and the text are owned, what else they point at is borrowed. */
struct ria_arguments {
    const char **keywords;
    const char **values;
    size_t count;
    size_t room;
    int expand_dbname;
    char *text; /* for an argument that nothing else holds; or NULL */
};

/* Makes room for `room` arguments. False without memory. Release it, or use RIA_AUTO(arguments). */
bool ria_arguments_init(struct ria_arguments *arguments, size_t room, int expand_dbname);

/* Appends one. Within the room asked for. */
void ria_arguments_add(struct ria_arguments *arguments, const char *keyword, const char *value);

/* Takes the last arguments away, down to `count`. */
void ria_arguments_cut(struct ria_arguments *arguments, size_t count);

/* Memory for a text of the arguments' own; they have one at most. NULL if there is none. */
char *ria_arguments_text(struct ria_arguments *arguments, size_t size);

/* The arguments of a call, with room for RIA_MORE_ARGUMENTS. False without memory. */
bool ria_arguments_of_call(const struct ria_call *call, struct ria_arguments *out);

/* Whether libpq refuses the call without a look at any file or network: a string that is not a
 * connection string. */
bool ria_arguments_are_none(const struct ria_call *call);

void ria_arguments_release(struct ria_arguments *arguments);

#endif
