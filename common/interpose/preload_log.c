/* SPDX-License-Identifier: MIT
 *
 * Writes a preload's lines to the log of the process (os/guest_log.h), and remembers, before
 * main(), which file is the program's stderr. */
#include "interpose/preload_log.h"

#include "base/messages.h"
#include "base/text.h"
#include "interpose/next.h"
#include "os/guest_log.h"
#include "os/guest_stderr.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <unistd.h>

struct ria_stderr_file ria_stderr_at_start;

/* Runs before main(), so descriptor 2 is still the file that the program inherited. The plugins and
 * the other objects of rds-iam find ria_stderr_at_start by its symbol name. */
__attribute__((constructor(RIA_PRELOAD_FIRST))) static void record_at_start(void)
{
    int saved = errno;
    ria_stderr_inspect(&ria_stderr_at_start);
    errno = saved;
}

bool ria_preload_logs(enum ria_log_level level)
{
    struct ria_log_setting setting;
    return ria_guest_log_setting(&setting) && level <= setting.level;
}

void ria_preload_log(enum ria_log_level level, const char *text)
{
    ria_guest_log_write(level, text);
}

void ria_preload_log_library(
    const struct ria_library *library, const char *function, const char *recognized)
{
    char text[RIA_LOG_LINE_MAX];
    const struct link_map *map = NULL;
    if (!ria_preload_logs(RIA_LOG_DEBUG) ||
        dlinfo(library->handle, RTLD_DI_LINKMAP, (void *)&map) != 0 || map == NULL) {
        return;
    }
    (void)ria_text_format(
        text,
        sizeof(text),
        "%s is a function of %.700s, recognized as %s",
        function,
        map->l_name,
        recognized);
    ria_preload_log(RIA_LOG_DEBUG, text);
}

bool ria_preload_log_absent(struct ria_preload_part *part)
{
    char text[RIA_LOG_LINE_MAX];
    int saved = errno;
    bool is_absent = access(part->object, F_OK) != 0 && errno == ENOENT;
    errno = saved;
    if (is_absent && !__atomic_exchange_n(&part->is_logged, true, __ATOMIC_RELAXED)) {
        (void)ria_text_format(
            text,
            sizeof(text),
            RIA_MESSAGE_NOT_INSTALLED,
            part->object,
            part->consequence,
            part->package);
        ria_preload_log(RIA_LOG_WARNING, text);
    }
    return is_absent;
}
