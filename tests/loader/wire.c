/* SPDX-License-Identifier: MIT
 *
 * Implements the client side of the MySQL protocol: packets, TLS, and the two cases in which the
 * library calls a plugin: for the first handshake response, and after the server has asked to
 * switch to the plugin. */
#include "wire.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CAP_LONG_PASSWORD = 0x1,
    CAP_PROTOCOL_41 = 0x200,
    CAP_SSL = 0x800,
    CAP_TRANSACTIONS = 0x2000,
    CAP_SECURE_CONNECTION = 0x8000,
    CAP_PLUGIN_AUTH = 0x80000,
    CAP_LENENC_DATA = 0x200000,
    CAPABILITIES = CAP_LONG_PASSWORD | CAP_PROTOCOL_41 | CAP_TRANSACTIONS | CAP_SECURE_CONNECTION |
                   CAP_PLUGIN_AUTH | CAP_LENENC_DATA,
    CHARSET = 45,
    SCRAMBLE_SIZE = 20,
};

static const char clear_password[] = "mysql_clear_password";
static const char native_password[] = "mysql_native_password";

static bool fail(struct ria_wire *wire, unsigned code, const char *text)
{
    ria_connection_set_error(&wire->connection, code, "HY000", text);
    return false;
}

static bool fail_lost(struct ria_wire *wire)
{
    if (ria_connection_errno(&wire->connection) != 0) {
        return false;
    }
    return fail(wire, 2013, "Lost connection to MySQL server");
}

