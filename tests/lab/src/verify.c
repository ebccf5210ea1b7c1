/* SPDX-License-Identifier: MIT
 *
 * Client of the verifier. Protocol: the client sends three netstrings (resource id, database user,
 * token), and the verifier sends one line ("OK" or "NO"). */
#include "verify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* The verifier needs about a millisecond. The timeout protects the servers if the lab hangs. */
enum {
    VERIFIER_TIMEOUT_SECONDS = 10
};

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool send_netstring(int fd, const char *bytes, size_t len)
{
    char head[32];
    int head_len = snprintf(head, sizeof(head), "%zu:", len);
    return send_all(fd, head, (size_t)head_len) && send_all(fd, bytes, len) && send_all(fd, ",", 1);
}

static bool receive_line(int fd, char *line, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t more = recv(fd, line + got, size - got, 0);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more <= 0) {
            return false;
        }
        got += (size_t)more;
        char *end = memchr(line, '\n', got);
        if (end != NULL) {
            *end = '\0';
            return true;
        }
    }
    return false;
}

/* Connects to the verifier. Returns the socket. Returns -1 if the name is empty or too long, if no
 * verifier has this name, or on any other error. */
static int dial(const char *socket_name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(socket_name);
    if (len == 0 || len > sizeof(address.sun_path) - 1) {
        return -1;
    }
    memcpy(address.sun_path + 1, socket_name, len);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    struct timeval limit = {.tv_sec = VERIFIER_TIMEOUT_SECONDS};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
    if (connect(fd, (const struct sockaddr *)&address, size) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static enum rdslab_answer ask(int fd, const struct rdslab_login *login)
{
    char line[8];
    if (!send_netstring(fd, login->resource, strlen(login->resource)) ||
        !send_netstring(fd, login->user, strlen(login->user)) ||
        !send_netstring(fd, login->token, login->token_len) ||
        !receive_line(fd, line, sizeof(line))) {
        return RDSLAB_UNREACHABLE;
    }
    return strcmp(line, "OK") == 0 ? RDSLAB_ACCEPTED : RDSLAB_REFUSED;
}

enum rdslab_answer rdslab_verify(const char *socket_name, const struct rdslab_login *login)
{
    int fd = dial(socket_name);
    if (fd < 0) {
        return RDSLAB_UNREACHABLE;
    }
    enum rdslab_answer answer = ask(fd, login);
    (void)close(fd);
    return answer;
}
