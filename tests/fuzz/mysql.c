/* SPDX-License-Identifier: MIT
 *
 * The decisions of the MySQL plugins: which states of a connection lead to a token, to a password
 * or to a refusal. The plugin for Connector/C runs with a fake library (fake_mariadb.h), and the
 * plugin for Oracle's library with a block of memory in one of the layouts of the struct MYSQL.
 *
 * Input: bytes that select the state (struct state), then pieces: the cipher, the user, the
 * password.
 *
 * Properties:
 *   1. the plugin for Connector/C sends a token only over TCP and TLS with a cipher suite that
 *      encrypts and authenticates. The library must have verified the chain and the name. If the
 *      configuration sets tls = verify-ca, a verified chain is enough, if it ends at a CA that the
 *      client was given;
 *   2. the plugin for Oracle's library sends a token only over TCP and TLS with VERIFY_IDENTITY, as
 *      reported by every member that it reads;
 *   3. a password that is not a token is sent unchanged, or not at all. The plugin for Oracle's
 *      library sends it only over TLS, and only if the environment allows it;
 *   4. otherwise only an empty password is sent; a refusal has a message without a secret. */
#include "scratch.h"

#include "aws/token_text.h"
#include "fake_mariadb.h"
#include "layout.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int ria_mysql_authenticate(
    struct ria_mysql_vio *vio, struct ria_mysql *mysql, unsigned interface_version);

#define ENDPOINT "db.abc.eu-west-1.rds.amazonaws.com"

enum {
    MYSQL_SIZE = 2048,
    SENT_MAX = 65536,
    MYSQL_CLIENT_SSL = 1 << 11,
    MYSQL_VERIFY_IDENTITY = 1 << 30,
};

/* The state that the input selects: three bytes, of which bits are tested, and three pieces. */
struct state {
    unsigned what; /* bit 0: the plugin; 1 to 3: the host; 4 and 5: the configuration */
    unsigned flags;
    unsigned more;
    const char *host;
    const char *config;
    struct ria_buf cipher;
    struct ria_buf user;
    struct ria_buf password;
};

static bool bit(unsigned byte, unsigned index)
{
    return (byte >> index & 1U) != 0;
}

static const char *const hosts[] = {
    ENDPOINT,
    "127.0.0.1",
    "::1",
    "abc.dsql.us-east-1.on.aws",
    "g.global-abc.global.rds.amazonaws.com",
    "p.proxy-abc.us-east-1.rds.amazonaws.com",
    "mapped.example",
    NULL,
};

/* The configuration that RDS_IAM_CONFIG names. */
static const char *const configs[] = {
    "[mapped.example]\nendpoint = " ENDPOINT ":3306\n",
    "[mapped.example]\nendpoint = " ENDPOINT ":3306\ntls = verify-ca\n"
    "[127.0.0.1]\nendpoint = " ENDPOINT ":3306\ntls = verify-ca\n"
    "[::1]\nendpoint = " ENDPOINT ":3306\ntls = verify-ca\n",
    "[127.0.0.1]\nendpoint = " ENDPOINT ":3306\n[" ENDPOINT "]\ntls = verify-ca\n"
    "[mapped.example]\nendpoint = " ENDPOINT ":3306\n",
    "[mapped.example]\nnonsense = 1\n",
};

static void read_state(struct fuzz_input *input, struct state *out)
{
    out->what = fuzz_byte(input);
    out->flags = fuzz_byte(input);
    out->more = fuzz_byte(input);
    out->host = hosts[out->what >> 1 & 7U];
    out->config = configs[out->what >> 4 & 3U];
    struct ria_buf *const pieces[] = {&out->cipher, &out->user, &out->password};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        if (!fuzz_piece(input, pieces[i])) {
            fuzz_fill(pieces[i], "", 0);
        }
    }
}

static void use_config(const struct state *state)
{
    static const char *const names[] = {"config-0", "config-1", "config-2", "config-3"};
    RIA_AUTO(buf) text = {0};
    size_t index = state->what >> 4 & 3U;
    static const char *paths[sizeof(names) / sizeof(names[0])];
    if (paths[index] == NULL) {
        fuzz_fill(&text, state->config, strlen(state->config));
        paths[index] = fuzz_scratch_write(names[index], &text);
    }
    fuzz_require(setenv("RDS_IAM_CONFIG", paths[index], 1) == 0);
}

/* Returns whether the configuration accepts a verified chain for the host. */
static bool chain_suffices(const struct state *state)
{
    RIA_AUTO(buf) section = {.max = 256};
    ria_buf_addf(&section, "[%s]\n", state->host == NULL ? "" : state->host);
    const char *at = strstr(state->config, section.data);
    const char *end = at == NULL ? NULL : strstr(at + 1, "\n[");
    const char *tls = at == NULL ? NULL : strstr(at, "tls = verify-ca");
    return tls != NULL && (end == NULL || tls < end);
}

