/* SPDX-License-Identifier: MIT
 *
 * Tests memory whose layout the plugin does not know. The plugin must follow no pointer in this
 * memory, must not write to it or read beyond its end, and must send nothing. The memory ends at
 * the end of a page, and the next page is inaccessible. Also tests what the plugin reads from
 * info(), and when it counts a connection as encrypted. */
#include "login.h"

#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FD_AT = offsetof(struct ria_mysql_80, net.fd),
};

static struct ria_login_case where;
static struct ria_library library;
static struct ria_connection connection;
static int ours = -1;
static int theirs = -1;

static char host[] = RIA_RDS_HOST;
static char user[] = "etl";
static char none[] = "";

static size_t size_of_memory(void)
{
    return library.profile->has_57_layout ? sizeof(struct ria_mysql_57)
                                          : sizeof(struct ria_mysql_80);
}

static size_t port_at(void)
{
    return library.profile->has_57_layout ? offsetof(struct ria_mysql_57, port)
                                          : offsetof(struct ria_mysql_80, port);
}

/* Opens a connection for which the plugin sends a token. */
static void set_up(void)
{
    struct ria_dialed dialed = {
        .host = host,
        .user = user,
        .password = none,
        .port = where.port,
        .has_tls = true,
        .is_verified = true};
    ria_login_connect(&where, &ours, &theirs);
    ria_connection_open(&connection, library.profile, ours, &dialed);
}

static void tear_down(void)
{
    ria_connection_close(&connection);
    (void)close(ours);
    (void)close(theirs);
}

/* Calls the plugin directly, and returns its return value. */
static int call_shadow(void)
{
    const struct ria_declaration *shadow = ria_library_find(&library, "mysql_clear_password");
    size_t index = library.profile->interface >= 0x0200 ? 1 : 0;
    int (*authenticate)(struct ria_connection *, void *) =
        (int (*)(struct ria_connection *, void *))shadow->functions[index];
    return authenticate(&connection, connection.mysql);
}

static void expect_left_alone(const char *message)
{
    unsigned char before[sizeof(struct ria_mysql_57)];
    memcpy(before, connection.mysql, size_of_memory());
    errno = EDOM;
    expect_number(message, call_shadow(), 0);
    expect_number(message, errno, EDOM);
    expect_number(message, memcmp(before, connection.mysql, size_of_memory()), 0);
    expect_number(message, connection.packets + connection.reads, 0);
}

/* Expects that only the empty password of a rejected login has arrived. */
static void expect_nothing_sent(const char *message)
{
    char byte[2] = "x";
    expect_number(message, connection.packets, 1);
    expect_number(message, recv(theirs, byte, sizeof(byte), 0), 1);
    expect_number(message, byte[0], 0);
}

static void put(size_t offset, const void *value, size_t size)
{
    memcpy((char *)connection.mysql + offset, value, size);
}

static void in_each(void (*check)(const char *version))
{
    for (size_t i = 0; i < RIA_PROFILES; i++) {
        ria_library_start(&library, &ria_profiles[i]);
        assert_int_equal(ria_library_preload(&library, RIA_PLUGINS, RIA_SHADOWS), 1);
        check(ria_profiles[i].name);
        ria_library_end(&library);
    }
}

static void check_right(const char *version)
{
    set_up();
    expect_number(version, call_shadow(), -1);
    expect_number(version, connection.packets, 1);
    tear_down();
}

static void control_the_right_layout_gets_a_token(void **state)
{
    (void)state;
    in_each(check_right);
}

