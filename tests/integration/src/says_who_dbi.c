/* SPDX-License-Identifier: MIT
 *
 * usage: says_who_dbi DRIVER HOST PORT USER PASSWORD
 * Connects with libdbi's driver "mysql" or "pgsql", and prints the user that the server sees. */
#include <dbi/dbi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    dbi_inst instance = NULL;
    if (argc != 6 || dbi_initialize_r(NULL, &instance) < 1) {
        return 2;
    }
    dbi_conn connection = dbi_conn_new_r(argv[1], instance);
    (void)dbi_conn_set_option(connection, "host", argv[2]);
    (void)dbi_conn_set_option_numeric(connection, "port", (int)strtol(argv[3], NULL, 10));
    (void)dbi_conn_set_option(connection, "username", argv[4]);
    (void)dbi_conn_set_option(connection, "password", argv[5]);
    (void)dbi_conn_set_option(connection, "dbname", "shop");
    int status = EXIT_FAILURE;
    const char *error = "no row";
    dbi_result rows = NULL;
    if (dbi_conn_connect(connection) == 0) {
        rows = dbi_conn_query(connection, "select current_user");
    }
    if (rows != NULL && dbi_result_next_row(rows) == 1) {
        (void)puts(dbi_result_get_string_idx(rows, 1));
        status = EXIT_SUCCESS;
    } else {
        (void)dbi_conn_error(connection, &error);
        (void)fprintf(stderr, "ERROR %s\n", error);
    }
    dbi_conn_close(connection);
    dbi_shutdown_r(instance);
    return status;
}
