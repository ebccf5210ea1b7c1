/* SPDX-License-Identifier: MIT
 *
 * Finds rds-iam-agent's default directory for passfiles, and lists the agent's own files in this
 * directory. The agent creates the directory, `rds-iam setup postgres` writes its path into an
 * entry, `rds-iam lint` rejects passfiles with reserved names, and the preload recognizes the
 * passfiles in this directory.
 */
#ifndef RIA_PASSFILE_AGENT_DIRECTORY_H
#define RIA_PASSFILE_AGENT_DIRECTORY_H

#include <stdbool.h>

struct ria_world;

#define RIA_AGENT_DIRECTORY "rds-iam/run" /* in $XDG_RUNTIME_DIR, else in ~/.cache */

#define RIA_AGENT_PID "agent.pid"
#define RIA_AGENT_LOG "agent.log"
#define RIA_AGENT_SOCKET "agent.socket"

/* The commands that start the agent of the user's runtime directory. RIA_USER_UNITS is empty if
 * systemd finds the unit by name. */
#define RIA_AGENT_START                                                                            \
    "systemctl --user enable --now " RIA_USER_UNITS                                                \
    "rds-iam-agent.service, or without systemd: rds-iam-agent"

/* Returns true if the name is empty or is the name of one of the agent's own files, so that no
 * passfile in the agent's directory can have this name. The agent also serves no passfile whose
 * name begins with a dot, but this function does not check for the dot. */
bool ria_agent_owns_name(const char *name);

struct ria_agent_directory {
    const char *base;  /* the runtime directory, or the home directory; borrowed from the world */
    const char *below; /* the rest of the path; the agent creates each component with mode 0700 */
    bool is_runtime;   /* in the runtime directory, which the user's systemd unit also uses */
};

/* Finds the directory: in $XDG_RUNTIME_DIR if the user owns that directory, else in the home
 * directory. Returns false if both are missing. Creates nothing. *out borrows from the world. */
bool ria_agent_find_directory(const struct ria_world *world, struct ria_agent_directory *out);

#endif