static void check_moved(const char *version)
{
    unsigned port = where.port;
    unsigned wrong = port ^ 1;
    int fd;
    set_up();
    put(port_at(), &wrong, sizeof(wrong));
    expect_left_alone(version);
    /* Puts the port at each wrong offset in turn, except that of the descriptor, as if members
     * before the port were added or removed. */
    for (size_t offset = 0; offset + sizeof(port) <= size_of_memory(); offset += sizeof(port)) {
        bool is_known =
            offset == offsetof(struct ria_mysql_80, port) ||
            (offset == offsetof(struct ria_mysql_57, port) && library.profile->interface < 0x0200);
        if (!is_known && (offset < FD_AT || offset >= FD_AT + sizeof(fd))) {
            unsigned char saved[sizeof(port)];
            memcpy(saved, (char *)connection.mysql + offset, sizeof(saved));
            put(offset, &port, sizeof(port));
            expect_left_alone(version);
            put(offset, saved, sizeof(saved));
        }
    }
    put(port_at(), &port, sizeof(port));
    for (fd = -1; fd < 3; fd++) {
        put(FD_AT, &fd, sizeof(fd));
        expect_left_alone(version);
    }
    put(FD_AT, &ours, sizeof(ours));
    expect_number(version, call_shadow(), -1);
    tear_down();
}

static void a_member_at_another_offset_is_rejected(void **state)
{
    (void)state;
    in_each(check_moved);
}

/* Both layouts match, so the plugin cannot tell which is right. Only rds_iam_v1 contains two
 * layouts.
 */
static void check_ambiguous(const char *version)
{
    unsigned port = where.port;
    set_up();
    put(offsetof(struct ria_mysql_80, port), &port, sizeof(port));
    put(offsetof(struct ria_mysql_57, port), &port, sizeof(port));
    if (library.profile->interface < 0x0200) {
        expect_left_alone(version);
    } else {
        expect_number(version, call_shadow(), -1);
    }
    tear_down();
}

static void two_matching_layouts_are_rejected(void **state)
{
    (void)state;
    in_each(check_ambiguous);
}

/* Fills the memory with random pointers and flags, and in every second round with the right
 * descriptor. Then fills it with each byte value. */
static void check_garbage(const char *version)
{
    uint64_t random = 88172645463325252U;
    set_up();
    for (int round = 0; round < 400; round++) {
        for (size_t at = 0; at + sizeof(random) <= size_of_memory(); at += sizeof(random)) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            put(at, &random, sizeof(random));
        }
        if (round % 2 == 0) {
            put(FD_AT, &ours, sizeof(ours));
        }
        expect_left_alone(version);
    }
    for (int byte = 0; byte < 256; byte++) {
        memset(connection.mysql, byte, size_of_memory());
        put(FD_AT, &ours, sizeof(ours));
        expect_left_alone(version);
    }
    tear_down();
}

static void garbage_is_left_alone(void **state)
{
    (void)state;
    in_each(check_garbage);
}

/* A library with the layout of 5.7 and the interface of 8.0. */
static void the_layout_of_another_version_is_rejected(void **state)
{
    (void)state;
    static const struct ria_profile mixed = {"0x0200 with 5.7's layout", 0x0200, true, false, ""};
    ria_library_start(&library, &mixed);
    assert_int_equal(ria_library_preload(&library, RIA_PLUGINS, RIA_SHADOWS), 1);
    set_up();
    expect_left_alone(mixed.name);
    tear_down();
    ria_library_end(&library);
}

static void check_sockets(const char *version)
{
    int pair[2];
    set_up();
    connection.protocol = RIA_PROTOCOL_SOCKET;
    expect_left_alone(version);
    for (int protocol = -1; protocol < 6; protocol++) {
        connection.protocol = protocol;
        if (protocol != RIA_PROTOCOL_TCP) {
            expect_left_alone(version);
        }
    }
    /* A Unix socket that info() reports as TCP has no port to compare. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    connection.protocol = RIA_PROTOCOL_TCP;
    connection.fd = pair[0];
    put(FD_AT, &pair[0], sizeof(pair[0]));
    expect_left_alone(version);
    unsigned nothing = 0;
    put(port_at(), &nothing, sizeof(nothing));
    expect_left_alone(version);
    (void)close(pair[0]);
    (void)close(pair[1]);
    expect_left_alone(version); /* the descriptor is closed */
    connection.fd = -1;
    put(FD_AT, &connection.fd, sizeof(connection.fd));
    expect_left_alone(version);
    tear_down();
}

