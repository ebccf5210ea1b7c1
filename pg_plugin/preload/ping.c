/* SPDX-License-Identifier: MIT
 *
 * Pings without tokens. PQping() begins an ordinary connection and sends the password that the
 * connection has. So this file always hides the passfile from libpq. If the program gives a token,
 * this file also removes the token from the arguments. If the settings cannot be resolved, makes no
 * ping.
 */
#include "preload/connect.h"

#include "preload/overlay.h"
#include "preload/probe.h"

#include "base/buf.h"
#include "rds_iam.h"

#include <sys/auxv.h>

/* A value of PGPing, which PQping() returns. */
enum {
    PQPING_NO_ATTEMPT = 3
};

static unsigned ping_params(
    const struct ria_library *libpq,
    const char *const *keywords,
    const char *const *values,
    int expand_dbname)
{
    unsigned (*real)(const char *const *, const char *const *, int);
    if (!ria_library_function(libpq, "PQpingParams", &real)) {
        return PQPING_NO_ATTEMPT;
    }
    ria_overlay_expect(keywords);
    return real(keywords, values, expand_dbname);
}

/* Pings with the program's own arguments. */
static unsigned make_ping(const struct ria_library *libpq, const struct ria_call *call)
{
    unsigned (*real)(const char *);
    if (call->kind == RIA_CALL_PARAMS) {
        return ping_params(libpq, call->keywords, call->values, call->expand_dbname);
    }
    if (!ria_library_function(libpq, call->name, &real)) {
        return PQPING_NO_ATTEMPT;
    }
    ria_overlay_expect(call->conninfo);
    return real(call->conninfo);
}

/* Resolves the settings, hides the passfile, removes a given token, and pings. */
static unsigned ping_without_tokens(const struct ria_library *libpq, const struct ria_call *call)
{
    static const char *const invalid_setting[] = {"target_session_attrs", NULL};
    RIA_AUTO(arguments) arguments = {0};
    RIA_AUTO(arguments) bare = {0};
    RIA_AUTO(pq_settings) settings = {0};
    if (ria_arguments_are_invalid(call)) {
        return make_ping(libpq, call);
    }
    if (!ria_arguments_of_call(call, &arguments) ||
        ria_probe(libpq, &arguments, invalid_setting[0], &settings) != RIA_PROBE_RESOLVED) {
        return PQPING_NO_ATTEMPT;
    }
    const char *passfile = ria_pq_settings_value(&settings, "passfile");
    ria_overlay_set(RIA_OVERLAY_PASS);
    if (passfile != NULL) {
        ria_overlay_serve(passfile, -1);
    }
    if (!ria_is_token(ria_pq_settings_value(&settings, "password"))) {
        return make_ping(libpq, call);
    }
    return ria_pq_settings_without_password(&settings, invalid_setting, &bare)
               ? ping_params(libpq, bare.keywords, bare.values, bare.expand_dbname)
               : PQPING_NO_ATTEMPT;
}

unsigned ria_ping(const struct ria_call *call)
{
    RIA_AUTO(library) libpq = {0};
    struct ria_overlay_call saved_call;
    if (!ria_library_find(call->name, call->caller, &libpq)) {
        return PQPING_NO_ATTEMPT;
    }
    if (getauxval(AT_SECURE) != 0) {
        return make_ping(&libpq, call);
    }
    ria_overlay_save(&saved_call);
    ria_overlay_set(RIA_OVERLAY_HIDE);
    unsigned response = ping_without_tokens(&libpq, call);
    ria_overlay_restore(&saved_call);
    return response;
}
