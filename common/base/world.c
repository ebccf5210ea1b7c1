/* SPDX-License-Identifier: MIT
 *
 * Implements the functions that are the same for every world, on top of the members of struct
 * ria_world: variables, the home directory, files at default paths, logging and deadlines. A blank
 * variable counts as unset. */
#include "base/world.h"

#include "base/ascii.h"
#include "base/text.h"

const char *ria_world_env(const struct ria_world *world, const char *name)
{
    const char *value = world->env(world->self, name);
    if (value == NULL || ria_ascii_is_blank(value)) {
        return NULL;
    }
    return value;
}

const char *ria_world_home(const struct ria_world *world)
{
    const char *home = ria_world_env(world, "HOME");
    return home != NULL || world->home == NULL ? home : world->home(world->self);
}

enum ria_outcome ria_world_read(
    const struct ria_world *world,
    const char *path,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err)
{
    enum ria_outcome outcome = world->read_file(world->self, path, out, file, err);
    if (outcome == RIA_FOUND) {
        ria_world_log(world, RIA_LOG_DEBUG, "%s was read (%zu bytes)", path, out->len);
    } else {
        ria_world_log(world, RIA_LOG_DEBUG, "%s", err->text);
    }
    return outcome;
}

enum ria_outcome ria_world_read_default(
    const struct ria_world *world,
    const char *path,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err)
{
    enum ria_outcome outcome = ria_world_read(world, path, out, file, err);
    if (outcome != RIA_FAILED || err->code != RIA_E_UNREACHABLE) {
        return outcome;
    }
    ria_world_log(world, RIA_LOG_WARNING, "%s; until then, this path counts as missing", err->text);
    return RIA_ABSENT;
}

bool ria_world_logs(const struct ria_world *world, enum ria_log_level level)
{
    return world->log != NULL && level <= world->log_level;
}

void ria_world_log(const struct ria_world *world, enum ria_log_level level, const char *format, ...)
{
    if (!ria_world_logs(world, level)) {
        return;
    }
    char line[RIA_LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    (void)ria_text_format_args(line, sizeof(line), format, args);
    va_end(args);
    ria_printable(line);
    world->log(world->self, level, line);
}

struct ria_deadline ria_deadline_in(const struct ria_world *world, int64_t budget)
{
    struct ria_deadline deadline = {.at = world->ticks(world->self) + budget};
    return deadline;
}

int64_t ria_deadline_left(const struct ria_world *world, struct ria_deadline deadline)
{
    int64_t left = deadline.at - world->ticks(world->self);
    return left < 0 ? 0 : left;
}