static void a_connection_that_is_not_tcp_is_left_alone(void **state)
{
    (void)state;
    in_each(check_sockets);
}

/* TLS is reported by the TLS context, by a flag, and since 9.x by info(). If one of them reports no
 * TLS, the connection counts as not encrypted. */
static void check_tls(const char *version)
{
    unsigned char *nothing = NULL;
    size_t context_at = library.profile->has_57_layout
                            ? offsetof(struct ria_mysql_57, connector_fd)
                            : offsetof(struct ria_mysql_80, connector_fd);
    set_up();
    put(context_at, &nothing, sizeof(nothing));
    expect_number(version, call_shadow(), 0);
    expect_piece(version, ria_connection_error(&connection), "the connection is not encrypted");
    expect_nothing_sent(version);
    tear_down();
    unsigned long flags = RIA_CLIENT_SSL_VERIFY_SERVER_CERT;
    size_t flags_at = library.profile->has_57_layout ? offsetof(struct ria_mysql_57, client_flag)
                                                     : offsetof(struct ria_mysql_80, client_flag);
    set_up();
    put(flags_at, &flags, sizeof(flags));
    expect_number(version, call_shadow(), 0);
    expect_piece(version, ria_connection_error(&connection), "the connection is not encrypted");
    expect_nothing_sent(version);
    tear_down();
    set_up();
    connection.has_tls = false;
    bool is_refused = library.profile->reports_tls;
    expect_number(version, call_shadow(), is_refused ? 0 : -1);
    if (is_refused) {
        expect_nothing_sent(version);
    }
    tear_down();
}

static void one_source_that_reports_no_tls_is_enough(void **state)
{
    (void)state;
    in_each(check_tls);
}

/* Writes 2 as the third member, which is not a boolean. */
static void info_with_invalid_boolean(struct ria_connection *to, void *out)
{
    memcpy(out, &to->protocol, sizeof(int));
    memcpy((char *)out + sizeof(int), &to->fd, sizeof(int));
    ((unsigned char *)out)[2 * sizeof(int)] = 2;
}

static void check_nonsense(const char *version)
{
    set_up();
    connection.info = info_with_invalid_boolean;
    expect_number(version, call_shadow(), 0);
    expect_piece(version, ria_connection_error(&connection), "the connection is not encrypted");
    expect_nothing_sent(version);
    tear_down();
}

static void a_value_that_is_not_a_boolean_does_not_count_as_tls(void **state)
{
    (void)state;
    in_each(check_nonsense);
}

/* Writes 64 bytes, as a later version of the library may. */
static void info_with_later_members(struct ria_connection *to, void *out)
{
    memset(out, 1, 64);
    memcpy(out, &to->protocol, sizeof(int));
    memcpy((char *)out + sizeof(int), &to->fd, sizeof(int));
}

static void check_more(const char *version)
{
    set_up();
    connection.info = info_with_later_members;
    expect_number(version, call_shadow(), -1);
    tear_down();
}

static void there_is_room_for_members_of_later_versions(void **state)
{
    (void)state;
    in_each(check_more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_the_right_layout_gets_a_token),
        cmocka_unit_test(a_member_at_another_offset_is_rejected),
        cmocka_unit_test(two_matching_layouts_are_rejected),
        cmocka_unit_test(garbage_is_left_alone),
        cmocka_unit_test(the_layout_of_another_version_is_rejected),
        cmocka_unit_test(a_connection_that_is_not_tcp_is_left_alone),
        cmocka_unit_test(one_source_that_reports_no_tls_is_enough),
        cmocka_unit_test(a_value_that_is_not_a_boolean_does_not_count_as_tls),
        cmocka_unit_test(there_is_room_for_members_of_later_versions),
    };
    ria_login_environment();
    ria_login_listen(&where);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ria_login_close(&where);
    return failed;
}
