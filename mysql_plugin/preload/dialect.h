/* SPDX-License-Identifier: MIT
 *
 * Which client library a loaded copy is, and the numbers that its mysql_options() gives to the
 * options that matter here. The numbers differ between libmariadb, libmysqlclient 5.7 (SONAME 20)
 * and libmysqlclient 8.0 and later (SONAMEs 21 and 24).
 *
 * The copy is recognised by its functions and by the version that it reports, not by its SONAME: a
 * vendor's build may have another one (libperconaserverclient.so.21), and libmariadb is installed
 * under the name of libmysqlclient on some systems. A library of an unknown version is left alone.
 *
 * From any thread.
 */
#ifndef RIA_MYSQL_PRELOAD_DIALECT_H
#define RIA_MYSQL_PRELOAD_DIALECT_H

#include "interpose/library.h"

/* The options that a program may set and that matter here. */
enum ria_client_option {
    RIA_OPTION_CA,            /* const char *: a file */
    RIA_OPTION_CA_PATH,       /* const char *: a directory */
    RIA_OPTION_VERIFY,        /* const char *: one byte, checks the server's name */
    RIA_OPTION_SSL_MODE,      /* const unsigned * */
    RIA_OPTION_ENFORCE,       /* const char *: one byte, whether TLS is used */
    RIA_OPTION_PLUGIN_DIR,    /* const char * */
    RIA_OPTION_PROTOCOL,      /* const unsigned * */
    RIA_OPTION_DEFAULT_FILE,  /* const char *: an option file that the library reads */
    RIA_OPTION_DEFAULT_GROUP, /* const char *: a group in it */
    RIA_OPTIONS,              /* their count; and any other option */
};

struct ria_dialect {
    bool is_mariadb;
    const char *plugin_dir;   /* our directory for this library */
    int numbers[RIA_OPTIONS]; /* RIA_NO_OPTION: the library does not have it */
};

enum {
    RIA_NO_OPTION = -1
};

/* The dialect of a copy; NULL for a library that is not known. */
const struct ria_dialect *ria_dialect_of(const struct ria_library *library);

/* Which option a program means by a number; RIA_OPTIONS for all others. */
enum ria_client_option ria_dialect_option(const struct ria_dialect *dialect, int number);

/* Whether the library is Connector/C 3.4 or later: where it is given a CA, it verifies the server
 * by itself, and for the addresses of the own machine the chain alone. */
bool ria_dialect_is_mariadb_34(
    const struct ria_dialect *dialect, const struct ria_library *library);

#endif