static bool put(struct ria_wire *wire, const unsigned char *bytes, size_t len)
{
    if (wire->ssl != NULL) {
        return SSL_write(wire->ssl, bytes, (int)len) == (int)len;
    }
    return send(wire->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool receive(struct ria_wire *wire, unsigned char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t got = wire->ssl != NULL ? SSL_read(wire->ssl, bytes, (int)len)
                                        : recv(wire->fd, bytes, len, 0);
        if (got <= 0) {
            return false;
        }
        bytes += got;
        len -= (size_t)got;
    }
    return true;
}

static bool write_packet(struct ria_wire *wire, const void *bytes, size_t len)
{
    unsigned char whole[4 + RIA_PACKET_MAX];
    if (len > RIA_PACKET_MAX) {
        return false;
    }
    whole[0] = (unsigned char)(len & 0xff);
    whole[1] = (unsigned char)(len >> 8 & 0xff);
    whole[2] = (unsigned char)(len >> 16 & 0xff);
    whole[3] = wire->sequence++;
    memcpy(whole + 4, bytes, len);
    return put(wire, whole, len + 4);
}

/* Reads one packet. Returns false with the connection's error set: that of an ERR packet, or "Lost
 * connection" if no valid packet arrives. */
static bool read_packet(struct ria_wire *wire)
{
    unsigned char head[4];
    wire->len = 0;
    if (!receive(wire, head, sizeof(head))) {
        return fail_lost(wire);
    }
    size_t len = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
    wire->sequence = (unsigned char)(head[3] + 1);
    if (len >= sizeof(wire->packet) || !receive(wire, wire->packet, len)) {
        return fail_lost(wire);
    }
    wire->packet[len] = '\0';
    wire->len = len;
    if (len > 9 && wire->packet[0] == 0xff) {
        char state[6];
        (void)snprintf(state, sizeof(state), "%.5s", (char *)wire->packet + 4);
        ria_connection_set_error(
            &wire->connection,
            (unsigned)wire->packet[1] | (unsigned)wire->packet[2] << 8,
            state,
            (char *)wire->packet + 9);
        return false;
    }
    return len > 0 && wire->packet[0] != 0xff ? true : fail_lost(wire);
}

static bool dial(struct ria_wire *wire)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[16];
    (void)snprintf(port, sizeof(port), "%u", wire->account->port);
    if (getaddrinfo(wire->account->host, port, &hints, &found) != 0) {
        return fail(wire, 2005, "Unknown MySQL server host");
    }
    wire->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = wire->fd >= 0 && connect(wire->fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    return ok ? true : fail(wire, 2003, "Can't connect to MySQL server");
}

static bool read_greeting(struct ria_wire *wire)
{
    if (!read_packet(wire)) {
        return false;
    }
    const unsigned char *at = wire->packet + 1;
    const unsigned char *end = wire->packet + wire->len;
    at += strlen((const char *)at) + 1 + 4;
    if (wire->packet[0] != 10 || end - at < 44) {
        return fail(wire, 2012, "Error in server handshake");
    }
    memcpy(wire->scramble, at, 8);
    wire->capabilities =
        (unsigned)at[9] | (unsigned)at[10] << 8 | (unsigned)at[14] << 16 | (unsigned)at[15] << 24;
    memcpy(wire->scramble + 8, at + 27, SCRAMBLE_SIZE - 8);
    (void)snprintf(wire->announced, sizeof(wire->announced), "%s", (const char *)at + 40);
    return true;
}

static bool fail_tls(struct ria_wire *wire)
{
    char text[512] = "SSL connection error: ";
    long verified = SSL_get_verify_result(wire->ssl);
    size_t len = strlen(text);
    if (verified != X509_V_OK) {
        (void)snprintf(
            text + len, sizeof(text) - len, "%s", X509_verify_cert_error_string(verified));
    } else {
        ERR_error_string_n(ERR_get_error(), text + len, sizeof(text) - len);
    }
    return fail(wire, 2026, text);
}

static size_t start_response(const struct ria_wire *wire, unsigned char *out)
{
    unsigned flags = CAPABILITIES | (wire->context != NULL ? CAP_SSL : 0);
    memset(out, 0, 32);
    memcpy(out, &flags, sizeof(flags));
    out[7] = 1; /* packets of up to 16 MB */
    out[8] = CHARSET;
    return 32;
}

static bool start_tls(struct ria_wire *wire)
{
    const struct ria_account *account = wire->account;
    unsigned char request[32];
    wire->context = SSL_CTX_new(TLS_client_method());
    if (wire->context == NULL ||
        (account->ssl_ca != NULL &&
         SSL_CTX_load_verify_locations(wire->context, account->ssl_ca, NULL) != 1)) {
        return fail(wire, 2026, "SSL connection error: no context");
    }
    size_t len = start_response(wire, request);
    if (!write_packet(wire, request, len)) {
        return fail_lost(wire);
    }
    SSL *ssl = SSL_new(wire->context);
    wire->ssl = ssl;
    if (account->ssl_mode >= RIA_SSL_VERIFY_CA) {
        SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    }
    if (account->ssl_mode >= RIA_SSL_VERIFY_IDENTITY) {
        (void)SSL_set1_host(ssl, account->host);
    }
    return SSL_set_fd(ssl, wire->fd) == 1 && SSL_connect(ssl) == 1 ? true : fail_tls(wire);
}

/* Fills the memory that plugins see with the current state of the handshake. */
static void fill_connection(struct ria_wire *wire)
{
    const struct ria_account *account = wire->account;
    const struct ria_dialed dialed = {
        .host = account->host,
        .user = account->user,
        .password = account->password,
        .port = account->port,
        .has_tls = wire->ssl != NULL,
        .is_verified = account->ssl_mode == RIA_SSL_VERIFY_IDENTITY,
    };
    wire->connection.fd = wire->fd;
    ria_connection_dial(&wire->connection, &dialed);
}

/* Computes SHA1(password) xor SHA1(scramble, SHA1(SHA1(password))). Returns the length of the
 * result, which is 0 for an empty password. */
static size_t native_response(
    const unsigned char *scramble, const char *password, unsigned char out[SCRAMBLE_SIZE])
{
    unsigned char once[SCRAMBLE_SIZE];
    unsigned char both[2 * SCRAMBLE_SIZE];
    if (*password == '\0') {
        return 0;
    }
    memcpy(both, scramble, SCRAMBLE_SIZE);
    (void)EVP_Digest(password, strlen(password), once, NULL, EVP_sha1(), NULL);
    (void)EVP_Digest(once, sizeof(once), both + SCRAMBLE_SIZE, NULL, EVP_sha1(), NULL);
    (void)EVP_Digest(both, sizeof(both), out, NULL, EVP_sha1(), NULL);
    for (size_t i = 0; i < SCRAMBLE_SIZE; i++) {
        out[i] ^= once[i];
    }
    return SCRAMBLE_SIZE;
}

static size_t add_text(unsigned char *out, const char *text)
{
    size_t len = strlen(text) + 1;
    memcpy(out, text, len);
    return len;
}

static bool send_response(
    struct ria_wire *wire, const char *plugin, const unsigned char *data, size_t data_len)
{
    unsigned char out[RIA_PACKET_MAX];
    if (data_len > RIA_PACKET_MAX / 2) {
        return false;
    }
    size_t len = start_response(wire, out);
    len += add_text(out + len, wire->account->user);
    if (data_len < 251) {
        out[len++] = (unsigned char)data_len;
    } else {
        out[len++] = 0xfc;
        out[len++] = (unsigned char)(data_len & 0xff);
        out[len++] = (unsigned char)(data_len >> 8);
    }
    memcpy(out + len, data, data_len);
    len += data_len;
    len += add_text(out + len, plugin);
    return write_packet(wire, out, len);
}

/* Sends what a plugin writes: inside the handshake response if that is not sent yet, else in a
 * packet of its own. */
static int send_for_plugin(struct ria_connection *connection, const void *bytes, size_t len)
{
    struct ria_wire *wire = connection->sender;
    if (wire->first_plugin == NULL) {
        return write_packet(wire, bytes, len) ? 0 : 1;
    }
    const char *plugin = wire->first_plugin;
    wire->first_plugin = NULL;
    return send_response(wire, plugin, bytes, len) ? 0 : 1;
}

static bool send_native(struct ria_wire *wire, const unsigned char *scramble, bool is_first)
{
    unsigned char response[SCRAMBLE_SIZE];
    size_t len = native_response(scramble, wire->account->password, response);
    bool ok = is_first ? send_response(wire, native_password, response, len)
                       : write_packet(wire, response, len);
    return ok ? true : fail_lost(wire);
}

static bool call_plugin(struct ria_wire *wire)
{
    int result = 0;
    return ria_library_authenticate(wire->library, &wire->connection, &result);
}

/* Handles each request to switch to another plugin, until the server accepts or rejects the login.
 */
static bool finish(struct ria_wire *wire)
{
    while (read_packet(wire)) {
        if (wire->packet[0] == 0) {
            return true;
        }
        const char *plugin = (const char *)wire->packet + 1;
        size_t data_at = strlen(plugin) + 2;
        if (wire->packet[0] == 0xfe && strcmp(plugin, clear_password) == 0) {
            if (!call_plugin(wire)) {
                return false;
            }
        } else if (
            wire->packet[0] == 0xfe && strcmp(plugin, native_password) == 0 &&
            wire->len >= data_at + SCRAMBLE_SIZE) {
            if (!send_native(wire, wire->packet + data_at, false)) {
                return false;
            }
        } else {
            return fail(wire, 2059, "Authentication plugin cannot be loaded: no such file");
        }
    }
    return false;
}

bool ria_wire_connect(
    struct ria_wire *wire, struct ria_library *library, const struct ria_account *account)
{
    memset(wire, 0, sizeof(*wire));
    const struct ria_dialed nobody = {.port = account->port};
    wire->fd = -1;
    wire->library = library;
    wire->account = account;
    ria_connection_open(&wire->connection, library->profile, -1, &nobody);
    wire->connection.send = send_for_plugin;
    wire->connection.sender = wire;
    if (!dial(wire) || !read_greeting(wire)) {
        return false;
    }
    bool has_tls = (wire->capabilities & CAP_SSL) != 0;
    if (account->ssl_mode >= RIA_SSL_REQUIRED && !has_tls) {
        return fail(
            wire, 2026, "SSL connection error: SSL is required but the server doesn't support it");
    }
    if (account->ssl_mode != RIA_SSL_DISABLED && has_tls && !start_tls(wire)) {
        return false;
    }
    fill_connection(wire);
    const char *first = account->default_auth != NULL ? account->default_auth : wire->announced;
    bool is_clear = strcmp(first, clear_password) == 0;
    wire->first_plugin = is_clear ? clear_password : NULL;
    bool ok = is_clear ? call_plugin(wire) : send_native(wire, wire->scramble, true);
    wire->is_in = ok && finish(wire);
    return wire->is_in;
}

bool ria_wire_change_user(struct ria_wire *wire, const struct ria_account *account)
{
    unsigned char out[1024];
    unsigned char response[SCRAMBLE_SIZE];
    size_t len = 0;
    wire->account = account;
    wire->sequence = 0;
    fill_connection(wire);
    out[len++] = 0x11;
    len += add_text(out + len, account->user);
    size_t response_len = native_response(wire->scramble, account->password, response);
    out[len++] = (unsigned char)response_len;
    memcpy(out + len, response, response_len);
    len += response_len;
    len += add_text(out + len, "");
    out[len++] = CHARSET;
    out[len++] = 0;
    len += add_text(out + len, native_password);
    return write_packet(wire, out, len) ? finish(wire) : fail_lost(wire);
}

bool ria_wire_query(struct ria_wire *wire, const char *query, char *out, size_t size)
{
    unsigned char command[1024];
    command[0] = 3;
    size_t len = 1 + strlen(query);
    (void)snprintf((char *)command + 1, sizeof(command) - 1, "%s", query);
    wire->sequence = 0;
    if (!write_packet(wire, command, len)) {
        return fail_lost(wire);
    }
    /* Reads the column count, one column definition and an EOF packet, then the row. */
    for (int i = 0; i < 4; i++) {
        if (!read_packet(wire)) {
            return false;
        }
        if (i == 0 && wire->packet[0] == 0) {
            *out = '\0'; /* OK without a result set: a scripted peer */
            return true;
        }
    }
    (void)snprintf(out, size, "%.*s", (int)wire->packet[0], (const char *)wire->packet + 1);
    return read_packet(wire);
}

void ria_wire_close(struct ria_wire *wire)
{
    static const unsigned char quit[] = {1};
    if (wire->is_in) {
        wire->sequence = 0;
        (void)write_packet(wire, quit, sizeof(quit));
    }
    if (wire->fd >= 0) {
        if (wire->ssl != NULL) {
            (void)SSL_shutdown(wire->ssl);
        }
        (void)close(wire->fd);
    }
    SSL_free(wire->ssl);
    SSL_CTX_free(wire->context);
    ria_connection_close(&wire->connection);
}
