/* SPDX-License-Identifier: MIT
 *
 * The table of the values of --engine, which every command that has this option reads here, and the
 * default users of clients. */
#include "tool/engine.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

bool ria_engine_parse(const char *text, enum ria_engine *out)
{
    static const struct {
        const char *name;
        enum ria_engine engine;
    } names[] = {
        {"mysql", RIA_ENGINE_MYSQL},
        {"mariadb", RIA_ENGINE_MARIADB},
        {"postgres", RIA_ENGINE_POSTGRES},
        {"postgresql", RIA_ENGINE_POSTGRES},
        {"aurora-mysql", RIA_ENGINE_MYSQL}, /* the names that AWS gives to the engines of Aurora */
        {"aurora-postgresql", RIA_ENGINE_POSTGRES},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i].name) == 0) {
            *out = names[i].engine;
            return true;
        }
    }
    return false;
}

enum ria_engine ria_engine_protocol(enum ria_engine engine)
{
    return engine == RIA_ENGINE_MARIADB ? RIA_ENGINE_MYSQL : engine;
}

bool ria_engine_default_user(
    enum ria_engine engine, const struct ria_world *world, char out[RIA_DEFAULT_USER_SIZE])
{
    char text[1024];
    struct passwd entry;
    struct passwd *found = NULL;
    const char *user = engine == RIA_ENGINE_POSTGRES ? ria_world_env(world, "PGUSER") : NULL;
    if (user == NULL && getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 &&
        found != NULL) {
        user = found->pw_name;
    }
    return user != NULL && ria_text_copy(out, RIA_DEFAULT_USER_SIZE, user);
}
