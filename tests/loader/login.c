/* SPDX-License-Identifier: MIT
 *
 * Runs one login over loopback: connects, calls the library, collects what the plugin sent, and
 * checks the rules that every login follows. */
#include "login.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void ria_login_environment(void)
{
    static const char *const unset[] = {
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN",
        "RDS_IAM_CONFIG",
        "RDS_IAM_LOG",
        "XDG_CONFIG_HOME",
    };
    for (size_t i = 0; i < RIA_COUNT(unset); i++) {
        (void)unsetenv(unset[i]);
    }
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIALOADEREXAMPLE001", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "loader/Secret+Key/EXAMPLE000000000000001", 1);
    (void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    (void)setenv("HOME", "/nonexistent", 1);
}

void ria_login_listen(struct ria_login_case *login)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof(address);
    login->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(login->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(login->listener, 64), 0);
    assert_int_equal(getsockname(login->listener, (struct sockaddr *)&address, &len), 0);
    login->port = ntohs(address.sin_port);
}

void ria_login_close(struct ria_login_case *login)
{
    (void)close(login->listener);
}

void ria_login_connect(const struct ria_login_case *login, int *ours, int *theirs)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)login->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(*ours, (struct sockaddr *)&address, sizeof(address)), 0);
    *theirs = accept(login->listener, NULL, NULL);
    assert_true(*theirs >= 0);
}

void ria_login_collect(int ours, int theirs, struct ria_login_result *out)
{
    (void)close(ours);
    ssize_t len = 1;
    while (len > 0 && out->len < sizeof(out->received)) {
        len = recv(theirs, out->received + out->len, sizeof(out->received) - out->len, 0);
        out->len += len > 0 ? (size_t)len : 0;
    }
    assert_int_equal(len, 0);
    (void)close(theirs);
}

void ria_login_check(const char *message, const struct ria_login_result *outcome)
{
    if (outcome->ok) {
        expect_number(message, outcome->result, -1);
        expect_number(message, outcome->code, 0);
        expect_number(message, outcome->packets, 1);
        return;
    }
    expect_number(message, outcome->result > 1 ? 1 : 0, 0);
    expect(message, outcome->code != 0 && outcome->error[0] != '\0');
    expect_text(message, outcome->sqlstate, "HY000");
    size_t empty = outcome->code == 2061 ? 1 : 0;
    expect_number(message, outcome->packets, empty);
    expect_number(message, outcome->len, empty);
    expect_number(message, outcome->received[0], 0);
}

void ria_login_run(
    const struct ria_login_case *login,
    struct ria_library *library,
    const struct ria_dialed *dialed,
    struct ria_login_result *out)
{
    struct ria_dialed to = *dialed;
    struct ria_connection connection;
    int ours = -1;
    int theirs = -1;
    to.port = to.port == 0 ? login->port : to.port;
    ria_login_connect(login, &ours, &theirs);
    ria_connection_open(&connection, library->profile, ours, &to);
    memset(out, 0, sizeof(*out));
    errno = EDOM;
    out->ok = ria_library_authenticate(library, &connection, &out->result);
    assert_int_equal(errno, EDOM);
    assert_int_equal(connection.reads, 0);
    out->packets = connection.packets;
    out->code = ria_connection_errno(&connection);
    (void)snprintf(out->error, sizeof(out->error), "%s", ria_connection_error(&connection));
    (void)snprintf(
        out->sqlstate, sizeof(out->sqlstate), "%s", ria_connection_sqlstate(&connection));
    ria_connection_close(&connection);
    ria_login_collect(ours, theirs, out);
    ria_login_check(dialed->host, out);
}

void ria_login_expect_token(
    const char *message,
    const struct ria_login_result *outcome,
    const char *host,
    unsigned port,
    const char *user)
{
    char head[512];
    int head_len =
        snprintf(head, sizeof(head), "%s:%u/?Action=connect&DBUser=%s&", host, port, user);
    expect_text(message, outcome->error, "");
    expect(message, outcome->ok);
    expect(message, outcome->len > (size_t)head_len + 1);
    expect_number(message, strlen(outcome->received), outcome->len - 1);
    expect_number(message, strncmp(outcome->received, head, (size_t)head_len), 0);
    expect_piece(message, outcome->received, "&X-Amz-Signature=");
}

void ria_login_expect_refusal(
    const char *message, const struct ria_login_result *outcome, unsigned code, const char *text)
{
    char start[512];
    (void)snprintf(start, sizeof(start), "%.*s", (int)strlen(text), outcome->error);
    expect(message, !outcome->ok);
    expect_text(message, start, text);
    expect_number(message, outcome->code, code);
}
