/* SPDX-License-Identifier: MIT
 *
 * What can be said about any world without knowing which one it is. */
#include "base/world.h"

#include "base/text.h"

#include <string.h>

const char *ria_world_env(const struct ria_world *world, const char *name)
{
    const char *value = world->env(world->self, name);
    if (value == NULL || value[strspn(value, " \t\r\n")] == '\0') {
        return NULL;
    }
    return value;
}

void ria_world_log(const struct ria_world *world, enum ria_log_level level, const char *format, ...)
{
    if (world->log == NULL) {
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
