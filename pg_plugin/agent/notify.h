/* SPDX-License-Identifier: MIT
 *
 * What systemd is told, by the protocol of sd_notify(3): one datagram to the socket that
 * $NOTIFY_SOCKET names. The protocol is documented and fixed; libsystemd would bring a compressor
 * and a dozen other things into a process that is about secrets.
 */
#ifndef RIA_AGENT_NOTIFY_H
#define RIA_AGENT_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct ria_notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t size;
    int64_t watchdog_ms; /* how often a sign of life is wanted; 0: never */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment, so
 * that no child speaks in our name. */
void ria_notify_open(struct ria_notify *notify);

/* Sends assignments, one a line: "READY=1". */
void ria_notify_send(const struct ria_notify *notify, const char *text);

void ria_notify_close(struct ria_notify *notify);

#endif
