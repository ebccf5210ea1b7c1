/* SPDX-License-Identifier: MIT
 *
 * The errors of servers and client libraries that name their cause, in a table. Follows the error
 * texts of PostgreSQL 10 to 18, the error numbers of MySQL 8 and of MariaDB 10 to 11, and
 * "Troubleshooting RDS Proxy" in the RDS User Guide. The table does not contain the errors that RDS
 * sends for every refused token. */
#include "check/facts.h"

#include <string.h>

#define NOT_IAM_USER_REMEDY                                                                        \
    "As an administrator, if the user does not exist: CREATE USER \"{user}\"; and in any case: "   \
    "GRANT rds_iam TO \"{user}\";"
#define THROTTLED                                                                                  \
    "The server checks at most 200 IAM logins per second. Either more logins arrived, or the "     \
    "server was slow."
#define CONNECTIONS "Close connections, or raise max_connections."
#define OTHER_DATABASE "Name another database: --dbname NAME"
#define NO_CONNECTION "The server has no free connection."
#define LATER "Use a connection pool, or spread the logins over time."

#define DATABASE_DENIED "The token was accepted. The user has no right to this database."
#define REPLICATION                                                                                \
    "The user is not allowed to start replication. With IAM, the parameter group needs "           \
    "rds.iam_auth_for_replication=1."
#define REPLICATION_REMEDY                                                                         \
    "Set rds.iam_auth_for_replication=1 and rds.logical_replication=1. As an administrator: "      \
    "GRANT rds_replication TO \"{user}\";"
#define NO_PLUGIN "The client library found no plugin that sends the token."
#define SET_PLUGIN_DIR "Start the client with rds-iam exec, or set plugin-dir: rds-iam setup mysql"
#define MISSING_DATABASE "The token was accepted. The database does not exist."
#define NO_TOKEN_SENT                                                                              \
    "The client sent no token: the account does not exist under this name, or does not use "       \
    "AWSAuthenticationPlugin."
#define SHOW_MYSQL_USER                                                                            \
    "As an administrator: SELECT user, host, plugin FROM mysql.user WHERE user = '{user}';"
#define LOCKED "The token was accepted, but the account is locked."
#define UNLOCK "As an administrator: ALTER USER '{user}'@'%' ACCOUNT UNLOCK;"
#define USER_LIMIT                                                                                 \
    "The token was accepted, but the connection limit of the user or of the database is reached."
#define RAISE_LIMIT "Close connections, or raise the limit of the user or of the database."

#define SMALL_INSTANCE "This happens on small instances that are short of memory."
#define SEE_MEMORY                                                                                 \
    "Try again. If this continues, look at FreeableMemory of the instance in CloudWatch."
#define NO_VERDICT "The server received the login but did not answer in time. " SMALL_INSTANCE

/* The first row that fits is used, so rows for specific errors must stand before rows for general
 * errors. */
