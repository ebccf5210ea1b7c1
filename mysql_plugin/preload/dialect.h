/* SPDX-License-Identifier: MIT
 *
 * Recognizes the client library to which a loaded copy belongs. Also determines the numbers that
 * the copy's mysql_options() uses for the options that the preload records or sets. The numbers
 * differ between libmariadb, libmysqlclient 5.7 (SONAME 20) and libmysqlclient 8.0 and later
 * (SONAMEs 21 and 24).
 *
 * These functions recognize a copy by its functions and by the version that it reports. They do not
 * use its SONAME: a vendor's build may have another SONAME (libperconaserverclient.so.21), and some
 * systems install libmariadb under the name of libmysqlclient. The preload sets nothing in a
 * library of an unknown version.
 *
 * Thread-safe.
 */
#ifndef RIA_MYSQL_PRELOAD_DIALECT_H
#define RIA_MYSQL_PRELOAD_DIALECT_H

#include "interpose/library.h"

/* The options that the preload records or sets. The comments name the type of the value. */
enum ria_client_option {
    RIA_OPTION_CA,       /* const char *: a file */
    RIA_OPTION_CA_PATH,  /* const char *: a directory */
    RIA_OPTION_VERIFY,   /* const char *: one byte, whether the server's name is verified */
    RIA_OPTION_SSL_MODE, /* const unsigned * */
    RIA_OPTION_ENFORCE,  /* const char *: one byte, whether TLS is used */
    RIA_OPTION_FP,       /* const char *: the fingerprint of the server's certificate; each
                            of the four options for fingerprints turns TLS on */
    RIA_OPTION_FP_LIST,  /* const char *: a file of fingerprints */
    RIA_OPTION_PEER_FP,  /* RIA_OPTION_FP and RIA_OPTION_FP_LIST under their newer names */
    RIA_OPTION_PEER_FP_LIST,
    RIA_OPTION_PLUGIN_DIR,    /* const char * */
    RIA_OPTION_PROTOCOL,      /* const unsigned * */
    RIA_OPTION_DEFAULT_FILE,  /* const char *: an option file that the library reads */
    RIA_OPTION_DEFAULT_GROUP, /* const char *: a group in that option file */
    RIA_OPTIONS, /* the number of these options; as a result of ria_dialect_option(): any other
                    option */
};

/* A client library, and the numbers of its options. */
struct ria_dialect {
    const char *name; /* for the log */
    bool is_mariadb;
    const char *plugin_dir;   /* rds-iam's plugin directory for this library */
    int numbers[RIA_OPTIONS]; /* RIA_NO_OPTION: the library does not have the option */
};

enum {
    RIA_NO_OPTION = -1
};

/* Returns the dialect of a copy, in static memory, or NULL for an unknown library. */
const struct ria_dialect *ria_dialect_of(const struct ria_library *library);

/* Returns the option that has this number in the dialect, or RIA_OPTIONS for any other number. */
enum ria_client_option ria_dialect_option(const struct ria_dialect *dialect, int number);

/* Returns true if the library is Connector/C 3.4 or later. If verification is on and a CA is set,
 * such a library verifies the certificate chain and the name of each server. For the hosts
 * 127.0.0.1 and ::1, it verifies only the chain. */
bool ria_dialect_is_mariadb_34(
    const struct ria_dialect *dialect, const struct ria_library *library);

#endif
