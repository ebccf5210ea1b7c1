/* SPDX-License-Identifier: MIT
 *
 * Explains a refused login in three steps, each a table: (1) what the checks before the login have
 * already proved; (2) what the server's own error says; (3) if the error is one that RDS gives for
 * every refused token, the causes that look alike. The first two steps end at the first match. */
#include "check/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLOCK_LIMIT = 240, /* seconds; AWS rejects a signature that is 5 minutes old or more */
};

/* -- 1. what the checks have proved ----------------------------------------------------------- */

static bool has_no_credentials(const struct ria_facts *facts)
{
    return facts->credentials != RIA_FOUND;
}

static bool has_rejected_keys(const struct ria_facts *facts)
{
    return facts->credentials == RIA_FOUND && !facts->has_identity &&
           strstr(facts->identity_error.text, "STS rejects") != NULL;
}

static bool has_no_endpoint(const struct ria_facts *facts)
{
    return facts->target.login.host != NULL && !facts->has_name;
}

static bool is_unreached(const struct ria_facts *facts)
{
    return facts->server.lines.len > 0 && !facts->is_reached;
}

static bool offers_no_tls(const struct ria_facts *facts)
{
    return facts->offers_no_tls;
}

static bool has_no_ca(const struct ria_facts *facts)
{
    return facts->ca_file[0] == '\0' && facts->target.login.host != NULL &&
           facts->verdict != RIA_VERDICT_SERVER;
}

static bool has_other_server(const struct ria_facts *facts)
{
    return facts->has_tls && facts->is_other_server;
}

static bool has_other_ca(const struct ria_facts *facts)
{
    return facts->has_tls && facts->is_other_ca;
}

static bool has_unverified_name(const struct ria_facts *facts)
{
    return facts->has_tls && facts->is_name_unverified;
}

static bool has_no_passfile(const struct ria_facts *facts)
{
    return facts->is_passfile_missing && facts->verdict == RIA_VERDICT_OURS;
}

static bool has_wrong_clock(const struct ria_facts *facts)
{
    return facts->identity.has_difference && llabs(facts->identity.difference) >= CLOCK_LIMIT;
}

static bool has_region_conflict(const struct ria_facts *facts)
{
    char dotted[80];
    (void)snprintf(dotted, sizeof(dotted), ".%s.", facts->name.region);
    return facts->has_name && facts->name.partition != NULL &&
           strcmp(facts->name.region_from, "the endpoint's name") != 0 &&
           strstr(facts->name.endpoint, dotted) == NULL;
}

static bool is_refused_by_hook(const struct ria_facts *facts)
{
    return facts->verdict == RIA_VERDICT_OURS && facts->refusal[0] != '\0';
}

#define SEE_SERVER_NAME "See server name above, under Server."

static const struct {
    const char *id;
    bool (*is_proved)(const struct ria_facts *facts);
    const char *text;
    const char *remedy;
} proved[] = {
    {"unreached",
     is_unreached,
     "No connection to the server could be established.",
     "See the remedy above, under Server."},
    {"no-endpoint",
     has_no_endpoint,
     "No token can be signed for this host.",
     "See endpoint above, under Server."},
    {"no-credentials",
     has_no_credentials,
     "There are no usable AWS credentials.",
     "See Credentials above. Compare with: aws sts get-caller-identity"},
    {"keys-rejected",
     has_rejected_keys,
     "AWS rejects the credentials themselves, so every token that they sign is refused.",
     "Get new ones: aws sso login, aws login, or new access keys."},
    {"no-tls",
     offers_no_tls,
     "The server offers no TLS. A token is sent only over TLS.",
     "Check host and port: RDS always offers TLS."},
    {"no-root-certificates",
     has_no_ca,
     "No root certificates are installed, so the server cannot be verified.",
     "rds-iam setup ca"},
    {"other-server",
     has_other_server,
     "The server is another one than the one that the token is signed for.",
     SEE_SERVER_NAME},
    {"other-ca",
     has_other_ca,
     "The server's certificate was not issued by the installed root certificates, so no token is "
     "sent.",
     "If this is a server of RDS, renew them: rds-iam setup ca"},
    {"name-unverified",
     has_unverified_name,
     "The certificate does not contain the name that the client dials, so no token is sent.",
     SEE_SERVER_NAME},
    {"no-passfile",
     has_no_passfile,
     "The service's passfile does not exist, so libpq sends no token.",
     "See passfile above, under Settings."},
    {"clock",
     has_wrong_clock,
     "This machine's clock is wrong. AWS rejects tokens whose time is 5 minutes off.",
     "timedatectl set-ntp true"},
    {"region",
     has_region_conflict,
     "The token is signed for another region than the one in the endpoint's name.",
     "Remove the region at {region_from}."},
    {"refused-here",
     is_refused_by_hook,
     "No token was sent: {refusal}",
     "Follow the text after the semicolon, and run rds-iam check again."},
};

