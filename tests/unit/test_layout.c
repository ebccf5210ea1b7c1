/* SPDX-License-Identifier: MIT
 *
 * Which connections of Oracle's client library the plugin recognizes. A block of memory stands for
 * MYSQL, and the socket's peer is a fake. tests/loader tests the members of a recognized connection
 * with real sockets. */
#include "layout.h"

#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    FD = 77,
    PORT = 3306,
    OLD_INTERFACE = 0x0101,
    NEW_INTERFACE = 0x0200,
    MYSQL_SIZE = 1024, /* more than the offsets need */
    /* The offsets that layout.c must find. */
    NET_FD = 40,
    NEW_PORT = 800,
    OLD_PORT = 896,
};

static struct {
    sa_family_t family; /* AF_UNSPEC: the socket has no peer */
    int protocol;
    int socket;
} fake;

/* The linker replaces getpeername() with this function. */
int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *len);
int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *len)
{
    const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    const void *from = fake.family == AF_INET    ? (const void *)&v4
                       : fake.family == AF_INET6 ? (const void *)&v6
                                                 : (const void *)&local;
    size_t size = fake.family == AF_INET    ? sizeof(v4)
                  : fake.family == AF_INET6 ? sizeof(v6)
                                            : sizeof(sa_family_t);
    assert_int_equal(fd, FD);
    if (fake.family == AF_UNSPEC) {
        errno = ENOTCONN;
        return -1;
    }
    assert_true(size <= *len);
    memcpy(address, from, size);
    *len = (socklen_t)size;
    return 0;
}

static void fake_info(struct ria_mysql_vio *vio, void *out)
{
    (void)vio;
    struct ria_mysql_vio_info *info = out;
    info->protocol = fake.protocol;
    info->socket = fake.socket;
}

/* Fills `memory` with a MYSQL that has these numbers. */
static struct ria_mysql *mysql_with(
    uint64_t memory[MYSQL_SIZE / sizeof(uint64_t)], int fd, unsigned new_port, unsigned old_port)
{
    char *bytes = (char *)memory;
    memset(bytes, 0, MYSQL_SIZE);
    memcpy(bytes + NET_FD, &fd, sizeof(fd));
    memcpy(bytes + NEW_PORT, &new_port, sizeof(new_port));
    memcpy(bytes + OLD_PORT, &old_port, sizeof(old_port));
    return (struct ria_mysql *)memory;
}

static void a_connection_must_match_exactly_one_layout(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        sa_family_t family;
        int protocol;
        int socket; /* the descriptor that the library reports */
        int fd;     /* the descriptor in MYSQL */
        unsigned new_port;
        unsigned old_port;
        unsigned interface_version;
        const char *want; /* the first measured version of the layout; NULL: not recognized */
    } rows[] = {
        {"IPv4", AF_INET, 1, FD, FD, PORT, 0, NEW_INTERFACE, "8.0.19"},
        {"IPv6", AF_INET6, 1, FD, FD, PORT, 0, NEW_INTERFACE, "8.0.19"},
        {"IPv6 and the old layout", AF_INET6, 1, FD, FD, 0, PORT, OLD_INTERFACE, "5.7.34"},
        {"8.0.25 has the old interface", AF_INET, 1, FD, FD, PORT, 0, OLD_INTERFACE, "8.0.19"},
        {"no new library has the old layout", AF_INET, 1, FD, FD, 0, PORT, NEW_INTERFACE, NULL},
        {"both layouts match", AF_INET, 1, FD, FD, PORT, PORT, OLD_INTERFACE, NULL},
        {"both match, but a new library cannot have the old one",
         AF_INET,
         1,
         FD,
         FD,
         PORT,
         PORT,
         NEW_INTERFACE,
         "8.0.19"},
        {"another port", AF_INET6, 1, FD, FD, PORT + 1, 1, OLD_INTERFACE, NULL},
        {"a Unix socket as the peer", AF_UNIX, 1, FD, FD, PORT, 0, NEW_INTERFACE, NULL},
        {"a Unix socket, and ports of 0", AF_UNIX, 1, FD, FD, 0, 0, NEW_INTERFACE, NULL},
        {"no peer", AF_UNSPEC, 1, FD, FD, PORT, 0, NEW_INTERFACE, NULL},
        {"a library that reports no TCP", AF_INET, 2, FD, FD, PORT, 0, NEW_INTERFACE, NULL},
        {"no socket", AF_INET, 1, -1, -1, PORT, 0, NEW_INTERFACE, NULL},
        {"another descriptor in MYSQL", AF_INET, 1, FD, FD + 1, PORT, 0, NEW_INTERFACE, NULL},
    };
    for_each_row(row, rows, row->name) {
        uint64_t memory[MYSQL_SIZE / sizeof(uint64_t)];
        struct ria_mysql_vio vio = {.info = fake_info};
        struct ria_mysql_connection connection = {0};
        fake.family = row->family;
        fake.protocol = row->protocol;
        fake.socket = row->socket;
        struct ria_mysql *mysql = mysql_with(memory, row->fd, row->new_port, row->old_port);
        bool is_known = ria_mysql_recognize(&vio, mysql, row->interface_version, &connection);
        expect_number(row->name, is_known, row->want != NULL);
        if (is_known && row->want != NULL) {
            expect_piece(row->name, connection.layout->hosts, row->want);
            expect_number(row->name, connection.port, PORT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_must_match_exactly_one_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
