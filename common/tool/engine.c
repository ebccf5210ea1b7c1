/* SPDX-License-Identifier: MIT
 *
 * The table of the values of --engine. Every command that has this option reads it here. */
#include "tool/engine.h"

#include <string.h>

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