static bool explain_proved(struct ria_facts *facts)
{
    for (size_t i = 0; i < sizeof(proved) / sizeof(proved[0]); i++) {
        if (proved[i].is_proved(facts)) {
            ria_cause_add(facts, proved[i].id, proved[i].text, proved[i].remedy);
            return true;
        }
    }
    return false;
}

/* -- 2. what the server's error says ---------------------------------------------------------- */

struct refusal {
    const char *id;
    const char *words; /* a part of the error's text */
    int64_t code;      /* MySQL's error number, if words is NULL */
    bool is_in;        /* the token was accepted; the error comes after that */
    const char *text;
    const char *remedy;
};

#define NOT_IAM_USER_SQL "GRANT rds_iam TO \"{user}\";"
#define THROTTLED                                                                                  \
    "The server checks at most 200 IAM logins per second, and it was over this limit or was slow."
#define CONNECTIONS "Close connections, or raise max_connections."
#define OTHER_DATABASE "Give another one: --dbname NAME"
#define NO_CONNECTION "The server has no free connection."
#define LATER "Use a connection pool, or spread the logins over time."

static const struct refusal refusals[] = {
    {"throttled", "competing requests", 0, false, THROTTLED, LATER},
    {"throttled", "rate limit exceeded", 0, false, THROTTLED, LATER},
    {"slow-verdict",
     "authentication due to timeout",
     0,
     false,
     "The server did not finish its check of the token in time. This happens on small instances "
     "that are short of memory.",
     "Try again. If it stays, look at FreeableMemory of the instance in CloudWatch."},
    {"not-in-rds-iam",
     "password authentication failed for user",
     0,
     false,
     "The server asked for a password of its own: the user is not a member of rds_iam, or does not "
     "exist.",
     "As an administrator: " NOT_IAM_USER_SQL},
    {"user-missing",
     "role \"",
     0,
     false,
     "The database user does not exist.",
     "As an administrator: rds-iam setup sql --engine postgres --username {user}"},
    {"no-database",
     "database \"",
     0,
     true,
     "The token was accepted. The database does not exist, or the user may not connect to it.",
     OTHER_DATABASE},
    {"database-denied",
     "permission denied for database",
     0,
     true,
     "The token was accepted. The user has no right to connect to this database.",
     "As an administrator: GRANT CONNECT ON DATABASE ... TO \"{user}\";"},
    {"replication-parameter",
     "replication",
     0,
     false,
     "The user may not start replication. With IAM, the parameter group needs "
     "rds.iam_auth_for_replication=1.",
     "Set rds.iam_auth_for_replication=1 and rds.logical_replication=1, and run: ALTER USER "
     "\"{user}\" WITH REPLICATION;"},
    {"hba",
     "pg_hba.conf",
     0,
     false,
     "The server's access rules refuse this connection, for example because it has no TLS "
     "(rds.force_ssl).",
     "Verify the server: sslmode=verify-full"},
    {"too-many-connections", "connection slots", 0, false, NO_CONNECTION, CONNECTIONS},
    {"too-many-connections", "too many", 0, false, NO_CONNECTION, CONNECTIONS},
    {"no-password-sent",
     "no password supplied",
     0,
     false,
     "The client sent no token: libpq found no line for this server in its passfile.",
     "Start the client with rds-iam exec, or add a service: rds-iam setup postgres"},
    {"iam-off",
     NULL,
     1524,
     false,
     "AWSAuthenticationPlugin is not loaded, because IAM authentication is turned off for this "
     "database.",
     "aws rds modify-db-instance --enable-iam-database-authentication ... (or modify-db-cluster)"},
    {"database-denied",
     NULL,
     1044,
     true,
     "The token was accepted. The user has no right to use this database.",
     "As an administrator: GRANT SELECT ON NAME.* TO '{user}'@'%';"},
    {"no-database",
     NULL,
     1049,
     true,
     "The token was accepted. The database does not exist.",
     OTHER_DATABASE},
    {"too-many-connections", NULL, 1040, false, NO_CONNECTION, CONNECTIONS},
    {"host-not-allowed",
     NULL,
     1130,
     false,
     "No account of this server allows connections from this machine's address.",
     "As an administrator, create the user for '%'."},
    {"tls-required",
     NULL,
     3159,
     false,
     "The server accepts only TLS connections.",
     "Verify the server: ssl-ca and ssl-verify-server-cert"},
    {"plugin-missing",
     NULL,
     2059,
     false,
     "The client library found no plugin that sends the token.",
     "Start the client with rds-iam exec, or set plugin-dir: rds-iam setup mysql"},
    {"no-token-sent",
     "using password: NO",
     0,
     false,
     "The client sent no token: the account does not use AWSAuthenticationPlugin, or does not "
     "exist "
     "under this name.",
     "As an administrator: SELECT user, host, plugin FROM mysql.user WHERE user = '{user}';"},
};

