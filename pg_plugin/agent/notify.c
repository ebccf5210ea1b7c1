/* SPDX-License-Identifier: MIT
 *
 * One datagram. */
#include "agent/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A path, or "@" and an abstract name. */
static bool find_address(struct ria_notify *notify, const char *name)
{
    size_t len = strlen(name);
    if ((*name != '/' && *name != '@') || len >= sizeof(notify->address.sun_path)) {
        return false;
    }
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, len);
    if (*name == '@') {
        notify->address.sun_path[0] = '\0';
    }
    notify->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

static int64_t watchdog_ms(void)
{
    const char *interval = secure_getenv("WATCHDOG_USEC");
    const char *pid = secure_getenv("WATCHDOG_PID");
    if (interval == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid())) {
        return 0;
    }
    long long value = strtoll(interval, NULL, 10);
    /* Twice as often as asked, so that one may be late. */
    return value <= 0 ? 0 : (int64_t)(value / 2000) + 1;
}

void ria_notify_open(struct ria_notify *notify)
{
    *notify = (struct ria_notify){.fd = -1};
    const char *name = secure_getenv("NOTIFY_SOCKET");
    if (name != NULL && find_address(notify, name)) {
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        notify->watchdog_ms = watchdog_ms();
    }
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void ria_notify_send(const struct ria_notify *notify, const char *text)
{
    if (notify->fd >= 0) {
        (void)!sendto(
            notify->fd,
            text,
            strlen(text),
            MSG_NOSIGNAL | MSG_DONTWAIT,
            (const struct sockaddr *)&notify->address,
            notify->size);
    }
}

void ria_notify_close(struct ria_notify *notify)
{
    if (notify->fd >= 0) {
        (void)close(notify->fd);
    }
    notify->fd = -1;
}
