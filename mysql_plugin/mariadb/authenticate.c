/* SPDX-License-Identifier: MIT
 *
 * Responds to a server that asks for a password in clear text: on each new connection, reconnect
 * and change of user. If the program gave a password that is not a token, sends this password
 * unchanged. Otherwise requires a TCP connection whose server the library has verified, and sends
 * the token that the program gave, or a new token. (With tls = verify-ca in rds-iam's
 * configuration, a verified certificate chain is enough.) If the connection does not qualify, or no
 * token can be made, refuses the login with a message. */
#include "plugin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Checks the layout: pvio->mysql must point back to the connection. In a library with another
 * layout, this pointer does not point back. The plugin makes this check before it uses any other
 * member. The check is safe, because net.pvio points to readable memory in every library. */
bool ria_mariadb_is_supported(const struct ria_mariadb_vio *vio, const struct ria_mariadb *mysql)
{
    return vio != NULL && mysql != NULL && mysql->net.pvio != NULL &&
           mysql->net.pvio->mysql == mysql && mysql->methods != NULL &&
           mysql->methods->api != NULL && mysql->methods->set_error != NULL;
}

/* Sends the text and its NUL, as the distribution's own plugin does. */
static int send_text(struct ria_mariadb_vio *vio, const char *text, size_t len)
{
    return vio->write_packet(vio, (const unsigned char *)text, len + 1) == 0 ? RIA_MARIADB_OK
                                                                             : RIA_MARIADB_ERROR;
}

static bool has_password(const struct ria_mariadb *mysql)
{
    return mysql->passwd != NULL && mysql->passwd[0] != '\0';
}

static void describe_login(
    const struct ria_mariadb *mysql, enum ria_channel channel, struct ria_login *out)
{
    *out = (struct ria_login){
        .host = mysql->host,
        .port = mysql->port,
        .user = mysql->user == NULL || mysql->user[0] == '\0' ? NULL : mysql->user,
        .channel = channel,
        .is_mysql = true,
    };
}

static int refuse_channel(
    struct ria_mariadb_vio *vio,
    struct ria_mariadb *mysql,
    enum ria_channel channel,
    const char *remedy)
{
    char text[RIA_ERROR_TEXT_MAX];
    ria_message_channel(text, channel, "token", remedy);
    return ria_mariadb_refuse(vio, mysql, text);
}

/* Refuses a login at an RDS name, because the library verified only the certificate's chain and not
 * the name. The message first names the client's setting that turns verification of the name on
 * (ria_login_name_remedy()). For any other host, the core's own message is better, because that
 * setting does not help: no RDS certificate contains the name of such a host. */
static int refuse_name_unverified(
    struct ria_mariadb_vio *vio,
    struct ria_mariadb *mysql,
    const struct ria_login_token *login_token)
{
    char remedy[RIA_ERROR_TEXT_MAX];
    ria_login_name_remedy(
        &login_token->login, RIA_REMEDY_MARIADB_VERIFY, ria_process_world(), remedy);
    return refuse_channel(vio, mysql, login_token->login.channel, remedy);
}

static int mariadb_authenticate_finish(
    struct ria_mariadb_vio *vio, struct ria_mariadb *mysql, struct ria_login_token *login_token)
{
    bool ran = ria_login_token_run(login_token);
    if (ran && login_token->outcome == RIA_FOUND) {
        /* Must run on the caller's own stack: write_packet() may switch to another coroutine. */
        return login_token->task == RIA_LOGIN_MAY_SEND
                   ? send_text(vio, mysql->passwd, strlen(mysql->passwd))
                   : send_text(vio, login_token->token.text.data, login_token->token.text.len);
    }
    if (ran && login_token->err.code == RIA_E_CHANNEL && ria_host_is_rds(login_token->login.host)) {
        return refuse_name_unverified(vio, mysql, login_token);
    }
    return ria_mariadb_refuse(vio, mysql, login_token->err.text);
}

/* Refuses the login because of the channel: TLS is off, or the server was not verified. But if
 * tokens are not made for the host, the message says this instead, because no TLS setting makes a
 * token possible for such a host. */
static int refuse_host_or_channel(
    struct ria_mariadb_vio *vio,
    struct ria_mariadb *mysql,
    struct ria_login_token *login_token,
    const char *remedy)
{
    login_token->task = RIA_LOGIN_HAS_ENDPOINT;
    login_token->queries_dns = true;
    bool has_endpoint = ria_login_token_run(login_token) && login_token->outcome == RIA_FOUND;
    return has_endpoint ? refuse_channel(vio, mysql, login_token->login.channel, remedy)
                        : ria_mariadb_refuse(vio, mysql, login_token->err.text);
}

static int send_token(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    const char *remedy = NULL;
    enum ria_channel channel = ria_mariadb_channel(mysql, &remedy);
    if (mysql->net.pvio->type != RIA_MARIADB_SOCKET_TCP) {
        /* Refused before the channel is considered, because no TLS setting makes a token possible
         * over a Unix socket. */
        return ria_mariadb_refuse(vio, mysql, RIA_REFUSAL_UNIX_SOCKET);
    }
    struct ria_login_token *login_token = calloc(1, sizeof(*login_token));
    if (login_token == NULL) {
        return ria_mariadb_refuse(vio, mysql, RIA_REFUSAL_MEMORY);
    }
    login_token->token = (struct ria_token)RIA_TOKEN_INIT;
    login_token->task = has_password(mysql) ? RIA_LOGIN_MAY_SEND : RIA_LOGIN_MAKE_TOKEN;
    describe_login(mysql, channel, &login_token->login);
    /* The system's CAs certify every host, so a verified chain alone proves nothing. No section of
     * the configuration can allow a token in this case. */
    bool has_only_system_cas = channel == RIA_CHANNEL_CHAIN_VERIFIED && !ria_mariadb_has_ca(mysql);
    bool is_refused =
        channel == RIA_CHANNEL_PLAIN || channel == RIA_CHANNEL_UNVERIFIED || has_only_system_cas;
    int result = is_refused ? refuse_host_or_channel(vio, mysql, login_token, remedy)
                            : mariadb_authenticate_finish(vio, mysql, login_token);
    ria_token_release(&login_token->token);
    free(login_token);
    return result;
}

/* Sends the program's own password over any channel, as the distribution's own plugin does. Ignores
 * an error in rds-iam's configuration, so that such an error never prevents a login with a
 * password. */
static int send_password(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    int saved = errno;
    struct ria_login login;
    describe_login(mysql, RIA_CHANNEL_PLAIN, &login);
    ria_login_token_log_password(&login, NULL);
    errno = saved;
    return send_text(vio, mysql->passwd, strlen(mysql->passwd));
}

int ria_mariadb_authenticate(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    if (has_password(mysql) && !ria_is_token(mysql->passwd)) {
        return send_password(vio, mysql);
    }
    int saved = errno;
    int result = send_token(vio, mysql);
    errno = saved;
    return result;
}