/* Returns the first row that fits the error, or NULL. */
static const struct refusal *find_known_error(const struct ria_facts *facts)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *row = &refusals[i];
        if (row->words != NULL ? strstr(facts->refusal, row->words) != NULL
                               : facts->refusal_code == row->code) {
            return row;
        }
    }
    return NULL;
}

/* -- 3. causes that look alike ---------------------------------------------------------------- */

static bool is_any(const struct ria_facts *facts)
{
    (void)facts;
    return true;
}

static bool is_postgres(const struct ria_facts *facts)
{
    return facts->target.engine == RIA_ENGINE_POSTGRES;
}

static bool is_mysql(const struct ria_facts *facts)
{
    return facts->target.engine == RIA_ENGINE_MYSQL;
}

static bool is_mapped(const struct ria_facts *facts)
{
    return facts->has_name && facts->name.is_mapped;
}

static bool is_session(const struct ria_facts *facts)
{
    return !facts->has_identity || strstr(facts->identity.arn, ":sts:") != NULL;
}

static bool is_cluster(const struct ria_facts *facts)
{
    return facts->has_name && strncmp(facts->name.kind, "cluster", 7) == 0;
}

static bool is_proxy(const struct ria_facts *facts)
{
    return facts->has_name && strcmp(facts->name.kind, "RDS Proxy") == 0;
}

static bool has_upper_case(const struct ria_facts *facts)
{
    const char *user = facts->target.login.user;
    return user != NULL && strpbrk(user, RIA_UPPER_LETTERS) != NULL;
}

#define SIMULATE                                                                                   \
    "aws iam simulate-principal-policy --policy-source-arn {role} --action-names rds-db:connect "  \
    "--resource-arns {resource}"
#define POLICY "rds-iam setup policy --hostname {host} --username {user}"

/* Ordered by how often each is the cause. A row is shown if the facts make it possible. */
static const struct {
    const char *id;
    bool (*is_possible)(const struct ria_facts *facts);
    const char *text;
    const char *remedy;
} alike[] = {
    {"policy-missing",
     is_any,
     "No IAM policy of {identity} allows rds-db:connect, or the policy names another user or "
     "another resource. This one is needed:",
     POLICY},
    {"policy-resource",
     is_cluster,
     "The policy names an instance (db-...). For a cluster's endpoints, it must name the cluster "
     "(cluster-...).",
     "{describe}"},
    {"policy-resource",
     is_proxy,
     "The policy names the database. For a proxy's endpoint, it must name the proxy (prx-...).",
     "aws rds describe-db-proxies --query \"DBProxies[].[DBProxyArn,Endpoint,RequireTLS]\""},
    {"policy-deny",
     is_any,
     "A Deny statement, a permissions boundary or a service control policy overrides the policy.",
     SIMULATE},
    {"session-policy",
     is_session,
     "The session was made with a session policy that does not allow rds-db:connect.",
     "Look for Policy or PolicyArns where the role is assumed. aws iam simulate-principal-policy "
     "does not see it."},
    {"account",
     is_any,
     "{identity} is in another AWS account than the database. No policy on the database can allow "
     "it.",
     "Assume a role in the database's account: role_arn in rds-iam's configuration."},
    {"iam-off", is_postgres, "IAM authentication is not enabled for the database.", "{describe}"},
    {"user-case",
     has_upper_case,
     "The user's name has upper-case letters. Names of users differ by case, and a name that was "
     "created without quotes is lower-case in PostgreSQL.",
     "{users}"},
    {"user-missing", is_any, "The database user {user} does not exist.", "{users}"},
    {"user-plugin",
     is_mysql,
     "The account was not created with AWSAuthenticationPlugin.",
     "rds-iam setup sql --engine mysql --username {user}"},
    {"signed-port",
     is_mapped,
     "The section at {mapped_by} names another port than the one of the endpoint.",
     "{describe}"},
};

static void explain_alike(struct ria_facts *facts)
{
    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
        if (alike[i].is_possible(facts)) {
            ria_cause_add(facts, alike[i].id, alike[i].text, alike[i].remedy);
        }
    }
}

/* Returns whether the error is one that RDS gives for every refused token. */
static bool is_ambiguous(const struct ria_facts *facts)
{
    return strstr(facts->refusal, "PAM authentication failed") != NULL ||
           facts->refusal_code == 1045;
}

bool ria_check_explain(struct ria_facts *facts)
{
    if (facts->verdict == RIA_VERDICT_IN || facts->verdict == RIA_VERDICT_NONE) {
        return false;
    }
    const struct refusal *row = find_known_error(facts);
    bool is_in = row != NULL && row->is_in && facts->verdict == RIA_VERDICT_SERVER;
    if (!is_in && explain_proved(facts)) {
        return false;
    }
    if (row != NULL) {
        ria_cause_add(facts, row->id, row->text, row->remedy);
    } else if (is_ambiguous(facts)) {
        explain_alike(facts);
    } else {
        ria_cause_add(
            facts,
            "unknown",
            "The server refused the login: {refusal}",
            "Look at the server's log.");
    }
    return is_in;
}
