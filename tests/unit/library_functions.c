/* SPDX-License-Identifier: MIT
 *
 * Functions of a client library, in a separate object that is built twice. `library_reader` reads
 * the variable MARIADB_TLS_DISABLE_PEER_VERIFICATION as Connector/C 3.4.2 does. `library_nonreader`
 * does not contain the variable's name. */
#include "library_functions.h"

#include <stdlib.h>

static char get_info(struct ria_mariadb *mysql, int value, void *out, ...)
{
    (void)mysql;
    (void)value;
    (void)out;
    return (char)-1; /* my_bool is char, which is unsigned on some processors */
}

static const char *get_ssl_cipher(struct ria_mariadb *mysql)
{
    (void)mysql;
    return "TLS_AES_256_GCM_SHA384";
}

static int get_option(struct ria_mariadb *mysql, int option, void *out, ...)
{
    (void)mysql;
    (void)option;
    (void)out;
    return -1;
}

static void set_error(
    struct ria_mariadb *mysql, unsigned code, const char *sqlstate, const char *format, ...)
{
    (void)mysql;
    (void)code;
    (void)sqlstate;
    (void)format;
}

static bool skips_verification(void)
{
#ifdef READS_VARIABLE
    return getenv("MARIADB_TLS_DISABLE_PEER_VERIFICATION") != NULL;
#else
    return false;
#endif
}

extern const struct ria_library_functions ria_library_functions;

__attribute__((visibility("default"))) const struct ria_library_functions ria_library_functions = {
    .get_info = get_info,
    .get_ssl_cipher = get_ssl_cipher,
    .get_option = get_option,
    .set_error = set_error,
    .skips_verification = skips_verification,
};
