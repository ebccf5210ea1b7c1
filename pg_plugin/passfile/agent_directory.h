/* SPDX-License-Identifier: MIT
 *
 * Where rds-iam-agent keeps passfiles unless it is told another directory, and the files there that
 * are its own. The agent makes the directory, `rds-iam setup postgres` writes its path into an
 * entry, `rds-iam lint` knows its names, and the preload knows the passfiles in it.
 */
#ifndef RIA_PASSFILE_AGENT_DIRECTORY_H
#define RIA_PASSFILE_AGENT_DIRECTORY_H

#include <stdbool.h>

struct ria_world;

#define RIA_AGENT_DIRECTORY "rds-iam/run" /* in $XDG_RUNTIME_DIR, else in ~/.cache */

#define RIA_AGENT_PID "agent.pid"
#define RIA_AGENT_LOG "agent.log"
#define RIA_AGENT_SOCKET "agent.socket"

/* Whether no passfile can have that name there, because a file of the agent's has it or it is
 * empty. (The agent serves no name that begins with a dot either.) */
bool ria_agent_owns_name(const char *name);

struct ria_agent_directory {
    const char *base;  /* the runtime directory, or the home; borrowed from the world */
    const char *below; /* the rest of the path: components that the agent makes, 0700 each */
    bool is_runtime;   /* where the user's own systemd unit keeps it */
};

/* Finds it: in $XDG_RUNTIME_DIR if that is a directory of the user's own (it stays set in a shell
 * of another user), else in the home. False if there is neither. */
bool ria_agent_find_directory(const struct ria_world *world, struct ria_agent_directory *out);

#endif
