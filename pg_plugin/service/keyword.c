/* SPDX-License-Identifier: MIT
 *
 * Finds a keyword in the table. Finds values with syntax that libpq does not interpret, such as
 * quotes or $HOME. Rejects a key that no version of libpq knows, because libpq rejects every
 * service that contains such a key. */
#include "service/keyword.h"

#include <string.h>

#define OLDEST RIA_LIBPQ_OLDEST
#define NEWEST RIA_LIBPQ_NEWEST

/* Sorted by key, in the order of strcmp(). */
static const struct ria_keyword keywords[] = {
    {"application_name", OLDEST, NEWEST, false},
    {"authtype", OLDEST, 13, false},
    {"channel_binding", 13, NEWEST, false},
    {"client_encoding", OLDEST, NEWEST, false},
    {"connect_timeout", OLDEST, NEWEST, false},
    {"dbname", OLDEST, NEWEST, false},
    {"fallback_application_name", OLDEST, NEWEST, false},
    {"gssdelegation", 16, NEWEST, false},
    {"gssencmode", 12, NEWEST, false},
    {"gsslib", OLDEST, NEWEST, false},
    {"host", OLDEST, NEWEST, false},
    {"hostaddr", OLDEST, NEWEST, false},
    {"keepalives", OLDEST, NEWEST, false},
    {"keepalives_count", OLDEST, NEWEST, false},
    {"keepalives_idle", OLDEST, NEWEST, false},
    {"keepalives_interval", OLDEST, NEWEST, false},
    {"krbsrvname", OLDEST, NEWEST, false},
    {"load_balance_hosts", 16, NEWEST, false},
    {"max_protocol_version", 18, NEWEST, false},
    {"min_protocol_version", 18, NEWEST, false},
    {"oauth_client_id", 18, NEWEST, false},
    {"oauth_client_secret", 18, NEWEST, false},
    {"oauth_issuer", 18, NEWEST, false},
    {"oauth_scope", 18, NEWEST, false},
    {"options", OLDEST, NEWEST, false},
    {"passfile", OLDEST, NEWEST, true},
    {"password", OLDEST, NEWEST, false},
    {"port", OLDEST, NEWEST, false},
    {"replication", OLDEST, NEWEST, false},
    {"require_auth", 16, NEWEST, false},
    {"requirepeer", OLDEST, NEWEST, false},
    {"scram_client_key", 18, NEWEST, false},
    {"scram_server_key", 18, NEWEST, false},
    {"ssl_max_protocol_version", 13, NEWEST, false},
    {"ssl_min_protocol_version", 13, NEWEST, false},
    {"sslcert", OLDEST, NEWEST, true},
    {"sslcertmode", 16, NEWEST, false},
    {"sslcompression", OLDEST, NEWEST, false},
    {"sslcrl", OLDEST, NEWEST, true},
    {"sslcrldir", 14, NEWEST, true},
    {"sslkey", OLDEST, NEWEST, true},
    {"sslkeylogfile", 18, NEWEST, true},
    {"sslmode", OLDEST, NEWEST, false},
    {"sslnegotiation", 17, NEWEST, false},
    {"sslpassword", 13, NEWEST, false},
    {"sslrootcert", OLDEST, NEWEST, true},
    {"sslsni", 14, NEWEST, false},
    {"target_session_attrs", OLDEST, NEWEST, false},
    {"tcp_user_timeout", 12, NEWEST, false},
    {"tty", OLDEST, 13, false},
    {"user", OLDEST, NEWEST, false},
};

const struct ria_keyword *ria_keyword_find(const char *key)
{
    size_t first = 0;
    size_t end = sizeof(keywords) / sizeof(keywords[0]);
    while (first < end) {
        size_t middle = (first + end) / 2;
        int order = strcmp(key, keywords[middle].key);
        if (order == 0) {
            return &keywords[middle];
        }
        first = order > 0 ? middle + 1 : first;
        end = order < 0 ? middle : end;
    }
    return NULL;
}

/* Keys of other programs, and the keywords of libpq with the same meaning. */
static const struct {
    const char *key;
    const char *meant;
} other_names[] = {
    {"database", "dbname"},
    {"db", "dbname"},
    {"endpoint", "host"},
    {"hostname", "host"},
    {"login", "user"},
    {"server", "host"},
    {"ssl-ca", "sslrootcert"},
    {"ssl-mode", "sslmode"},
    {"ssl_ca", "sslrootcert"},
    {"ssl_mode", "sslmode"},
    {"sslca", "sslrootcert"},
    {"timeout", "connect_timeout"},
    {"username", "user"},
};

/* Returns the keyword that the user meant with this key, or NULL. */
static const char *find_meant(const char *key)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (ria_ascii_same(key, keywords[i].key)) {
            return keywords[i].key;
        }
    }
    for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++) {
        if (ria_ascii_same(key, other_names[i].key)) {
            return other_names[i].meant;
        }
    }
    return NULL;
}

/* Returns the key if it consists of letters, digits, '_' and '-', with blanks at its end at most.
 * Otherwise returns a text that hides the key, because other characters may belong to a URL or a
 * password. */
static const char *show_key(const char *key)
{
    size_t len = strspn(key, RIA_ALNUM "_-");
    return key[len + strspn(key + len, " \t")] == '\0' ? key : "[not shown]";
}

bool ria_keyword_check(const struct ria_service_setting *setting, struct ria_error *err)
{
    const char *key = setting->key;
    const char *value = setting->value;
    if (value != NULL && ria_keyword_find(key) != NULL) {
        return true;
    }
    if (value == NULL) { /* the key is the whole line, which may be a password */
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "the line contains no =, so libpq rejects the service; write key=value");
    }
    if (strpbrk(key, " \t") != NULL) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            RIA_MESSAGE_UNKNOWN_KEY "write key=value without spaces around the =",
            show_key(key));
    }
    const char *meant = find_meant(key);
    return meant != NULL
               ? ria_fail(err, RIA_E_CONFIG, RIA_MESSAGE_UNKNOWN_KEY "write %s=", key, meant)
               : ria_fail(
                     err,
                     RIA_E_CONFIG,
                     RIA_MESSAGE_UNKNOWN_KEY "correct or remove the line",
                     show_key(key));
}

static bool names_file(const char *key)
{
    const struct ria_keyword *keyword = ria_keyword_find(key);
    return keyword != NULL && keyword->names_file;
}

const char *ria_keyword_fault(const struct ria_service_setting *setting)
{
    const char *value = setting->value;
    const char *key = setting->key;
    size_t len = strlen(key);
    if (value == NULL) {
        return NULL;
    }
    if (len > 0 && (key[len - 1] == ' ' || key[len - 1] == '\t')) {
        return "libpq takes the blank before the = as part of the key; write key=value";
    }
    if (*value == '"' || *value == '\'') {
        return "the value begins with a quote, which libpq takes as part of the value; remove the "
               "quotes";
    }
    if (*value == ' ' || *value == '\t') {
        return "the value begins with a blank, which libpq takes as part of the value; remove the "
               "blank";
    }
    if (names_file(key) && (*value == '~' || *value == '$')) {
        return "libpq expands neither ~ nor $HOME; write the full path";
    }
    return NULL;
}