static const struct ria_known_error refusals[] = {
    {.id = "throttled", .words = "competing requests", .text = THROTTLED, .remedy = LATER},
    {.id = "throttled", .words = "rate limit exceeded", .text = THROTTLED, .remedy = LATER},
    {.id = "slow-verdict",
     .words = "authentication due to timeout",
     .text = "The server did not finish its check of the token in time. " SMALL_INSTANCE,
     .remedy = SEE_MEMORY},
    {.id = "slow-verdict", .words = "timeout expired", .text = NO_VERDICT, .remedy = SEE_MEMORY},
    {.id = "slow-verdict",
     .words = "the login did not end within",
     .text = NO_VERDICT,
     .remedy = SEE_MEMORY},
    {.id = "slow-verdict", .words = "system error: 110", .text = NO_VERDICT, .remedy = SEE_MEMORY},
    {.id = "proxy-secret",
     .words = "has no credentials for the role",
     .text = "The RDS Proxy has no secret for this user, so it cannot log in to the database.",
     .remedy = "Add a secret for {user} to the proxy, or let the proxy use IAM for the database."},
    {.id = "replication-parameter",
     .words = "to start walsender",
     .text = REPLICATION,
     .remedy = REPLICATION_REMEDY},
    {.id = "replication-parameter",
     .words = "to start WAL sender",
     .text = REPLICATION,
     .remedy = REPLICATION_REMEDY},
    {.id = "replication-parameter",
     .words = "replication connection",
     .text = REPLICATION,
     .remedy = REPLICATION_REMEDY},
    {.id = "hba",
     .words = "pg_hba.conf",
     .text = "The server's access rules refuse this connection, for example because it has no TLS "
             "(rds.force_ssl).",
     .remedy = "Verify the server: sslmode=verify-full"},
    {.id = "not-ready",
     .words = "the database system is",
     .text = "The server is starting or stopping, or a failover is in progress.",
     .remedy = "Try again in a minute."},
    {.id = "not-in-rds-iam",
     .words = "password authentication failed for user",
     .text = "The server asked for a database password, not for a token: the user is not a member "
             "of rds_iam, or does not exist.",
     .remedy = NOT_IAM_USER_REMEDY,
     .names_no_user = true},
    {.id = "too-many-connections",
     .words = "too many connections for",
     .is_accepted = true,
     .text = USER_LIMIT,
     .remedy = RAISE_LIMIT},
    {.id = "too-many-connections",
     .words = "connection slots",
     .text = NO_CONNECTION,
     .remedy = CONNECTIONS},
    {.id = "too-many-connections",
     .words = "too many clients",
     .text = NO_CONNECTION,
     .remedy = CONNECTIONS},
    {.id = "no-login-right",
     .is_accepted = true,
     .words = "is not permitted to log in",
     .text = "The token was accepted, but the role has no right to log in.",
     .remedy = "As an administrator: ALTER ROLE \"{user}\" LOGIN;"},
    {.id = "user-missing",
     .words = "role \"",
     .text = "The database user does not exist.",
     .remedy = "As an administrator: rds-iam setup sql --engine postgres --username {user}",
     .also = "does not exist",
     .names_no_user = true},
    {.id = "database-denied",
     .words = "permission denied for database",
     .is_accepted = true,
     .text = DATABASE_DENIED,
     .remedy = "As an administrator: GRANT CONNECT ON DATABASE ... TO \"{user}\";"},
    {.id = "no-database",
     .words = "database \"",
     .is_accepted = true,
     .text = MISSING_DATABASE,
     .remedy = OTHER_DATABASE,
     .also = "does not exist"},
    {.id = "no-database",
     .words = "not currently accepting connections",
     .is_accepted = true,
     .text = "The token was accepted. The database accepts no connections.",
     .remedy = OTHER_DATABASE},
    {.id = "no-password-sent",
     .words = "no password supplied",
     .text = "The client sent no token: libpq found no line for this server in its passfile.",
     .remedy = "Start the client with rds-iam exec, or add a service: rds-iam setup postgres"},
    {.id = "plugin-missing",
     .words = "could not be loaded",
     .text = NO_PLUGIN,
     .remedy = SET_PLUGIN_DIR},
    {.id = "iam-off",
     .code = 1524,
     .text = "AWSAuthenticationPlugin is not loaded, because IAM authentication is turned off "
             "for this database. (For an instance of an Aurora cluster, modify the cluster.)",
     .remedy = "{enable}"},
    {.id = "database-denied",
     .code = 1044,
     .is_accepted = true,
     .text = DATABASE_DENIED,
     .remedy = "As an administrator: GRANT SELECT ON NAME.* TO '{user}'@'%';"},
    {.id = "no-database",
     .code = 1049,
     .is_accepted = true,
     .text = MISSING_DATABASE,
     .remedy = OTHER_DATABASE},
    {.id = "too-many-connections", .code = 1040, .text = NO_CONNECTION, .remedy = CONNECTIONS},
    {.id = "too-many-connections",
     .code = 1203,
     .is_accepted = true,
     .text = USER_LIMIT,
     .remedy = RAISE_LIMIT},
    {.id = "too-many-connections",
     .code = 1226,
     .is_accepted = true,
     .text = USER_LIMIT,
     .remedy = RAISE_LIMIT},
    {.id = "locked",
     .code = 3118,
     .is_accepted = true,
     .text = LOCKED,
     .remedy = UNLOCK}, /* MySQL */
    {.id = "locked",
     .code = 4151,
     .is_accepted = true,
     .text = LOCKED,
     .remedy = UNLOCK}, /* MariaDB */
    {.id = "host-blocked",
     .code = 1129,
     .text = "The server blocks this machine's address after many broken connections.",
     .remedy =
         "As an administrator: FLUSH HOSTS; or TRUNCATE TABLE performance_schema.host_cache;"},
    {.id = "host-not-allowed",
     .code = 1130,
     .text = "No account of this server allows connections from this machine's address.",
     .remedy = "As an administrator, create the user for '%'."},
    {.id = "tls-required",
     .code = 3159,
     .text = "The server accepts only TLS connections.",
     .remedy = "Verify the server: ssl-ca and ssl-verify-server-cert"},
    {.id = "plugin-missing", .code = 2059, .text = NO_PLUGIN, .remedy = SET_PLUGIN_DIR},
    {.id = "no-token-sent",
     .words = "using password: NO",
     .text = NO_TOKEN_SENT,
     .remedy = SHOW_MYSQL_USER,
     .names_no_user = true},
    /* If a user does not exist, MariaDB may authenticate the login with another account, whose
     * plugin is unix_socket. */
    {.id = "no-token-sent",
     .code = 1698,
     .text = NO_TOKEN_SENT,
     .remedy = SHOW_MYSQL_USER,
     .names_no_user = true},
};

/* `quote` is the character before `at`. If the text at `at` begins with `name`, and `quote` is a
 * quote character and also follows the name, returns the length of the name. Otherwise returns 0.
 */
static size_t quoted_length(const char *at, char quote, const char *name)
{
    size_t len = name == NULL ? 0 : strlen(name);
    bool is_quoted = (quote == '"' || quote == '\'') && len > 0 && strncmp(at, name, len) == 0 &&
                     at[len] == quote;
    return is_quoted ? len : 0;
}

/* Copies the words of the server's error. Leaves out the names of the host, the user and the
 * database, because such a name may contain the words of a row. For this purpose, drops the text
 * that libpq puts before the server's words, and the quoted names. */
static void copy_server_words(const struct ria_facts *facts, char *out, size_t size)
{
    const char *at = strstr(facts->refusal, "FATAL: ");
    size_t len = 0;
    for (at = at == NULL ? facts->refusal : at; *at != '\0' && len + 1 < size; len++) {
        char quote = *at++;
        out[len] = quote;
        size_t user = quoted_length(at, quote, facts->target.login.user);
        at += user > 0 ? user : quoted_length(at, quote, facts->target.dbname);
    }
    out[len] = '\0';
}

const struct ria_known_error *ria_known_error_find(const struct ria_facts *facts)
{
    char words[sizeof(facts->refusal)];
    copy_server_words(facts, words, sizeof(words));
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct ria_known_error *row = &refusals[i];
        if (row->words == NULL ? facts->refusal_code == row->code
                               : strstr(words, row->words) != NULL &&
                                     (row->also == NULL || strstr(words, row->also) != NULL)) {
            return row;
        }
    }
    return NULL;
}
