/* SPDX-License-Identifier: MIT
 *
 * The exports of an object built from library_functions.c: functions that stand for those of a
 * client library.
 */
#ifndef RIA_UNIT_LIBRARY_FUNCTIONS_H
#define RIA_UNIT_LIBRARY_FUNCTIONS_H

#include "plugin.h"

struct ria_library_functions {
    char (*get_info)(struct ria_mariadb *mysql, int value, void *out, ...);
    const char *(*get_ssl_cipher)(struct ria_mariadb *mysql);
    int (*get_option)(struct ria_mariadb *mysql, int option, void *out, ...);
    void (*set_error)(
        struct ria_mariadb *mysql, unsigned code, const char *sqlstate, const char *format, ...);
    bool (*skips_verification)(void); /* whether this library itself would skip the verification in
                                         the present environment */
};

#endif