/* Checks what was sent, and whether a token may be sent. */
static void check_sent(
    const struct state *state,
    const char *sent,
    size_t len,
    bool may_send_token,
    bool may_send_password)
{
    const char *password = state->password.data;
    if (len == 0 || (len == 1 && *sent == '\0')) {
        return;
    }
    fuzz_require(sent[len - 1] == '\0' && strlen(sent) == len - 1);
    if (ria_is_token(sent)) {
        fuzz_require(may_send_token);
        fuzz_require(
            strcmp(sent, password) == 0 ||
            (strncmp(sent, ENDPOINT ":", strlen(ENDPOINT) + 1) == 0 ||
             strncmp(sent, "p.proxy-", 8) == 0));
        return;
    }
    fuzz_require(may_send_password && strcmp(sent, password) == 0);
}

/* -- Connector/C ----------------------------------------------------------------------------- */

static const char *const ciphers[] = {
    "TLS_AES_256_GCM_SHA384", "TLS_SHA256_SHA256", "ADH-AES256-SHA", "NULL-SHA256"};

static void set_up_mariadb(struct state *state, struct ria_fake_mariadb *fake)
{
    static char ca[] = "/ca.pem";
    ria_fake_mariadb_init(fake);
    fake->tls = bit(state->flags, 0);
    fake->is_verification_on = (char)bit(state->flags, 1);
    fake->option_result = bit(state->flags, 2) ? -1 : 0;
    fake->has_status = bit(state->flags, 3);
    fake->status = bit(state->flags, 4) ? state->more | 1U : 0;
    fake->mysql.options.ssl_ca = bit(state->flags, 5) ? ca : NULL;
    fake->mysql.options.ssl_capath = bit(state->flags, 6) ? ca : NULL;
    fake->tls_library = bit(state->flags, 7) ? "OpenSSL 3.0" : "GnuTLS 3.7";
    fake->pvio.type = bit(state->more, 0) ? RIA_MARIADB_SOCKET_UNIX : RIA_MARIADB_SOCKET_TCP;
    fake->cipher = state->cipher.len > 0 ? state->cipher.data : ciphers[state->more >> 1 & 3U];
    fake->default_auth = bit(state->more, 3) ? "mysql_clear_password" : NULL;
    fake->read_fails = bit(state->more, 4);
    fake->write_fails = bit(state->more, 5);
    fake->packet = bit(state->more, 6) ? "\xfe" : NULL;
    fake->mysql.host = (char *)(uintptr_t)state->host;
    fake->mysql.user = state->user.data;
    fake->mysql.passwd = bit(state->more, 7) ? NULL : state->password.data;
}

static bool may_send_token_mariadb(const struct state *state, const struct ria_fake_mariadb *fake)
{
    bool is_weak = strstr(fake->cipher, "NULL") != NULL || strstr(fake->cipher, "ANON") != NULL ||
                   strncmp(fake->cipher, "ADH-", 4) == 0 ||
                   strncmp(fake->cipher, "AECDH-", 6) == 0 ||
                   strcmp(fake->cipher, "TLS_SHA256_SHA256") == 0 ||
                   strcmp(fake->cipher, "TLS_SHA384_SHA384") == 0;
    if (fake->pvio.type != RIA_MARIADB_SOCKET_TCP || !fake->tls || is_weak) {
        return false;
    }
    bool has_ca = fake->mysql.options.ssl_ca != NULL || fake->mysql.options.ssl_capath != NULL;
    bool is_on = fake->is_verification_on != 0 && fake->option_result == 0;
    const char *host = state->host == NULL ? "" : state->host;
    bool is_own = strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
    if (fake->has_status && (!is_on || fake->status != 0)) {
        return false;
    }
    if (is_on && (has_ca || fake->has_status) && !is_own) {
        return true;
    }
    bool is_openssl = strncmp(fake->tls_library, "OpenSSL", 7) == 0;
    return has_ca && (is_on || is_openssl) && chain_suffices(state);
}

static void check_mariadb(struct state *state)
{
    struct ria_fake_mariadb *fake = calloc(1, sizeof(*fake));
    fuzz_require(fake != NULL);
    set_up_mariadb(state, fake);
    int result = ria_mariadb_authenticate(&fake->vio, &fake->mysql);
    fuzz_require(result == RIA_MARIADB_OK || result == RIA_MARIADB_ERROR);
    bool has_password = fake->mysql.passwd != NULL;
    if (fake->error_count == 0) {
        check_sent(
            state, fake->sent, fake->sent_len, may_send_token_mariadb(state, fake), has_password);
        fuzz_require(fake->packets == 1);
    } else {
        fuzz_require(result == RIA_MARIADB_ERROR && fake->error[0] != '\0');
        fuzz_require(!ria_is_token(fake->error));
        fuzz_require(strstr(fake->error, FUZZ_SECRET) == NULL);
        for (size_t i = 0; i < fake->sent_len; i++) {
            fuzz_require(fake->sent[i] == '\0');
        }
    }
    free(fake);
}

/* -- Oracle's library ------------------------------------------------------------------------ */

