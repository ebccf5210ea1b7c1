/* SPDX-License-Identifier: MIT
 *
 * Responds to a server that asks for mysql_clear_password: on each new connection, reconnect and
 * change of user. Checks the password first, then the host, then the channel. Sends a token if all
 * three allow a token. The channel allows a token if TLS is on and the library has verified the
 * server with VERIFY_IDENTITY. Sends a password only over TLS, and only if the environment allows
 * passwords. Refuses every other login with a message. */
#include "login_token.h"
#include "message.h"
#include "plugin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sends the text and its NUL, as the library's own plugin does. */
static int send_text(struct ria_mysql_vio *vio, const char *text, size_t len)
{
    return vio->write_packet(vio, (const unsigned char *)text, (int)len + 1) == 0 ? RIA_MYSQL_OK
                                                                                  : RIA_MYSQL_ERROR;
}

/* Returns true if LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN allows passwords. The rule is that of the
 * library's own plugin (load_env_plugins() in client_plugin.c of 5.7 and client_plugin.cc of 8.0 to
 * 9.7). An empty value allows passwords, because strchr() also finds the NUL of an empty value. The
 * library reads the variable once, when it starts. The option --enable-cleartext-plugin is stored
 * where no plugin can read it. */
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
        .is_mysql = true,
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
    ria_message_channel(
        text, channel, what, is_name ? RIA_REMEDY_MYSQL_TUNNEL : RIA_REMEDY_MYSQL_TLS);
    return ria_mysql_refuse(vio, connection, text);
}

/* Sends the program's own password, but only over TLS; the library's own plugin would also send it
 * without TLS. */
static int send_password(struct ria_mysql_vio *vio, const struct ria_mysql_connection *connection)
{
    if (!connection->has_tls) {
        return refuse_channel(vio, connection, RIA_CHANNEL_PLAIN, "password");
    }
    if (*connection->password != '\0') {
        struct ria_login login;
        describe_login(connection, RIA_CHANNEL_PLAIN, &login);
        ria_login_token_log_password(&login, getlogin_r);
    }
    return send_text(vio, connection->password, strlen(connection->password));
}

/* Refuses to send a token, with a message about the channel. The plugin cannot tell VERIFY_CA from
 * REQUIRED; the message says that the name was not verified, which is true in both modes. */
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

static int mysql_authenticate_finish(
    struct ria_mysql_vio *vio,
    const struct ria_mysql_connection *connection,
    struct ria_login_token *login_token,
    bool may_send_password)
{
    bool ran = ria_login_token_run(login_token);
    if (ran && login_token->outcome == RIA_FOUND) {
        return login_token->task == RIA_LOGIN_MAY_SEND
                   ? send_text(vio, connection->password, strlen(connection->password))
                   : send_text(vio, login_token->token.text.data, login_token->token.text.len);
    }
    if (ran && login_token->lacks_endpoint) {
        return may_send_password ? send_password(vio, connection)
                                 : ria_mysql_refuse_as_stock(connection, login_token->err.text);
    }
    if (ran && login_token->err.code == RIA_E_CHANNEL) {
        return refuse_token(vio, connection);
    }
    return ria_mysql_refuse(vio, connection, login_token->err.text);
}

/* Decides whether to send a password, to send a token or to refuse the login, and carries out the
 * decision. */
static int send_or_refuse(struct ria_mysql_vio *vio, const struct ria_mysql_connection *connection)
{
    bool may_send_password = is_password_allowed();
    bool is_token = ria_is_token(connection->password);
    if (*connection->password != '\0' && !is_token) {
        /* Decided before any file is read, so that a broken configuration never prevents a login
         * with a password. */
        return may_send_password
                   ? send_password(vio, connection)
                   : ria_mysql_refuse_as_stock(connection, RIA_REFUSAL_MYSQL_PASSWORD);
    }
    struct ria_login_token *login_token = calloc(1, sizeof(*login_token));
    if (login_token == NULL) {
        return ria_mysql_refuse(vio, connection, RIA_REFUSAL_MEMORY);
    }
    login_token->token = (struct ria_token)RIA_TOKEN_INIT;
    describe_login(connection, channel_of(connection), &login_token->login);
    login_token->task = is_token ? RIA_LOGIN_MAY_SEND : RIA_LOGIN_MAKE_TOKEN;
    login_token->needs_endpoint = !(is_token && may_send_password);
    login_token->queries_dns = !may_send_password;
    login_token->login_name = getlogin_r;
    int result = mysql_authenticate_finish(vio, connection, login_token, may_send_password);
    ria_token_release(&login_token->token);
    free(login_token);
    return result;
}

int ria_mysql_authenticate(
    struct ria_mysql_vio *vio, struct ria_mysql *mysql, unsigned interface_version)
{
    int saved = errno;
    int result = RIA_MYSQL_ERROR;
    struct ria_mysql_connection connection;
    if (ria_mysql_recognize(vio, mysql, interface_version, &connection)) {
        result = send_or_refuse(vio, &connection);
    } else {
        ria_world_log(
            ria_process_world(),
            RIA_LOG_WARNING,
            "this is not a TCP connection of a known client library, so nothing was sent");
    }
    errno = saved;
    return result;
}
