/* SPDX-License-Identifier: MIT
 *
 * Determines how well the library has protected the connection. Calls the library's own functions,
 * because the place where the library stores these facts differs between versions and TLS
 * libraries. If these functions do not prove that the server was verified, treats the server as
 * unverified.
 *
 * Up to 3.4.0, the library verifies the server during the TLS handshake. So if verification is on
 * and the plugin runs, the chain and the name were verified. There are two exceptions, both for a
 * client that was given no CA: versions up to 3.1.8 do not check the name (ma_pvio_start_ssl() in
 * ma_pvio.c), and 3.4.0 accepts an unknown certificate from 127.0.0.1 and ::1.
 *
 * Since 3.4.1, the plugin may run before the library acts on a failed verification, so the plugin
 * must read the verification status. For 127.0.0.1 and ::1 the status is not enough: 3.4.1 clears
 * the status for these hosts although nothing was verified (send_client_reply_packet() in
 * my_auth.c), and later versions check only the chain. */
#include "plugin.h"

#include <string.h>

/* Recognizes a cipher suite that does not encrypt, by its name in OpenSSL and in GnuTLS; the last
 * two names are those of TLS 1.3. A client uses such a suite only if ssl-cipher selects it. */
static bool is_plain_cipher(const char *name)
{
    return strstr(name, "NULL") != NULL || strcmp(name, "TLS_SHA256_SHA256") == 0 ||
           strcmp(name, "TLS_SHA384_SHA384") == 0;
}

/* Recognizes a cipher suite in which the server sends no certificate. If such a suite is used,
 * OpenSSL reports that the chain is valid, although there is no chain. */
static bool is_anonymous_cipher(const char *name)
{
    return strncmp(name, "ADH-", strlen("ADH-")) == 0 ||
           strncmp(name, "AECDH-", strlen("AECDH-")) == 0 || strstr(name, "ANON") != NULL;
}

static bool is_default_auth(struct ria_mariadb *mysql)
{
    const char *name = NULL;
    return mysql->methods->api->get_option(mysql, RIA_MARIADB_OPT_DEFAULT_AUTH, &name) == 0 &&
           name != NULL && strcmp(name, "mysql_clear_password") == 0;
}

bool ria_mariadb_has_ca(const struct ria_mariadb *mysql)
{
    return mysql->options.ssl_ca != NULL || mysql->options.ssl_capath != NULL;
}

/* Returns true for the only two hosts for which Connector/C 3.4 makes exceptions. */
static bool is_own_machine(const char *host)
{
    return host != NULL && (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0);
}

/* Returns the remedy, which is the part of a message that tells the user what to do, for a client
 * without TLS or without a CA. Under rds-iam exec, the preloaded object sets both for an RDS host.
 * It cannot do so if the CA store has no usable file for this host (RDS_IAM_CA or RDS_IAM_CA_PUBLIC
 * is unset). In this case, the remedy is to install the root certificates. In every other case, the
 * remedy is `usual`. */
static const char *tls_remedy(const struct ria_mariadb *mysql, const char *usual)
{
    const struct ria_world *world = ria_process_world();
    const char *preload = ria_world_env(world, "LD_PRELOAD");
    bool is_under_exec = preload != NULL && strstr(preload, "/librds-iam-pq.so") != NULL;
    bool is_public = mysql->host != NULL && ria_host_has_public_ca(mysql->host);
    bool lacks_roots = ria_world_env(world, is_public ? "RDS_IAM_CA_PUBLIC" : "RDS_IAM_CA") == NULL;
    return is_under_exec && lacks_roots && !ria_mariadb_has_ca(mysql) ? RIA_REFUSAL_NO_ROOTS
                                                                      : usual;
}

/* Returns the remedy for a verification that failed. If more than the host name is wrong, the
 * message does not mention the name. */
static const char *status_remedy(const struct ria_mariadb *mysql, unsigned status)
{
    if (status == RIA_MARIADB_TLS_VERIFY_HOST) {
        return RIA_REMEDY_MARIADB_NAME;
    }
    return ria_mariadb_has_ca(mysql) ? RIA_REMEDY_MARIADB_CA
                                     : tls_remedy(mysql, RIA_REMEDY_MARIADB_TLS);
}

