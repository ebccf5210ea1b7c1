/* SPDX-License-Identifier: MIT
 *
 * Chooses between XDG_RUNTIME_DIR and the home directory. Ignores an XDG_RUNTIME_DIR that the user
 * does not own. Creates nothing. */
#include "passfile/agent_directory.h"

#include "rds_iam.h"

#include <string.h>

bool ria_agent_owns_name(const char *name)
{
    static const char *const own[] = {"", RIA_AGENT_PID, RIA_AGENT_LOG, RIA_AGENT_SOCKET};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strcmp(name, own[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Returns XDG_RUNTIME_DIR if the user owns it, else NULL. In a shell that su(1) has started, the
 * variable is still set to the directory of the user who called su. */
static const char *own_runtime_directory(const struct ria_world *world)
{
    const char *path = ria_world_env(world, "XDG_RUNTIME_DIR");
    bool is_own = path != NULL && *path == '/' && world->is_own_directory(world->self, path);
    return is_own ? path : NULL;
}

bool ria_agent_find_directory(const struct ria_world *world, struct ria_agent_directory *out)
{
    const char *runtime = own_runtime_directory(world);
    if (runtime != NULL) {
        *out = (struct ria_agent_directory){runtime, RIA_AGENT_DIRECTORY, true};
        return true;
    }
    *out =
        (struct ria_agent_directory){ria_world_home(world), ".cache/" RIA_AGENT_DIRECTORY, false};
    return out->base != NULL;
}
