/* SPDX-License-Identifier: MIT
 *
 * Converts a call of libpq, which has one of three forms, to the keyword and value arrays of
 * PQconnectdbParams(). A connection string is not parsed here: the whole string becomes the value
 * of dbname, which libpq expands. If the arrays are full, drops further arguments. */
#include "preload/arguments.h"

#include <stdlib.h>
#include <string.h>

bool ria_arguments_init(struct ria_arguments *arguments, size_t room, int expand_dbname)
{
    *arguments = (struct ria_arguments){.expand_dbname = expand_dbname, .room = room};
    arguments->keywords = calloc(room + 1, sizeof(*arguments->keywords));
    arguments->values = calloc(room + 1, sizeof(*arguments->values));
    return arguments->keywords != NULL && arguments->values != NULL;
}

void ria_arguments_add(struct ria_arguments *arguments, const char *keyword, const char *value)
{
    if (arguments->count < arguments->room) {
        arguments->keywords[arguments->count] = keyword;
        arguments->values[arguments->count++] = value;
    }
}

void ria_arguments_truncate(struct ria_arguments *arguments, size_t count)
{
    while (arguments->count > count) {
        arguments->count--;
        arguments->keywords[arguments->count] = NULL;
        arguments->values[arguments->count] = NULL;
    }
}

char *ria_arguments_text(struct ria_arguments *arguments, size_t size)
{
    arguments->text = malloc(size);
    return arguments->text;
}

void ria_arguments_release(struct ria_arguments *arguments)
{
    free(arguments->keywords);
    free(arguments->values);
    free(arguments->text);
    *arguments = (struct ria_arguments){0};
}

/* -- from a call to arguments ---------------------------------------------------------------- */

static bool arguments_of_params(const struct ria_call *call, struct ria_arguments *out)
{
    size_t count = 0;
    while (call->keywords != NULL && call->keywords[count] != NULL) {
        count++;
    }
    if (!ria_arguments_init(out, count + RIA_MORE_ARGUMENTS, call->expand_dbname)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        ria_arguments_add(out, call->keywords[i], call->values[i]);
    }
    return true;
}

/* Returns true if the text contains only characters of C's isspace(). */
static bool arguments_is_blank(const char *text)
{
    return text != NULL && text[strspn(text, " \t\r\n\f\v")] == '\0';
}

/* Detects a string that ria_arguments_of_call() must not convert. That function makes the string
 * the value of dbname. libpq expands such a value if it looks like a connection string: it contains
 * a '=', or begins with the scheme of a URI. libpq takes any other value of dbname as the name of a
 * database. But PQconnectdb(), which the program has called, rejects a string that is not a
 * connection string. */
bool ria_arguments_are_invalid(const struct ria_call *call)
{
    const char *text = call->conninfo;
    bool is_connection_string =
        text != NULL && (strchr(text, '=') != NULL || strncmp(text, "postgresql://", 13) == 0 ||
                         strncmp(text, "postgres://", 11) == 0);
    return call->kind == RIA_CALL_STRING && !arguments_is_blank(text) && !is_connection_string;
}

static bool arguments_of_string(const struct ria_call *call, struct ria_arguments *out)
{
    if (!ria_arguments_init(out, 1 + RIA_MORE_ARGUMENTS, 1)) {
        return false;
    }
    if (!arguments_is_blank(call->conninfo)) {
        ria_arguments_add(out, "dbname", call->conninfo);
    }
    return true;
}

/* Puts dbname first. dbname may be a connection string, and PQsetdbLogin() lets its other arguments
 * override the settings in that string. NULL in the table marks the two arguments that the loop
 * does not add: tty, which libpq ignores, and dbname, which is already added. */
static bool arguments_of_login(const struct ria_call *call, struct ria_arguments *out)
{
    static const char *const keywords[RIA_LOGIN_ARGUMENTS] = {
        "host", "port", "options", NULL, NULL, "user", "password"};
    if (!ria_arguments_init(out, RIA_LOGIN_ARGUMENTS + RIA_MORE_ARGUMENTS, 1)) {
        return false;
    }
    ria_arguments_add(out, "dbname", call->login[RIA_LOGIN_DBNAME]);
    for (size_t i = 0; i < RIA_LOGIN_ARGUMENTS; i++) {
        if (keywords[i] != NULL) {
            ria_arguments_add(out, keywords[i], call->login[i]);
        }
    }
    return true;
}

bool ria_arguments_of_call(const struct ria_call *call, struct ria_arguments *out)
{
    switch (call->kind) {
    case RIA_CALL_STRING:
        return arguments_of_string(call, out);
    case RIA_CALL_LOGIN:
        return arguments_of_login(call, out);
    case RIA_CALL_PARAMS:
    default:
        return arguments_of_params(call, out);
    }
}
