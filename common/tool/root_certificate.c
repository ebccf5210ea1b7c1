/* SPDX-License-Identifier: MIT
 *
 * Told by the command's name and words. A script or a program of somebody's own is not looked into:
 * it may name a certificate in a place of its own. */
#include "tool/root_certificate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum client {
    POSTGRESQL,
    MYSQL,
    OTHER,
};

/* What the names of the clients' programs begin with. */
static const struct {
    const char *start;
    enum client client;
} names[] = {
    {"psql", POSTGRESQL},
    {"pg_", POSTGRESQL},
    {"pgbench", POSTGRESQL},
    {"mariadb", MYSQL},
    {"mysql", MYSQL},
};

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static enum client client_of(const char *name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (begins_with(name, names[i].start)) {
            return names[i].client;
        }
    }
    return OTHER;
}

static bool any_word_has(char *const *argv, const char *text)
{
    while (*argv != NULL && strstr(*argv, text) == NULL) {
        argv++;
    }
    return *argv != NULL;
}

/* -- PostgreSQL ------------------------------------------------------------------------------ */

/* Without a host there is no TLS: the connection goes to a Unix socket. */
static bool names_a_host(char *const *argv, const struct ria_world *world)
{
    bool found = ria_world_env(world, "PGHOST") != NULL ||
                 ria_world_env(world, "PGHOSTADDR") != NULL || any_word_has(argv, "host=") ||
                 any_word_has(argv, "hostaddr=") || any_word_has(argv, "://");
    for (; *argv != NULL && !found; argv++) {
        found = begins_with(*argv, "-h") || begins_with(*argv, "--host");
    }
    return found;
}

/* A connection string or a service entry may name a certificate, or do without one. */
static bool may_say_more(char *const *argv, const struct ria_world *world)
{
    return ria_world_env(world, "PGSERVICE") != NULL || any_word_has(argv, "service=") ||
           any_word_has(argv, "sslmode=") || any_word_has(argv, "sslrootcert=");
}

static bool is_verified(const struct ria_world *world)
{
    const char *mode = ria_world_env(world, "PGSSLMODE");
    return mode != NULL && (strcmp(mode, "verify-full") == 0 || strcmp(mode, "verify-ca") == 0);
}

static bool has_default(const char *home, char path[PATH_MAX])
{
    int len = home == NULL ? -1 : snprintf(path, PATH_MAX, "%s/.postgresql/root.crt", home);
    return len < 0 || len >= PATH_MAX || access(path, R_OK) == 0;
}

static void warn_of_none(const char *program, char *const *argv, const struct ria_world *world)
{
    char path[PATH_MAX];
    if (ria_world_env(world, "PGSSLROOTCERT") != NULL || !is_verified(world) ||
        !names_a_host(argv, world) || may_say_more(argv, world) ||
        has_default(ria_world_home(world), path)) {
        return;
    }
    ria_world_log(
        world,
        RIA_LOG_WARNING,
        "%s has no certificate to verify the server by: %s: %s; add --ca with Amazon's bundle, or "
        "set "
        "PGSSLROOTCERT",
        program,
        path,
        strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
}

/* -- both ------------------------------------------------------------------------------------ */

void ria_root_certificate_warn(char *const *argv, const char *ca, const struct ria_world *world)
{
    const char *program = base_name(argv[0]);
    enum client client = client_of(program);
    if (client == POSTGRESQL && ca == NULL) {
        warn_of_none(program, argv + 1, world);
    } else if (client == MYSQL && ca != NULL && !any_word_has(argv + 1, "ssl-ca")) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "--ca is for PostgreSQL, and %s does not see it; type --ssl-ca=FILE behind %s, or "
            "write "
            "ssl-ca=FILE into my.cnf",
            program,
            program);
    }
}
