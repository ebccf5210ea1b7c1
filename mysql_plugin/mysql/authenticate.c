/* SPDX-License-Identifier: MIT
 *
 * The order of decisions. The library calls it when the server asks for mysql_clear_password: for
 * every new connection, reconnect and change of user. */
#include "login_token.h"
#include "plugin.h"
#include "sentence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As the library's own plugin does: the text and its NUL. */
static int send_text(struct ria_mysql_vio *vio, const char *text, size_t len)
{
    return vio->write_packet(vio, (const unsigned char *)text, (int)len + 1) == 0 ? RIA_MYSQL_OK
                                                                                  : RIA_MYSQL_ERROR;
}

/* The library's own plugin lets this variable open it: load_env_plugins() in client_plugin.c of 5.7
 * and client_plugin.cc of 8.0 to 9.7, whose strchr() finds the NUL of an empty value, too. The
 * library reads it once, when it starts. The option of the same name is kept where no plugin can
 * see it. */
static bool is_password_allowed(void)
{
    const struct ria_world *world = ria_process_world();
    const char *value = world->env(world->self, "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN");
    return value != NULL && strchr("1Yy", value[0]) != NULL;
}

static void describe_login(
    const struct ria_mysql_connection *connection, enum ria_channel channel, struct ria_login *out)
{
    *out = (struct ria_login){
        .host = connection->host,
        .port = connection->port,
        .user = connection->user,
        .channel = channel,
    };
}

static int refuse_channel(
    struct ria_mysql_vio *vio,
    const struct ria_mysql_connection *connection,
    enum ria_channel channel,
    const char *what)
{
    char text[RIA_ERROR_TEXT_MAX];
    bool is_name = channel == RIA_CHANNEL_CHAIN_VERIFIED && !ria_host_is_rds(connection->host);
    ria_sentence_channel(
        text, channel, what, is_name ? RIA_REMEDY_MYSQL_TUNNEL : RIA_REMEDY_MYSQL_TLS);
    return ria_mysql_refuse(vio, connection, text);
}

/* The library's own plugin would send it in clear too. */
static int send_password(struct ria_mysql_vio *vio, const struct ria_mysql_connection *connection)
{
    if (!connection->has_tls) {
        return refuse_channel(vio, connection, RIA_CHANNEL_PLAIN, "password");
    }
    if (*connection->password != '\0') {
        struct ria_login login;
        describe_login(connection, RIA_CHANNEL_PLAIN, &login);
        ria_mint_log_password(&login, getlogin_r);
    }
    return send_text(vio, connection->password, strlen(connection->password));
}

/* VERIFY_CA and REQUIRED look the same from here: in both the name was not verified. */
static int refuse_token(struct ria_mysql_vio *vio, const struct ria_mysql_connection *connection)
{
    return refuse_channel(
        vio,
        connection,
        connection->has_tls ? RIA_CHANNEL_CHAIN_VERIFIED : RIA_CHANNEL_PLAIN,
        "token");
}

static enum ria_channel channel_of(const struct ria_mysql_connection *connection)
{
    if (!connection->has_tls) {
        return RIA_CHANNEL_PLAIN;
    }
    return connection->is_verified ? RIA_CHANNEL_VERIFIED : RIA_CHANNEL_UNVERIFIED;
}

static int finish(
    struct ria_mysql_vio *vio,
    const struct ria_mysql_connection *connection,
    struct ria_mint *mint,
    bool may_send_password)
{
    bool ran = ria_mint_run(mint);
    if (ran && mint->outcome == RIA_FOUND) {
        return mint->task == RIA_MINT_MAY_SEND
                   ? send_text(vio, connection->password, strlen(connection->password))
                   : send_text(vio, mint->token.text.data, mint->token.text.len);
    }
    if (ran && mint->is_unknown) {
        return may_send_password ? send_password(vio, connection)
                                 : ria_mysql_refuse_as_stock(connection, mint->err.text);
    }
    if (ran && mint->err.code == RIA_E_CHANNEL) {
        return refuse_token(vio, connection);
    }
    return ria_mysql_refuse(vio, connection, mint->err.text);
}

static int decide(struct ria_mysql_vio *vio, const struct ria_mysql_connection *connection)
{
    bool may_send_password = is_password_allowed();
    bool is_token = ria_is_token(connection->password);
    if (*connection->password != '\0' && !is_token) {
        /* Before any file is read: a broken configuration locks out no password account. */
        return may_send_password
                   ? send_password(vio, connection)
                   : ria_mysql_refuse_as_stock(connection, RIA_REFUSAL_MYSQL_PASSWORD);
    }
    struct ria_mint *mint = calloc(1, sizeof(*mint));
    if (mint == NULL) {
        return ria_mysql_refuse(vio, connection, RIA_REFUSAL_MEMORY);
    }
    mint->token = (struct ria_token)RIA_TOKEN_INIT;
    describe_login(connection, channel_of(connection), &mint->login);
    mint->task = is_token ? RIA_MINT_MAY_SEND : RIA_MINT_TOKEN;
    mint->only_known = !(is_token && may_send_password);
    mint->asks_dns = !may_send_password;
    mint->login_name = getlogin_r;
    int result = finish(vio, connection, mint, may_send_password);
    ria_token_release(&mint->token);
    free(mint);
    return result;
}

int ria_mysql_authenticate(
    struct ria_mysql_vio *vio, struct ria_mysql *mysql, unsigned interface_version)
{
    int saved = errno;
    int result = RIA_MYSQL_ERROR;
    struct ria_mysql_connection connection;
    if (ria_mysql_recognise(vio, mysql, interface_version, &connection)) {
        result = decide(vio, &connection);
    } else {
        ria_world_log(
            ria_process_world(),
            RIA_LOG_WARNING,
            "this is no TCP connection of a client library that is known, so nothing was sent");
    }
    errno = saved;
    return result;
}
