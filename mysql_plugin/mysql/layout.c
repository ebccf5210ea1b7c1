/* SPDX-License-Identifier: MIT
 *
 * Lists the known layouts of the library's structure MYSQL, and decides which layout a connection
 * has. The descriptor in MYSQL has the same offset in all layouts, and must equal the descriptor of
 * the connection's socket. The port has another offset in each layout. The layout at whose offset
 * MYSQL contains the port of the socket's peer is the right one. Rejects a connection that matches
 * no layout, or more than one. */
#include "layout.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(sizeof(void *) == 8 && sizeof(unsigned long) == 8, "the offsets are those of LP64");

/* Measured with offsetof() on the headers of the named versions; 8.0 to 9.7 are identical. */
static const struct ria_mysql_layout layouts[] = {
    {
        .hosts = "8.0.19, 8.0.25, 8.1.0, 8.4.8, 9.7.4",
        .interface_last = UINT_MAX,
        .connector_fd = 664,
        .host = 672,
        .user = 680,
        .password = 688,
        .port = 800,
        .client_flag = 808,
        .last_errno = 132,
        .last_error = 137,
        .sqlstate = 649,
    },
    {
        .hosts = "5.7.34",
        .interface_last = 0x0101,
        .connector_fd = 680,
        .host = 688,
        .user = 696,
        .password = 704,
        .port = 896,
        .client_flag = 904,
        .last_errno = 144,
        .last_error = 151,
        .sqlstate = 663,
    },
};

enum {
    NET_FD = 40, /* net.fd, an int; the same offset in all layouts */
    LAST_ERROR_SIZE = 512,
};

/* A byte that no library writes as a boolean. This byte marks a member that the library did not
 * fill. */
static const unsigned char sentinel = 0xa5;

/* CLIENT_SSL_VERIFY_SERVER_CERT. The library sets this flag for VERIFY_IDENTITY; for an exception
 * in 5.7, see client_ssl. If the flag is set, a TLS handshake checks the host name, and the library
 * calls the plugin only if the check succeeds. Sources: client.cc of 5.7.34, 8.0.25 and 8.4.8;
 * measurements with the mysql commands of these versions and of 9.7.4. */
static const unsigned long verify_identity = 1UL << 30;

/* CLIENT_SSL. On each connection, the library computes this flag again when it has received the
 * server's greeting. The flag is 0 if the greeting does not offer TLS (cli_calculate_client_flag()
 * in client.c of 5.7.36 and client.cc of 8.0, 8.4 and 9.x). Neither a TLS context nor
 * verify_identity proves that TLS is on. A TLS context may be left over from an earlier connection
 * that failed. In 5.7, MYSQL_OPT_SSL_VERIFY_SERVER_CERT also sets verify_identity, but the ssl-mode
 * stays PREFERRED. The connection then continues in plain text if the server does not offer TLS. */
static const unsigned long client_ssl = 1UL << 11;

static void layout_read_at(const struct ria_mysql *mysql, size_t offset, void *out, size_t size)
{
    memcpy(out, (const char *)mysql + offset, size);
}

static const char *text_at(const struct ria_mysql *mysql, size_t offset)
{
    const char *text = NULL;
    layout_read_at(mysql, offset, &text, sizeof(text));
    return text;
}

/* Returns the port that a TCP socket is connected to, or 0 for any other descriptor. */
static unsigned peer_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t len = sizeof(address);
    if (getpeername(fd, &address.any, &len) != 0) {
        return 0;
    }
    switch (address.any.sa_family) {
    case AF_INET:
        return ntohs(address.v4.sin_port);
    case AF_INET6:
        return ntohs(address.v6.sin6_port);
    default:
        return 0;
    }
}

/* Returns the layout that allows this interface version, and at whose offset of the port *mysql
 * contains `port`. Returns NULL if no layout, or more than one, meets both conditions. */
static const struct ria_mysql_layout *find_layout(
    const struct ria_mysql *mysql, unsigned port, unsigned interface_version)
{
    const struct ria_mysql_layout *found = NULL;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        if (interface_version > layouts[i].interface_last) {
            continue;
        }
        unsigned port_there = 0;
        layout_read_at(mysql, layouts[i].port, &port_there, sizeof(port_there));
        if (port_there != port) {
            continue;
        }
        if (found != NULL) {
            return NULL; /* two layouts match, and nothing shows which is right */
        }
        found = &layouts[i];
    }
    return found;
}

/* Returns true only if every source that reports a TLS state reports that TLS is on. */
static bool has_tls(
    const struct ria_mysql *mysql,
    const struct ria_mysql_layout *layout,
    const struct ria_mysql_vio_info *info,
    unsigned long client_flag)
{
    bool is_reported = info->is_tls_established != sentinel;
    return text_at(mysql, layout->connector_fd) != NULL && (client_flag & client_ssl) != 0 &&
           (!is_reported || info->is_tls_established == 1);
}

bool ria_mysql_recognize(
    struct ria_mysql_vio *vio,
    struct ria_mysql *mysql,
    unsigned interface_version,
    struct ria_mysql_connection *out)
{
    struct ria_mysql_vio_info info;
    memset(&info, sentinel, sizeof(info));
    vio->info(vio, &info);
    int net_fd = -1;
    layout_read_at(mysql, NET_FD, &net_fd, sizeof(net_fd));
    if (info.protocol != RIA_MYSQL_PROTOCOL_TCP || info.socket < 0 || net_fd != info.socket) {
        return false;
    }
    unsigned port = peer_port(info.socket);
    const struct ria_mysql_layout *layout =
        port == 0 ? NULL : find_layout(mysql, port, interface_version);
    if (layout == NULL) {
        return false;
    }
    unsigned long client_flag = 0;
    layout_read_at(mysql, layout->client_flag, &client_flag, sizeof(client_flag));
    const char *user = text_at(mysql, layout->user);
    const char *password = text_at(mysql, layout->password);
    *out = (struct ria_mysql_connection){
        .mysql = mysql,
        .layout = layout,
        .host = text_at(mysql, layout->host),
        .user = user == NULL || *user == '\0' ? NULL : user,
        .password = password == NULL ? "" : password,
        .port = port,
        .has_tls = has_tls(mysql, layout, &info, client_flag),
        .is_verified = (client_flag & verify_identity) != 0,
    };
    return true;
}

void ria_mysql_set_error(
    const struct ria_mysql_connection *connection, unsigned code, const char *text)
{
    const struct ria_mysql_layout *layout = connection->layout;
    char *at = (char *)connection->mysql;
    memcpy(at + layout->last_errno, &code, sizeof(code));
    memcpy(at + layout->sqlstate, "HY000", sizeof("HY000"));
    (void)ria_text_copy(at + layout->last_error, LAST_ERROR_SIZE, text);
}
