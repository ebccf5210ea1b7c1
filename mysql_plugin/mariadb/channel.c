/* SPDX-License-Identifier: MIT
 *
 * What the library did about TLS. It is asked through its own function table, because where it
 * keeps the answer differs between versions and TLS libraries.
 *
 * Up to 3.4.0 a plugin that runs with verification on knows that chain and name were verified, or
 * the handshake would have failed; two exceptions. Up to 3.1.8 the name is checked only if the
 * client was given a CA (ma_pvio_start_ssl() in ma_pvio.c). And 3.4.0 lets an unknown certificate
 * pass for the addresses of the own machine, again unless there is a CA.
 *
 * Since 3.4.1 the plugin may run before a failed verification is acted on, so the status must be
 * asked for. It is not enough for the own machine: 3.4.1 clears it there when nothing was verified
 * (send_client_reply_packet() in my_auth.c), and later versions check the chain alone. */
#include "plugin.h"

#include <string.h>

/* A cipher suite that does not encrypt, by its name in OpenSSL and in GnuTLS; the last two are TLS
 * 1.3's. They are used only where ssl-cipher asks for them. */
static bool is_plain_cipher(const char *name)
{
    return strstr(name, "NULL") != NULL || strcmp(name, "TLS_SHA256_SHA256") == 0 ||
           strcmp(name, "TLS_SHA384_SHA384") == 0;
}

/* One in which the server shows no certificate. OpenSSL then reports a good chain. */
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

/* Connector/C 3.4 makes exceptions for these two, and only for these. */
static bool is_own_machine(const char *host)
{
    return host != NULL && (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0);
}

static enum ria_channel verification_on(
    struct ria_mariadb *mysql, bool has_status, unsigned status, const char **missing)
{
    if (has_status && status != 0) {
        *missing = ria_mariadb_has_ca(mysql) ? RIA_REMEDY_MARIADB_CA : RIA_REMEDY_MARIADB_TLS;
        return RIA_CHANNEL_UNVERIFIED;
    }
    bool is_own = is_own_machine(mysql->host);
    if (!ria_mariadb_has_ca(mysql) && is_own) {
        return RIA_CHANNEL_UNVERIFIED;
    }
    if (!ria_mariadb_has_ca(mysql) && !has_status) {
        *missing = RIA_REMEDY_MARIADB_NO_CA;
        return RIA_CHANNEL_CHAIN_VERIFIED;
    }
    /* For a name that is no RDS name the core knows what to do. */
    return is_own ? RIA_CHANNEL_CHAIN_VERIFIED : RIA_CHANNEL_VERIFIED;
}

/* Without verification, an OpenSSL build up to 3.4.0 still checks the chain if it has a CA. One
 * with GnuTLS lets an unknown CA pass. */
static enum ria_channel verification_off(
    struct ria_mariadb *mysql, bool has_status, const char **missing)
{
    *missing = ria_mariadb_has_ca(mysql) ? RIA_REMEDY_MARIADB_VERIFY : RIA_REMEDY_MARIADB_TLS;
    const char *library = NULL;
    if (has_status || !ria_mariadb_has_ca(mysql) ||
        mysql->methods->api->get_info(NULL, RIA_MARIADB_INFO_TLS_LIBRARY, &library) != 0 ||
        library == NULL || strncmp(library, "OpenSSL", strlen("OpenSSL")) != 0) {
        return RIA_CHANNEL_UNVERIFIED;
    }
    return RIA_CHANNEL_CHAIN_VERIFIED;
}

/* With verification on, the library goes on in plain text for nobody: without TLS it is asked too
 * early, not without protection. */
static const char *why_plain(struct ria_mariadb *mysql, bool is_on)
{
    if (is_default_auth(mysql)) {
        return RIA_REMEDY_MARIADB_DEFAULT_AUTH;
    }
    return is_on ? RIA_REMEDY_ASKED_EARLY : RIA_REMEDY_MARIADB_TLS;
}

enum ria_channel ria_mariadb_channel(struct ria_mariadb *mysql, const char **missing)
{
    const struct ria_mariadb_api *api = mysql->methods->api;
    *missing = RIA_REMEDY_MARIADB_TLS;
    char is_on = 0;
    if (api->get_option(mysql, RIA_MARIADB_OPT_SSL_VERIFY_SERVER_CERT, &is_on) != 0) {
        is_on = 0;
    }
    const char *cipher = api->get_ssl_cipher(mysql);
    if (cipher == NULL) {
        *missing = why_plain(mysql, is_on != 0);
        return RIA_CHANNEL_PLAIN;
    }
    if (is_plain_cipher(cipher) || is_anonymous_cipher(cipher)) {
        *missing = RIA_REMEDY_MARIADB_CIPHER;
        return is_plain_cipher(cipher) ? RIA_CHANNEL_PLAIN : RIA_CHANNEL_UNVERIFIED;
    }
    if (ria_mariadb_may_skip_verification(mysql)) {
        *missing = RIA_REMEDY_MARIADB_VARIABLE;
        return RIA_CHANNEL_UNVERIFIED;
    }
    unsigned status = 1;
    bool has_status = api->get_info(mysql, RIA_MARIADB_INFO_TLS_VERIFY_STATUS, &status) == 0;
    return is_on != 0 ? verification_on(mysql, has_status, status, missing)
                      : verification_off(mysql, has_status, missing);
}
