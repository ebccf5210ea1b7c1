/* SPDX-License-Identifier: MIT
 *
 * Recognizes libmariadb by the function mariadb_get_infov(), which no other library has. Recognizes
 * libmysqlclient by its version number, which must be 5.7 or 8.0 to 9.x. For every other version,
 * returns NULL. */
#include "preload/dialect.h"

#include <stddef.h>

enum {
    MYSQL_57 = 50700,
    MYSQL_58 = 50800,
    MYSQL_80 = 80000,
    MYSQL_END = 100000, /* MariaDB's version numbers begin here */

    /* Connector/C reports its own version. A copy that was built together with MariaDB's server may
     * report the server's version instead. MariaDB's server 11.4 contains Connector/C 3.4. */
    CONNECTOR_34 = 30400,
    SERVER_114 = 110400,
};

static const struct ria_dialect mariadb = {
    .name = "libmariadb",
    .is_mariadb = true,
    .plugin_dir = RIA_MARIADB_PLUGIN_DIR,
    .numbers = {
        [RIA_OPTION_CA] = 27,
        [RIA_OPTION_CA_PATH] = 28,
        [RIA_OPTION_VERIFY] = 21,
        [RIA_OPTION_SSL_MODE] = RIA_NO_OPTION,
        [RIA_OPTION_ENFORCE] = 38,
        [RIA_OPTION_FP] = 7001,
        [RIA_OPTION_FP_LIST] = 7002,
        [RIA_OPTION_PEER_FP] = 7006,
        [RIA_OPTION_PEER_FP_LIST] = 7007,
        [RIA_OPTION_PLUGIN_DIR] = 22,
        [RIA_OPTION_PROTOCOL] = 9,
        [RIA_OPTION_DEFAULT_FILE] = 4,
        [RIA_OPTION_DEFAULT_GROUP] = 5,
    }};

static const struct ria_dialect mysql_57 = {
    .name = "libmysqlclient 5.7",
    .plugin_dir = RIA_ORACLE_PLUGIN_DIR,
    .numbers = {
        [RIA_OPTION_CA] = 27,
        [RIA_OPTION_CA_PATH] = 28,
        [RIA_OPTION_VERIFY] = 21,
        [RIA_OPTION_SSL_MODE] = 42,
        [RIA_OPTION_ENFORCE] = 38,
        [RIA_OPTION_FP] = RIA_NO_OPTION,
        [RIA_OPTION_FP_LIST] = RIA_NO_OPTION,
        [RIA_OPTION_PEER_FP] = RIA_NO_OPTION,
        [RIA_OPTION_PEER_FP_LIST] = RIA_NO_OPTION,
        [RIA_OPTION_PLUGIN_DIR] = 22,
        [RIA_OPTION_PROTOCOL] = 9,
        [RIA_OPTION_DEFAULT_FILE] = 4,
        [RIA_OPTION_DEFAULT_GROUP] = 5,
    }};

static const struct ria_dialect mysql_80 = {
    .name = "libmysqlclient 8.0 to 9.x",
    .plugin_dir = RIA_ORACLE_PLUGIN_DIR,
    .numbers = {
        [RIA_OPTION_CA] = 21,
        [RIA_OPTION_CA_PATH] = 22,
        [RIA_OPTION_VERIFY] = RIA_NO_OPTION,
        [RIA_OPTION_SSL_MODE] = 35,
        [RIA_OPTION_ENFORCE] = RIA_NO_OPTION,
        [RIA_OPTION_FP] = RIA_NO_OPTION,
        [RIA_OPTION_FP_LIST] = RIA_NO_OPTION,
        [RIA_OPTION_PEER_FP] = RIA_NO_OPTION,
        [RIA_OPTION_PEER_FP_LIST] = RIA_NO_OPTION,
        [RIA_OPTION_PLUGIN_DIR] = 16,
        [RIA_OPTION_PROTOCOL] = 9,
        [RIA_OPTION_DEFAULT_FILE] = 4,
        [RIA_OPTION_DEFAULT_GROUP] = 5,
    }};

static unsigned long version_of(const struct ria_library *library)
{
    unsigned long (*get_version)(void);
    return ria_library_function(library, "mysql_get_client_version", &get_version) ? get_version()
                                                                                   : 0;
}

const struct ria_dialect *ria_dialect_of(const struct ria_library *library)
{
    void *unused;
    if (ria_library_function(library, "mariadb_get_infov", &unused)) {
        return &mariadb;
    }
    unsigned long version = version_of(library);
    if (version >= MYSQL_57 && version < MYSQL_58) {
        return &mysql_57;
    }
    return version >= MYSQL_80 && version < MYSQL_END ? &mysql_80 : NULL;
}

enum ria_client_option ria_dialect_option(const struct ria_dialect *dialect, int number)
{
    int option = 0;
    while (option < RIA_OPTIONS && dialect->numbers[option] != number) {
        option++;
    }
    return number == RIA_NO_OPTION ? RIA_OPTIONS : (enum ria_client_option)option;
}

bool ria_dialect_is_mariadb_34(const struct ria_dialect *dialect, const struct ria_library *library)
{
    unsigned long version = dialect->is_mariadb ? version_of(library) : 0;
    return (version >= CONNECTOR_34 && version < MYSQL_END) || version >= SERVER_114;
}
