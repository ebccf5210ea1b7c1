/* SPDX-License-Identifier: MIT
 *
 * Resolves a host name and connects over TCP. All attempts to connect have one time limit together.
 * The resolution of the name has no time limit. Tries the addresses in the resolver's order, as the
 * client libraries do, and reports the error of the last attempt. */
#include "probe/probe_program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    LIST_MAX = 1024
};

static int left_until(int64_t deadline)
{
    int64_t left = (deadline - probe_ticks()) / 1000;
    return left < 0 ? 0 : (int)left;
}

/* Returns whether a list of words, separated by spaces, contains a word. */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    while (*list != '\0') {
        size_t next = strcspn(list, " ");
        if (next == len && memcmp(list, word, len) == 0) {
            return true;
        }
        list += next;
        list += strspn(list, " ");
    }
    return false;
}

/* Prints all addresses of the host on one line, each once. */
static void print_addresses(const struct addrinfo *found)
{
    char list[LIST_MAX] = "";
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        char text[NI_MAXHOST];
        size_t len = strlen(list);
        bool is_new =
            getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) ==
                0 &&
            !has_word(list, text);
        if (is_new && len + strlen(text) + 2 < sizeof(list)) {
            (void)snprintf(list + len, sizeof(list) - len, "%s%s", len == 0 ? "" : " ", text);
        }
    }
    probe_print("addresses", "%s", list);
}

/* Waits until the connection is established. Returns 0, or the errno of the failure. */
static int finish(int fd, int64_t deadline)
{
    struct pollfd watched = {.fd = fd, .events = POLLOUT};
    int ready;
    do {
        ready = poll(&watched, 1, left_until(deadline));
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        return ETIMEDOUT;
    }
    int error = 0;
    socklen_t len = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

/* Connects to one address. Returns the socket, or -1 with *error set. */
static int connect_one(const struct addrinfo *address, int64_t deadline, int *error)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        *error = errno;
        return -1;
    }
    *error = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (*error == EINPROGRESS) {
        *error = finish(fd, deadline);
    }
    if (*error != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Makes the socket blocking, with a time limit for each read and write: the time that is left until
 * the deadline, but at least one second. */
static bool set_limits(int fd, int64_t deadline)
{
    int left = left_until(deadline);
    int timeout = left < 1000 ? 1000 : left;
    const struct timeval limit = {timeout / 1000, (timeout % 1000) * 1000L};
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0;
}

static int connect_any(const struct addrinfo *found, int timeout)
{
    int64_t begun = probe_ticks();
    int64_t deadline = begun + (int64_t)timeout * 1000;
    int error = 0;
    char text[NI_MAXHOST] = "?";
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        (void)getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
        int fd = connect_one(at, deadline, &error);
        if (fd >= 0 && set_limits(fd, deadline)) {
            probe_print("address", "%s", text);
            probe_print("tcp_us", "%lld", (long long)(probe_ticks() - begun));
            return fd;
        }
        if (fd >= 0) {
            error = errno;
            (void)close(fd);
        }
    }
    probe_print("address", "%s", text);
    probe_print("error_stage", "tcp");
    probe_print("error_code", "%d", error);
    probe_print("error", "%s", strerror(error));
    return -1;
}

int probe_connect(const char *host, const char *port, int timeout)
{
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int64_t begun = probe_ticks();
    int failure = getaddrinfo(host, port, &hints, &found);
    probe_print("dns_us", "%lld", (long long)(probe_ticks() - begun));
    if (failure != 0) {
        probe_print("error_stage", "dns");
        probe_print("error", "%s", failure == EAI_SYSTEM ? strerror(errno) : gai_strerror(failure));
        return -1;
    }
    if (found->ai_canonname != NULL) {
        probe_print("canonical", "%s", found->ai_canonname);
    }
    print_addresses(found);
    int fd = connect_any(found, timeout);
    freeaddrinfo(found);
    return fd;
}
