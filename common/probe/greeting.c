/* SPDX-License-Identifier: MIT
 *
 * The messages before TLS. PostgreSQL: the client sends SSLRequest and reads one byte (PostgreSQL
 * documentation, "Message Flow", "SSL Session Encryption"). MySQL and MariaDB: the server sends its
 * handshake packet, and the client responds with a packet that contains only capabilities (MySQL
 * documentation, "Protocol::SSLRequest"). Reads exactly the bytes of these messages, because the
 * bytes after them belong to TLS. */
#include "probe/probe_program.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    GREETING_WAIT_MS = 1500, /* how long to wait for the first message of a MySQL server, which may
                                look up the client's name before it sends this message */
    PACKET_MAX = 1024,
    MYSQL_HEADER = 4,
    MYSQL_PROTOCOL = 10,
    MYSQL_CLIENT_SSL = 0x800,
    MYSQL_CLIENT_PROTOCOL_41 = 0x200,
    MYSQL_CLIENT_SECURE_CONNECTION = 0x8000,
    MYSQL_CLIENT_PLUGIN_AUTH = 0x80000,
    MYSQL_CHARSET_UTF8 = 33,
    MYSQL_ERROR = 0xff,
};

#define NOT_MYSQL "this is not a MySQL or MariaDB server"

static bool refuse(const char *what)
{
    probe_print("error_stage", "greeting");
    probe_print("error", "%s", what);
    return false;
}

static bool refuse_silence(ssize_t len)
{
    if (len == 0) {
        return refuse("the server closed the connection");
    }
    if (errno == EAGAIN) {
        probe_print("silent", "yes");
        return refuse("the server sent nothing");
    }
    return refuse(strerror(errno));
}

/* Reads exactly `size` bytes. Returns the result of the last recv() if fewer bytes arrive. */
static ssize_t read_exactly(int fd, unsigned char *out, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t len = recv(fd, out + done, size - done, 0);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len <= 0) {
            return len;
        }
        done += (size_t)len;
    }
    return (ssize_t)size;
}

/* -- PostgreSQL ------------------------------------------------------------------------------ */

static bool start_postgres(int fd)
{
    static const unsigned char ssl_request[] = {0, 0, 0, 8, 4, 210, 22, 47};
    unsigned char answer = 0;
    if (send(fd, ssl_request, sizeof(ssl_request), MSG_NOSIGNAL) != sizeof(ssl_request)) {
        return refuse(strerror(errno));
    }
    ssize_t len = recv(fd, &answer, 1, 0);
    if (len != 1) {
        return refuse_silence(len);
    }
    probe_print("engine", "postgres");
    if (answer != 'S' && answer != 'N') {
        return refuse(
            answer == 'E' ? "the server refuses connections now"
                          : "this is not a PostgreSQL server");
    }
    probe_print("tls", "%s", answer == 'S' ? "yes" : "no");
    return answer == 'S';
}

/* -- MySQL ----------------------------------------------------------------------------------- */

/* Reads a packet's payload and adds a zero byte. Returns the payload's length, or -1 on failure. */
static ssize_t read_packet(int fd, unsigned char *out, size_t size)
{
    unsigned char header[MYSQL_HEADER];
    ssize_t got = read_exactly(fd, header, sizeof(header));
    if (got != (ssize_t)sizeof(header)) {
        (void)refuse_silence(got);
        return -1;
    }
    size_t len = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
    if (len == 0 || len >= size) {
        (void)refuse(NOT_MYSQL);
        return -1;
    }
    got = read_exactly(fd, out, len);
    if (got != (ssize_t)len) {
        (void)refuse_silence(got);
        return -1;
    }
    out[len] = '\0';
    return (ssize_t)len;
}

/* Prints the error packet that the server sends in place of its handshake packet. For example, a
 * server that has no free connection sends the error 1040. */
static bool refuse_with_packet(const unsigned char *packet, ssize_t len)
{
    if (len < 3) {
        return refuse(NOT_MYSQL);
    }
    probe_print("engine", "mysql");
    probe_print("error_code", "%u", packet[1] | (unsigned)packet[2] << 8);
    return refuse((const char *)packet + 3);
}

/* Returns the capabilities in a handshake packet, or 0 if the packet is malformed. */
static uint32_t capabilities_of(const unsigned char *packet, size_t len)
{
    size_t version_len = strnlen((const char *)packet + 1, len - 1);
    /* After the version: thread id (4), salt (8), filler (1), capabilities (2). */
    size_t at = 1 + version_len + 1 + 4 + 8 + 1;
    return at + 2 > len ? 0 : packet[at] | (uint32_t)packet[at + 1] << 8;
}

static bool request_mysql_tls(int fd)
{
    const uint32_t flags = MYSQL_CLIENT_SSL | MYSQL_CLIENT_PROTOCOL_41 |
                           MYSQL_CLIENT_SECURE_CONNECTION | MYSQL_CLIENT_PLUGIN_AUTH;
    unsigned char packet[MYSQL_HEADER + 32] = {32, 0, 0, 1};
    for (unsigned i = 0; i < 4; i++) {
        packet[MYSQL_HEADER + i] = (unsigned char)(flags >> (8 * i));
    }
    packet[MYSQL_HEADER + 7] = 1; /* this byte makes the client's maximum packet size 16 MB */
    packet[MYSQL_HEADER + 8] = MYSQL_CHARSET_UTF8;
    return send(fd, packet, sizeof(packet), MSG_NOSIGNAL) == (ssize_t)sizeof(packet) ||
           refuse(strerror(errno));
}

static bool start_mysql(int fd)
{
    unsigned char packet[PACKET_MAX];
    ssize_t len = read_packet(fd, packet, sizeof(packet));
    if (len < 0) {
        return false;
    }
    if (packet[0] == MYSQL_ERROR) {
        return refuse_with_packet(packet, len);
    }
    if (packet[0] != MYSQL_PROTOCOL) {
        return refuse(NOT_MYSQL);
    }
    uint32_t capabilities = capabilities_of(packet, (size_t)len);
    bool has_tls = (capabilities & MYSQL_CLIENT_SSL) != 0;
    probe_print("engine", "mysql");
    probe_print("server_version", "%s", (const char *)packet + 1);
    probe_print("tls", "%s", has_tls ? "yes" : "no");
    return has_tls && request_mysql_tls(fd);
}

/* Finds out the engine: a MySQL server sends the first message, and a PostgreSQL server waits for
 * the client's first message. */
static enum probe_engine find_engine(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    return poll(&watched, 1, GREETING_WAIT_MS) > 0 ? PROBE_MYSQL : PROBE_POSTGRES;
}

bool probe_start_tls(int fd, enum probe_engine engine)
{
    if (engine == PROBE_UNKNOWN) {
        engine = find_engine(fd);
    }
    return engine == PROBE_MYSQL ? start_mysql(fd) : start_postgres(fd);
}
