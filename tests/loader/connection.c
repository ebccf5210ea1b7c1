/* SPDX-License-Identifier: MIT
 *
 * Sets up a connection in memory, in either of the two layouts. The memory ends where an
 * inaccessible page begins, so a plugin that reads beyond it crashes. */
#include "library.h"
#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* The handshake sets CLIENT_SSL; the program's options set the other bit. */
static unsigned long flags_of(const struct ria_dialed *dialed)
{
    return (dialed->has_tls ? RIA_CLIENT_SSL : 0UL) |
           (dialed->is_verified ? RIA_CLIENT_SSL_VERIFY_SERVER_CERT : 0UL);
}

/* Works for both layouts, because these members have the same names in both. */
#define FILL(type, connection, dialed)                                                             \
    do {                                                                                           \
        static unsigned char context[1];                                                           \
        type *mysql = (connection)->mysql;                                                         \
        mysql->net.fd = (connection)->fd;                                                          \
        mysql->net.last_errno = 0;                                                                 \
        mysql->net.last_error[0] = '\0';                                                           \
        memcpy(mysql->net.sqlstate, "00000", sizeof("00000"));                                     \
        mysql->connector_fd = (dialed)->has_tls || (dialed)->has_old_context ? context : NULL;     \
        mysql->host = (dialed)->host;                                                              \
        mysql->user = (dialed)->user;                                                              \
        mysql->passwd = (dialed)->password;                                                        \
        mysql->port = (dialed)->port;                                                              \
        mysql->client_flag = flags_of(dialed);                                                     \
    } while (0)

#define MEMBER(connection, member)                                                                 \
    ((connection)->profile->has_57_layout ? ((struct ria_mysql_57 *)(connection)->mysql)->member   \
                                          : ((struct ria_mysql_80 *)(connection)->mysql)->member)

static int read_packet(struct ria_connection *connection, unsigned char **packet)
{
    (void)packet;
    connection->reads++;
    return -1;
}

static int write_packet(struct ria_connection *connection, const unsigned char *packet, int len)
{
    connection->packets++;
    return connection->send(connection, packet, (size_t)len);
}

static int send_bare(struct ria_connection *connection, const void *bytes, size_t len)
{
    return send(connection->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : 1;
}

/* Writes MYSQL_PLUGIN_VIO_INFO: two ints, and since 9.x also a bool. */
static void info(struct ria_connection *connection, void *out)
{
    memcpy(out, &connection->protocol, sizeof(int));
    memcpy((char *)out + sizeof(int), &connection->fd, sizeof(int));
    if (connection->profile->reports_tls) {
        memcpy((char *)out + (2 * sizeof(int)), &connection->has_tls, sizeof(bool));
    }
}

void ria_connection_dial(struct ria_connection *connection, const struct ria_dialed *dialed)
{
    connection->has_tls = dialed->has_tls;
    connection->protocol = dialed->is_unix_socket ? RIA_PROTOCOL_SOCKET : RIA_PROTOCOL_TCP;
    if (connection->profile->has_57_layout) {
        FILL(struct ria_mysql_57, connection, dialed);
    } else {
        FILL(struct ria_mysql_80, connection, dialed);
    }
}

void ria_connection_open(
    struct ria_connection *connection,
    const struct ria_profile *profile,
    int fd,
    const struct ria_dialed *dialed)
{
    memset(connection, 0, sizeof(*connection));
    connection->read_packet = read_packet;
    connection->write_packet = write_packet;
    connection->info = info;
    connection->send = send_bare;
    connection->profile = profile;
    connection->fd = fd;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size =
        profile->has_57_layout ? sizeof(struct ria_mysql_57) : sizeof(struct ria_mysql_80);
    connection->pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (connection->pages == MAP_FAILED ||
        mprotect((char *)connection->pages + page, page, PROT_NONE) != 0) {
        abort();
    }
    connection->mysql = (char *)connection->pages + page - size;
    ria_connection_dial(connection, dialed);
}

void ria_connection_close(struct ria_connection *connection)
{
    (void)munmap(connection->pages, 2 * (size_t)sysconf(_SC_PAGESIZE));
    connection->mysql = NULL;
}

unsigned ria_connection_errno(const struct ria_connection *connection)
{
    return MEMBER(connection, net.last_errno);
}

const char *ria_connection_error(const struct ria_connection *connection)
{
    return MEMBER(connection, net.last_error);
}

const char *ria_connection_sqlstate(const struct ria_connection *connection)
{
    return MEMBER(connection, net.sqlstate);
}

const char *ria_connection_password(const struct ria_connection *connection)
{
    return MEMBER(connection, passwd);
}

void ria_connection_set_error(
    struct ria_connection *connection, unsigned code, const char *sqlstate, const char *text)
{
    char *error = MEMBER(connection, net.last_error);
    char *state = MEMBER(connection, net.sqlstate);
    if (connection->profile->has_57_layout) {
        ((struct ria_mysql_57 *)connection->mysql)->net.last_errno = code;
    } else {
        ((struct ria_mysql_80 *)connection->mysql)->net.last_errno = code;
    }
    (void)snprintf(error, 512, "%s", text);
    (void)snprintf(state, 6, "%s", sqlstate);
}
