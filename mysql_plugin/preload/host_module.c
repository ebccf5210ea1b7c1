/* SPDX-License-Identifier: MIT
 *
 * The check() of rds-iam-mysql-host.so. Finds out three things about the host that a program dials:
 * whether it is an RDS host (a host with an RDS name, or one that rds-iam's configuration maps),
 * whether the client must verify the host's name, and with which CA file the client verifies the
 * server. If the program passes a list of hosts, checks each of them. Settings belong to a handle
 * (MYSQL) and not to a host. So if at least one host of a list is an RDS host, all hosts of the
 * list are verified, with the CA file of the first RDS host in the list. Their names are verified
 * too, unless the configuration sets tls = verify-ca for every RDS host of the list. For Oracle's
 * library, the names are always verified. Resolves no name and makes no connection. */
#include "preload/host_module.h"

#include "rds_iam.h"

#include <string.h>

enum {
    MYSQL_PORT = 3306,
    HOST_MAX = 4096, /* enough for a list of sixteen names of 253 characters, the maximum length of
                        a DNS name */
};

/* Returns the CA file that `rds-iam exec` has put into this variable, or NULL. */
static const char *find_ca(const struct ria_world *world, const char *variable)
{
    const char *path = ria_world_env(world, variable);
    return path == NULL || *path == '\0' ? NULL : path;
}

/* -- what a program may pass as the host ------------------------------------------------------- */

/* Parses one entry of a list, which is HOST, HOST:PORT or [IPV6]:PORT, as ma_get_host_list() in
 * Connector/C's mariadb_lib.c does. Returns the host. Sets *port only if the entry has a port.
 * Modifies `text`. */
static char *split_port(char *text, unsigned *port)
{
    char *bracket = strchr(text, ']');
    char *colon = strchr(bracket == NULL ? text : bracket, ':');
    if (bracket != NULL) {
        *bracket = '\0';
    }
    if (colon != NULL) {
        *colon = '\0';
        *port = ria_port_parse(colon + 1);
    }
    return *text == '[' ? text + 1 : text;
}

/* Copies `size` bytes and adds a NUL. Returns false if they do not fit. */
static bool copy_value(const char *value, size_t size, char out[HOST_MAX])
{
    if (size >= HOST_MAX) {
        return false;
    }
    memcpy(out, value, size);
    out[size] = '\0';
    return true;
}

/* Copies the value of a key in a connection string, "key=value;key=value". Returns false if the key
 * is missing or its value is too long. */
static bool find_value(const char *text, const char *key, char out[HOST_MAX])
{
    size_t len = strlen(key);
    while (*text != '\0') {
        text += strspn(text, " ;");
        size_t size = strcspn(text, ";");
        if (size > len && text[len] == '=' && ria_ascii_same_bytes(text, key, len)) {
            return copy_value(text + len + 1, size - len - 1, out);
        }
        text += size;
    }
    return false;
}

/* -- the verdict ------------------------------------------------------------------------------- */

/* Warns, once in a process, that tls = verify-ca has no effect in Oracle's client library, because
 * the library reports only VERIFY_IDENTITY to a plugin. */
static void warn_of_verify_ca(const char *host, const struct ria_login_certificate *certificate)
{
    static bool is_warned;
    char shown[RIA_HOST_SHOWN_SIZE];
    if (!certificate->chain_suffices || __atomic_exchange_n(&is_warned, true, __ATOMIC_RELAXED)) {
        return;
    }
    ria_show_host(host, shown);
    ria_world_log(
        ria_process_world(),
        RIA_LOG_WARNING,
        "%s: tls = verify-ca has no effect in Oracle's client library, which reports to a plugin "
        "only "
        "that it verified the name; so the name %s must be in the server's certificate; for a "
        "tunnel, dial the name of the RDS endpoint (/etc/hosts)",
        certificate->place,
        shown);
}

/* Checks one host, and adds the result to *out. */
static void check_one_host(
    const struct ria_host_target *target,
    const char *host,
    unsigned port,
    struct ria_host_verdict *out)
{
    const struct ria_world *world = ria_process_world();
    struct ria_login_certificate certificate;
    struct ria_error err;
    char shown[RIA_HOST_SHOWN_SIZE];
    const struct ria_login login = {
        .host = host,
        .port = port == 0 ? MYSQL_PORT : port,
        .user = target->user,
        .is_mysql = true,
    };
    enum ria_outcome outcome =
        *host == '\0' ? RIA_ABSENT : ria_login_certificate(&login, world, &certificate, &err);
    if (outcome == RIA_FAILED) {
        ria_show_host(host, shown);
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "the settings of the connection to %s are left alone: %s",
            shown,
            err.text);
    }
    if (outcome != RIA_FOUND) {
        return;
    }
    if (!target->is_mariadb) {
        warn_of_verify_ca(host, &certificate);
        certificate.chain_suffices = false;
    }
    /* RDS signs the certificates of its servers with its own roots; the certificates of RDS Proxy
     * come from Amazon's public roots. */
    const char *variable = certificate.is_public ? "RDS_IAM_CA_PUBLIC" : "RDS_IAM_CA";
    const char *ca = find_ca(world, variable);
    if (ca == NULL && target->lacks_ca) {
        ria_show_host(host, shown);
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s is not verified: " RIA_REFUSAL_NO_ROOTS " (until then, no token is sent, and a "
            "password is sent to a server that is not verified)",
            shown);
    }
    out->chain_suffices = certificate.chain_suffices && (!out->is_ours || out->chain_suffices);
    out->ca = out->is_ours ? out->ca : ca;
    out->ca_variable = out->is_ours ? out->ca_variable : variable;
    out->is_ours = true;
}

static void check_host_list(
    const struct ria_host_target *target, char *list, unsigned port, struct ria_host_verdict *out)
{
    char *rest = list;
    for (char *entry = strsep(&rest, ","); entry != NULL; entry = strsep(&rest, ",")) {
        unsigned own_port = port;
        char *host = split_port(entry, &own_port);
        check_one_host(target, host, own_port, out);
    }
}

void ria_host_check(const struct ria_host_target *target, struct ria_host_verdict *out)
{
    char host[HOST_MAX];
    char number[HOST_MAX];
    unsigned port = target->port;
    *out = (struct ria_host_verdict){0};
    bool is_string = target->is_mariadb && strpbrk(target->host, ";=") != NULL;
    if (is_string && !find_value(target->host, "host", host) &&
        !find_value(target->host, "servername", host)) {
        return;
    }
    if (is_string && port == 0 && find_value(target->host, "port", number)) {
        port = ria_port_parse(number);
    }
    if (!is_string && !ria_text_copy(host, sizeof(host), target->host)) {
        return;
    }
    if (target->is_mariadb && strchr(host, ',') != NULL) {
        check_host_list(target, host, port, out);
    } else {
        check_one_host(target, host, port, out);
    }
}
