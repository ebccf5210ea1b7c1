/* SPDX-License-Identifier: MIT
 *
 * A module on libmariadb whose functions end with a jump to the library's functions. So the return
 * address that the library's function sees is an address in the caller of the module. */
#include <mysql.h>

__attribute__((visibility("default"))) MYSQL *pass_init(MYSQL *mysql);
__attribute__((visibility("default"))) void pass_close(MYSQL *mysql);

MYSQL *pass_init(MYSQL *mysql)
{
    return mysql_init(mysql);
}

void pass_close(MYSQL *mysql)
{
    mysql_close(mysql);
}
