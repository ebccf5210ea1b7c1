/* SPDX-License-Identifier: MIT
 *
 * The answer to a server that asks for a password in clear: for every new connection, reconnect and
 * change of user. */
#include "plugin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A library with another layout would not have this pointer lead back to where we came from. It is
 * looked at first: what it points to is a connection in every library, and can be read. */
bool ria_mariadb_has_endpoint(const struct ria_mariadb_vio *vio, const struct ria_mariadb *mysql)
{
    return vio != NULL && mysql != NULL && mysql->net.pvio != NULL &&
           mysql->net.pvio->mysql == mysql && mysql->methods != NULL &&
           mysql->methods->api != NULL && mysql->methods->set_error != NULL;
}

/* As the stock plugin does: the text and its NUL. */
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
    };
}

static int refuse_channel(
    struct ria_mariadb_vio *vio,
    struct ria_mariadb *mysql,
    enum ria_channel channel,
    const char *missing)
{
    char text[RIA_ERROR_TEXT_MAX];
    ria_message_channel(text, channel, "token", missing);
    return ria_mariadb_refuse(vio, mysql, text);
}

/* The client's own setting comes first, and helps only where the dialled name can be in a
 * certificate. */
static int refuse_name_unverified(
    struct ria_mariadb_vio *vio, struct ria_mariadb *mysql, const struct ria_login_token *job)
{
    char remedy[RIA_ERROR_TEXT_MAX];
    ria_login_name_remedy(&job->login, RIA_REMEDY_MARIADB_VERIFY, ria_process_world(), remedy);
    return refuse_channel(vio, mysql, job->login.channel, remedy);
}

static int mariadb_authenticate_finish(
    struct ria_mariadb_vio *vio, struct ria_mariadb *mysql, struct ria_login_token *job)
{
    bool ran = ria_login_token_run(job);
    if (ran && job->outcome == RIA_FOUND) {
        /* On the caller's own stack: the library may switch to another coroutine in here. */
        return job->task == RIA_LOGIN_MAY_SEND
                   ? send_text(vio, mysql->passwd, strlen(mysql->passwd))
                   : send_text(vio, job->token.text.data, job->token.text.len);
    }
    if (ran && job->err.code == RIA_E_CHANNEL && ria_host_is_rds(job->login.host)) {
        return refuse_name_unverified(vio, mysql, job);
    }
    return ria_mariadb_refuse(vio, mysql, job->err.text);
}

static int send_token(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    const char *missing = NULL;
    enum ria_channel channel = ria_mariadb_channel(mysql, &missing);
    if (mysql->net.pvio->type != RIA_MARIADB_SOCKET_TCP) {
        /* Before the channel: no TLS setting would make a token of this. */
        return ria_mariadb_refuse(vio, mysql, RIA_REFUSAL_UNIX_SOCKET);
    }
    /* The system's CAs certify everybody: a chain to one of them suffices for no section. */
    bool is_anybody = channel == RIA_CHANNEL_CHAIN_VERIFIED && !ria_mariadb_has_ca(mysql);
    if (channel == RIA_CHANNEL_PLAIN || channel == RIA_CHANNEL_UNVERIFIED || is_anybody) {
        return refuse_channel(vio, mysql, channel, missing);
    }
    struct ria_login_token *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return ria_mariadb_refuse(vio, mysql, RIA_REFUSAL_MEMORY);
    }
    job->token = (struct ria_token)RIA_TOKEN_INIT;
    job->task = has_password(mysql) ? RIA_LOGIN_MAY_SEND : RIA_LOGIN_MAKE_TOKEN;
    describe_login(mysql, channel, &job->login);
    int result = mariadb_authenticate_finish(vio, mysql, job);
    ria_token_release(&job->token);
    free(job);
    return result;
}

/* Over any channel, as the stock plugin does. Whatever is wrong with our configuration is only
 * logged: it locks out no password account. */
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
