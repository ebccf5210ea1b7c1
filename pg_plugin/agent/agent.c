/* SPDX-License-Identifier: MIT
 *
 * Builds the agent's world (base/world.h), through which the core reads the clock, files and
 * credentials. Copies the world of the process, and replaces these functions: ticks(), read_file(),
 * read_facts(), fetch(), log(), uid() and is_privileged(). If agent->background is set, fetches
 * credentials in the background. Otherwise, a fetch blocks until it ends, at its deadline at the
 * latest. */
#include "agent/agent.h"

#include <stdlib.h>
#include <time.h>

/* Uses CLOCK_BOOTTIME, which also counts the time during which the machine sleeps. So a token that
 * was made before the sleep counts as old afterwards. */
static int64_t agent_get_ticks(void *self)
{
    (void)self;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return ((int64_t)now.tv_sec * 1000) + (now.tv_nsec / 1000000);
}

static enum ria_outcome agent_read_file(
    void *self, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    struct ria_agent *agent = self;
    return ria_config_snapshot_read(&agent->config, path, out, file, err);
}

static bool agent_read_facts(void *self, const char *path, struct ria_file *out)
{
    const struct ria_agent *agent = self;
    return ria_config_snapshot_facts(&agent->config, path, out);
}

static bool agent_fetch(
    void *self,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err)
{
    struct ria_agent *agent = self;
    if (agent->background == NULL) {
        const struct ria_world *world = ria_process_world();
        struct ria_deadline same =
            ria_deadline_in(world, ria_deadline_left(&agent->world, deadline));
        return world->fetch(world->self, request, same, response, err);
    }
    bool ok = ria_background_fetch(agent->background, request, deadline, response, err);
    agent->is_pending = agent->is_pending || (!ok && err->code == RIA_E_PENDING);
    return ok;
}

/* Logs a line of the core. While credentials are being fetched, drops warnings: the core then warns
 * that it could not renew the credentials, although the fetch has not failed. */
static void log_line(void *self, enum ria_log_level level, const char *line)
{
    struct ria_agent *agent = self;
    if (level != RIA_LOG_WARNING) {
        ria_log_detail(&agent->log, level, line);
    } else if (!agent->is_pending) {
        ria_log_warning(&agent->log, line);
    }
}

static uid_t agent_get_user(void *self)
{
    const struct ria_agent *agent = self;
    return agent->user;
}

static bool agent_is_privileged(void *self, uid_t *user)
{
    const struct ria_agent *agent = self;
    if (user != NULL) {
        *user = agent->user;
    }
    return agent->is_privileged;
}

void ria_agent_init(struct ria_agent *agent)
{
    const struct ria_world *process = ria_process_world();
    agent->world = *process;
    agent->user = process->uid(process->self);
    agent->is_privileged = process->is_privileged(process->self, NULL);
    agent->world.uid = agent_get_user;
    agent->world.is_privileged = agent_is_privileged;
    agent->world.self = agent;
    agent->world.ticks = agent_get_ticks;
    agent->world.read_file = agent_read_file;
    agent->world.read_facts = agent_read_facts;
    agent->world.fetch = agent_fetch;
    agent->world.log = log_line;
    agent->log.fd = 2;
    agent->log.clock = &agent->world;
    agent->directory.fd = -1;
    agent->directory.lock = -1;
}

int64_t ria_agent_now(const struct ria_agent *agent)
{
    return agent->world.now(agent->world.self);
}

int64_t ria_agent_ticks(const struct ria_agent *agent)
{
    return agent->world.ticks(agent->world.self);
}

void ria_agent_release(struct ria_agent *agent)
{
    ria_background_free(agent->background);
    agent->background = NULL;
    ria_config_snapshot_release(&agent->config);
    ria_log_release(&agent->log);
    ria_directory_release(&agent->directory);
    ria_session_forget();
}
