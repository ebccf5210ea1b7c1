/* SPDX-License-Identifier: MIT
 *
 * One call in the forms that libpq has for it. */
#include "preload/call.h"

#include "preload/overlay.h"

#include <stdio.h>
#include <string.h>

/* -- the program's call ---------------------------------------------------------------------- */

static struct ria_pq_conn *make_string_call(
    const struct ria_library *libpq, const char *name, const char *conninfo)
{
    struct ria_pq_conn *(*real)(const char *);
    if (!ria_library_function(libpq, name, &real)) {
        return NULL;
    }
    ria_overlay_expect(strcmp(name, "PQconnectdb") == 0 ? conninfo : NULL);
    return real(conninfo);
}

struct ria_pq_conn *ria_call_params(
    const struct ria_library *libpq,
    const char *name,
    const char *const *keywords,
    const char *const *values,
    int expand_dbname)
{
    struct ria_pq_conn *(*real)(const char *const *, const char *const *, int);
    if (!ria_library_function(libpq, name, &real)) {
        return NULL;
    }
    ria_overlay_expect(strcmp(name, "PQconnectdbParams") == 0 ? keywords : NULL);
    return real(keywords, values, expand_dbname);
}

static struct ria_pq_conn *make_login_call(
    const struct ria_library *libpq, const char *name, const char *const *login)
{
    struct ria_pq_conn *(*real)(
        const char *,
        const char *,
        const char *,
        const char *,
        const char *,
        const char *,
        const char *);
    if (!ria_library_function(libpq, name, &real)) {
        return NULL;
    }
    return real(login[0], login[1], login[2], login[3], login[4], login[5], login[6]);
}

struct ria_pq_conn *ria_call_make(const struct ria_library *libpq, const struct ria_call *call)
{
    switch (call->kind) {
    case RIA_CALL_STRING:
        return make_string_call(libpq, call->name, call->conninfo);
    case RIA_CALL_LOGIN:
        return make_login_call(libpq, call->name, call->login);
    case RIA_CALL_PARAMS:
    default:
        return ria_call_params(
            libpq, call->name, call->keywords, call->values, call->expand_dbname);
    }
}

/* -- the same call in the form of PQconnectdbParams() ---------------------------------------- */

static bool take_params(const struct ria_call *call, struct ria_arguments *out)
{
    size_t count = 0;
    while (call->keywords != NULL && call->keywords[count] != NULL) {
        count++;
    }
    if (!ria_arguments_init(out, count + RIA_PROBE_ARGUMENTS, call->expand_dbname)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        ria_arguments_add(out, call->keywords[i], call->values[i]);
    }
    return true;
}

static bool is_blank(const char *text)
{
    return text != NULL && text[strspn(text, " \t\r\n\f\v")] == '\0';
}

/* libpq takes dbname= for a connection string if it looks like one, and else for a name. */
bool ria_call_has_no_settings(const struct ria_call *call)
{
    const char *text = call->conninfo;
    bool is_connection_string =
        text != NULL && (strchr(text, '=') != NULL || strncmp(text, "postgresql://", 13) == 0 ||
                         strncmp(text, "postgres://", 11) == 0);
    return call->kind == RIA_CALL_STRING && !is_blank(text) && !is_connection_string;
}

static bool take_string(const struct ria_call *call, struct ria_arguments *out)
{
    if (!ria_arguments_init(out, 1 + RIA_PROBE_ARGUMENTS, 1)) {
        return false;
    }
    if (!is_blank(call->conninfo)) {
        ria_arguments_add(out, "dbname", call->conninfo);
    }
    return true;
}

/* dbname first: it may be a connection string, which the other arguments override. */
static bool take_login(const struct ria_call *call, struct ria_arguments *out)
{
    static const char *const keywords[RIA_LOGIN_ARGUMENTS] = {
        "host", "port", "options", NULL, NULL, "user", "password"};
    if (!ria_arguments_init(out, RIA_LOGIN_ARGUMENTS + RIA_PROBE_ARGUMENTS, 1)) {
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

bool ria_call_arguments(const struct ria_call *call, struct ria_arguments *out)
{
    switch (call->kind) {
    case RIA_CALL_STRING:
        return take_string(call, out);
    case RIA_CALL_LOGIN:
        return take_login(call, out);
    case RIA_CALL_PARAMS:
    default:
        return take_params(call, out);
    }
}

/* -- a call that is not made ----------------------------------------------------------------- */

/* An option's name is looked up before anything else (conninfo_array_parse(), 9.0 to 18). Before
 * that there were no arrays, and only a value can hold blanks. */
struct ria_pq_conn *ria_call_refuse(
    const struct ria_library *libpq, const struct ria_call *call, const char *why)
{
    const char *const keywords[] = {why, NULL};
    const char *const values[] = {"refused", NULL};
    char conninfo[RIA_CALL_REFUSAL_MAX + sizeof("sslmode=''")];
    void *params;
    if (ria_library_function(libpq, call->params, &params)) {
        return ria_call_params(libpq, call->params, keywords, values, 0);
    }
    (void)snprintf(conninfo, sizeof(conninfo), "sslmode='%s'", why);
    struct ria_call refused = *call;
    refused.conninfo = conninfo;
    memset(refused.login, 0, sizeof(refused.login));
    refused.login[RIA_LOGIN_DBNAME] = conninfo;
    return ria_call_make(libpq, &refused);
}
