/* SPDX-License-Identifier: MIT
 *
 * If the program names no user, the client library determines the user itself (read_user_name() in
 * Connector/C's mariadb_lib.c, 3.1 to 3.4, and in MySQL's client.cc, 5.7 to 9.7). This file must
 * find the same user, and does so with one exception. If the process's user has no passwd entry,
 * Connector/C tries the terminal's login name before the environment; this file tries only the
 * environment. If the terminal's login name and the name in the environment differ, the token is
 * for the wrong user, and the server denies the login. */
#include "login_token.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* Returns the user name in the environment, or NULL. Used for a process whose user has no passwd
 * entry, as is common in containers. */
static const char *name_in_environment(const struct ria_world *world)
{
    static const char *const variables[] = {"USER", "LOGNAME", "LOGIN"};
    const char *name = NULL;
    for (size_t i = 0; name == NULL && i < sizeof(variables) / sizeof(variables[0]); i++) {
        name = ria_world_env(world, variables[i]);
    }
    return name;
}

bool ria_os_user(
    const struct ria_world *world,
    int (*login_name)(char *name, size_t size),
    char out[RIA_OS_USER_SIZE])
{
    char text[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    const char *name = NULL;
    if (geteuid() == 0) {
        name = "root";
    } else if (login_name != NULL && login_name(text, sizeof(text)) == 0) {
        name = text;
    } else if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found != NULL) {
        name = found->pw_name;
    } else {
        name = name_in_environment(world);
    }
    if (name == NULL || strlen(name) >= RIA_OS_USER_SIZE) {
        return false;
    }
    memcpy(out, name, strlen(name) + 1);
    return true;
}
