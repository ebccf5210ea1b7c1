/* SPDX-License-Identifier: MIT
 *
 * Which MySQL client library a program has in it, and whether it would load a plugin of ours: told
 * by the strings in the file, without running it.
 */
#ifndef RIA_TOOL_CLIENT_LIBRARY_H
#define RIA_TOOL_CLIENT_LIBRARY_H

enum ria_client_library {
    RIA_LIBRARY_LOADS,    /* MariaDB Connector/C that looks for mysql_clear_password.so */
    RIA_LIBRARY_BUILT_IN, /* MariaDB Connector/C that has it built in */
    RIA_LIBRARY_ORACLE,   /* libmysqlclient */
    RIA_LIBRARY_NONE,     /* none: a script, or a program that loads a library */
    RIA_LIBRARY_UNREADABLE,
};

enum ria_client_library ria_client_library_of(const char *path);

/* Calls `see` for the usual programs in `path` (as the variable PATH has it, or NULL) and the
 * libraries where systems have them, for each file once and only where there is a client library in
 * it. Stops where it returns other than 0. */
void ria_client_library_each(
    const char *path,
    int (*see)(const char *path, enum ria_client_library library, void *data),
    void *data);

#endif
