/* SPDX-License-Identifier: MIT
 *
 * MariaDB server plugin AWSAuthenticationPlugin: simulates the plugin of that name on RDS.
 * Accounts must be IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'. The plugin requests
 * mysql_clear_password from the client, and the verifier checks the token that the client sends.
 *
 * RDSLAB_SOCKET and RDSLAB_RESOURCE in the server's environment name the verifier and the database.
 * The plugin cannot see whether the connection is encrypted, so accounts need REQUIRE SSL. */
#include "verify.h"

#include <mysql/plugin_auth.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char wanted_authentication_string[] = "RDS";

static int ask_verifier(const MYSQL_SERVER_AUTH_INFO *info, const unsigned char *packet, size_t len)
{
    const char *socket_name = getenv("RDSLAB_SOCKET");
    const char *resource = getenv("RDSLAB_RESOURCE");
    if (socket_name == NULL || resource == NULL) {
        return CR_AUTH_PLUGIN_ERROR;
    }
    char user[MYSQL_USERNAME_LENGTH + 1];
    (void)snprintf(user, sizeof(user), "%.*s", (int)info->user_name_length, info->user_name);
    /* The client sends a text with a terminating NUL. A packet without the NUL is not a token; the
     * verifier rejects a token with a NUL inside. */
    bool ends_in_nul = len > 0 && packet[len - 1] == '\0';
    struct rdslab_login login = {
        .resource = resource,
        .user = user,
        .token = (const char *)packet,
        .token_len = ends_in_nul ? len - 1 : 0,
    };
    return rdslab_verify(socket_name, &login) == RDSLAB_ACCEPTED ? CR_OK : CR_ERROR;
}

static int authenticate(MYSQL_PLUGIN_VIO *vio, MYSQL_SERVER_AUTH_INFO *info)
{
    /* The plugin must read first: the read makes the server send the switch to mysql_clear_password
     * and fill in the authentication string of the account. */
    unsigned char *packet = NULL;
    int len = vio->read_packet(vio, &packet);
    if (len < 0) {
        return CR_ERROR;
    }
    info->password_used = len > 1 ? PASSWORD_USED_YES : PASSWORD_USED_NO;
    if (info->auth_string_length != strlen(wanted_authentication_string) ||
        memcmp(info->auth_string, wanted_authentication_string, info->auth_string_length) != 0) {
        return CR_AUTH_PLUGIN_ERROR;
    }
    return ask_verifier(info, packet, (size_t)len);
}

static struct st_mysql_auth authentication = {
    .interface_version = MYSQL_AUTHENTICATION_INTERFACE_VERSION,
    .client_auth_plugin = "mysql_clear_password",
    .authenticate_user = authenticate,
};

/* The macros open and close an array; clang-format does not know that. */
/* clang-format off */
maria_declare_plugin(aws_authentication_plugin)
{
    .type = MYSQL_AUTHENTICATION_PLUGIN,
    .info = &authentication,
    .name = "AWSAuthenticationPlugin",
    .author = "rds-iam",
    .descr = "IAM database authentication, simulated by the test lab",
    .license = PLUGIN_LICENSE_BSD,
    .version = 0x0100,
    .version_info = "1.0",
    .maturity = MariaDB_PLUGIN_MATURITY_STABLE, /* loads under any plugin_maturity */
}
maria_declare_plugin_end;
/* clang-format on */