/* Returns the channel of a connection for which verification is on. If has_status is true, `status`
 * is 0 if the library reports that it verified chain and name. If has_status is false, `status` has
 * no meaning.
 */
static enum ria_channel verification_on(
    struct ria_mariadb *mysql, bool has_status, unsigned status, const char **remedy)
{
    if (has_status && status != 0) {
        *remedy = status_remedy(mysql, status);
        return RIA_CHANNEL_UNVERIFIED;
    }
    bool is_own = is_own_machine(mysql->host);
    if (!ria_mariadb_has_ca(mysql) && is_own) {
        return RIA_CHANNEL_UNVERIFIED;
    }
    if (!ria_mariadb_has_ca(mysql) && !has_status) {
        *remedy = RIA_REMEDY_MARIADB_NO_CA;
        return RIA_CHANNEL_CHAIN_VERIFIED;
    }
    /* No special remedy is chosen here: 127.0.0.1 and ::1 are not RDS names, and the core has its
     * own message for a name that is not an RDS name. */
    return is_own ? RIA_CHANNEL_CHAIN_VERIFIED : RIA_CHANNEL_VERIFIED;
}

/* Returns the channel of a connection for which verification is off. Up to 3.4.0, a library that is
 * built with OpenSSL still checks the chain if it has a CA; a library that is built with GnuTLS
 * accepts an unknown CA.
 */
static enum ria_channel verification_off(
    struct ria_mariadb *mysql, bool has_status, const char **remedy)
{
    *remedy = ria_mariadb_has_ca(mysql) ? RIA_REMEDY_MARIADB_VERIFY
                                        : tls_remedy(mysql, RIA_REMEDY_MARIADB_TLS);
    const char *library = NULL;
    if (has_status || !ria_mariadb_has_ca(mysql) ||
        mysql->methods->api->get_info(NULL, RIA_MARIADB_INFO_TLS_LIBRARY, &library) != 0 ||
        library == NULL || strncmp(library, "OpenSSL", strlen("OpenSSL")) != 0) {
        return RIA_CHANNEL_UNVERIFIED;
    }
    return RIA_CHANNEL_CHAIN_VERIFIED;
}

/* Returns the remedy for a connection without TLS. If verification is on, the library never
 * completes a login without TLS. So if verification is on and the connection has no TLS, the
 * library has called the plugin before the TLS handshake. */
static const char *plain_remedy(struct ria_mariadb *mysql, bool is_on)
{
    if (is_default_auth(mysql)) {
        return RIA_REMEDY_MARIADB_DEFAULT_AUTH;
    }
    return is_on ? RIA_REMEDY_ASKED_EARLY : tls_remedy(mysql, RIA_REMEDY_MARIADB_PLAIN);
}

enum ria_channel ria_mariadb_channel(struct ria_mariadb *mysql, const char **remedy)
{
    const struct ria_mariadb_api *api = mysql->methods->api;
    *remedy = tls_remedy(mysql, RIA_REMEDY_MARIADB_TLS);
    char is_on = 0;
    if (api->get_option(mysql, RIA_MARIADB_OPT_SSL_VERIFY_SERVER_CERT, &is_on) != 0) {
        is_on = 0;
    }
    const char *cipher = api->get_ssl_cipher(mysql);
    if (cipher == NULL) {
        *remedy = plain_remedy(mysql, is_on != 0);
        return RIA_CHANNEL_PLAIN;
    }
    if (is_plain_cipher(cipher) || is_anonymous_cipher(cipher)) {
        *remedy = RIA_REMEDY_MARIADB_CIPHER;
        return is_plain_cipher(cipher) ? RIA_CHANNEL_PLAIN : RIA_CHANNEL_UNVERIFIED;
    }
    if (ria_mariadb_may_skip_verification(mysql)) {
        *remedy = RIA_REMEDY_MARIADB_VARIABLE;
        return RIA_CHANNEL_UNVERIFIED;
    }
    unsigned status = 1;
    bool has_status = api->get_info(mysql, RIA_MARIADB_INFO_TLS_VERIFY_STATUS, &status) == 0;
    return is_on != 0 ? verification_on(mysql, has_status, status, remedy)
                      : verification_off(mysql, has_status, remedy);
}