struct oracle {
    struct ria_mysql_vio vio;
    int socket;
    bool is_tcp;
    bool has_member; /* 9.x: the library reports whether TLS is on */
    bool is_established;
    char sent[SENT_MAX];
    size_t sent_len;
};

static int oracle_write(struct ria_mysql_vio *vio, const unsigned char *packet, int len)
{
    struct oracle *oracle = (struct oracle *)vio;
    fuzz_require(len > 0 && oracle->sent_len + (size_t)len <= SENT_MAX);
    memcpy(oracle->sent + oracle->sent_len, packet, (size_t)len);
    oracle->sent_len += (size_t)len;
    return 0;
}

static void oracle_info(struct ria_mysql_vio *vio, void *out)
{
    const struct oracle *oracle = (struct oracle *)vio;
    struct ria_mysql_vio_info *info = out;
    info->protocol = oracle->is_tcp ? RIA_MYSQL_PROTOCOL_TCP : 3;
    info->socket = oracle->socket;
    if (oracle->has_member) {
        info->is_tls_established = oracle->is_established ? 1 : 0;
    }
}

/* Returns a socket that is connected to a port of this machine. */
static int connected_socket(unsigned *port)
{
    static int fd;
    static struct sockaddr_in address = {.sin_family = AF_INET};
    if (fd == 0) {
        socklen_t len = sizeof(address);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        fuzz_require(
            bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
            listen(listener, 1) == 0 &&
            getsockname(listener, (struct sockaddr *)&address, &len) == 0 &&
            connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

/* The offsets of layout.c, for 8.0 and later, and for 5.7. */
static const struct {
    size_t connector_fd;
    size_t host;
    size_t user;
    size_t password;
    size_t port;
    size_t client_flag;
} offsets[] = {{664, 672, 680, 688, 800, 808}, {680, 688, 696, 704, 896, 904}};

static void put(unsigned char *mysql, size_t offset, const void *value, size_t size)
{
    memcpy(mysql + offset, value, size);
}

static void fill_mysql(
    const struct state *state, unsigned char *mysql, int fd, unsigned port, unsigned long flag)
{
    size_t at = bit(state->more, 3) ? 1 : 0;
    const void *connector = bit(state->flags, 0) ? mysql : NULL;
    const char *user = state->user.data;
    const char *password = bit(state->more, 7) ? NULL : state->password.data;
    int written_fd = bit(state->more, 4) ? fd + 1 : fd;
    unsigned written_port = bit(state->more, 5) ? port ^ 1U : port;
    put(mysql, 40, &written_fd, sizeof(written_fd));
    put(mysql, offsets[at].connector_fd, &connector, sizeof(connector));
    put(mysql, offsets[at].host, &state->host, sizeof(state->host));
    put(mysql, offsets[at].user, &user, sizeof(user));
    put(mysql, offsets[at].password, &password, sizeof(password));
    put(mysql, offsets[at].port, &written_port, sizeof(written_port));
    put(mysql, offsets[at].client_flag, &flag, sizeof(flag));
}

static void check_oracle(const struct state *state)
{
    unsigned port;
    struct oracle oracle = {
        .vio = {.write_packet = oracle_write, .info = oracle_info},
        .socket = connected_socket(&port),
        .is_tcp = !bit(state->more, 0),
        .has_member = bit(state->flags, 3),
        .is_established = bit(state->flags, 4),
    };
    unsigned char *mysql = calloc(1, MYSQL_SIZE);
    fuzz_require(mysql != NULL);
    unsigned long flag = (bit(state->flags, 1) ? MYSQL_VERIFY_IDENTITY : 0) |
                         (bit(state->flags, 2) ? MYSQL_CLIENT_SSL : 0);
    bool is_allowed = bit(state->flags, 5);
    fill_mysql(state, mysql, oracle.socket, port, flag);
    fuzz_require(
        is_allowed ? setenv("LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN", "1", 1) == 0
                   : unsetenv("LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN") == 0);
    int result = ria_mysql_authenticate(
        &oracle.vio, (struct ria_mysql *)mysql, bit(state->more, 6) ? 0x0200 : 0x0101);
    fuzz_require(result == RIA_MYSQL_OK || result == RIA_MYSQL_ERROR);
    bool has_tls = oracle.is_tcp && bit(state->flags, 0) && bit(state->flags, 2) &&
                   (!oracle.has_member || oracle.is_established) && !bit(state->more, 4) &&
                   !bit(state->more, 5);
    check_sent(
        state,
        oracle.sent,
        oracle.sent_len,
        has_tls && bit(state->flags, 1),
        has_tls && is_allowed);
    free(mysql);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_set;
    struct fuzz_input input = {data, size};
    struct state state = {0};
    if (!is_set) {
        fuzz_scratch_environment();
        is_set = true;
    }
    read_state(&input, &state);
    use_config(&state);
    if (bit(state.what, 0)) {
        check_oracle(&state);
    } else {
        check_mariadb(&state);
    }
    ria_buf_release(&state.cipher);
    ria_buf_release(&state.user);
    ria_buf_release(&state.password);
    return 0;
}
