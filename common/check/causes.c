/* SPDX-License-Identifier: MIT
 *
 * Explains a refused login in three steps: (1) what the server's own error says (known_errors.c);
 * (2) if the server names no cause, what the checks before the login have proved; (3) if the error
 * is one that RDS gives for every refused token, the causes that look alike. The first two steps
 * end at the first match. */
#include "check/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AHEAD_LIMIT = 240,  /* seconds; AWS rejects a time that is 5 minutes or more in the future */
    BEHIND_LIMIT = 840, /* seconds; a token is valid for 15 minutes */
};

/* -- what the checks have proved ----------------------------------------------------------- */

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

static bool has_no_service(const struct ria_facts *facts)
{
    return facts->is_service_missing;
}

static bool is_service_refused(const struct ria_facts *facts)
{
    return facts->is_service_refused && facts->verdict == RIA_VERDICT_OURS;
}

static bool has_failed_agent(const struct ria_facts *facts)
{
    return facts->is_agent_running && facts->has_agent_error && facts->verdict == RIA_VERDICT_OURS;
}

static bool has_no_passfile(const struct ria_facts *facts)
{
    return facts->is_passfile_missing && facts->verdict == RIA_VERDICT_OURS;
}

/* The server connects, but speaks no TLS of this engine: it is silent, closes the connection, or is
 * another kind of server. */
static bool has_no_answer(const struct ria_facts *facts)
{
    char error[16];
    return facts->is_reached && !facts->has_tls && !facts->offers_no_tls &&
           ria_probe_text(&facts->server, "error", error, sizeof(error));
}

static bool is_installation_incomplete(const struct ria_facts *facts)
{
    return facts->is_incomplete && facts->verdict == RIA_VERDICT_OURS;
}

bool ria_check_has_password(const struct ria_facts *facts)
{
    const char *variable = facts->target.engine == RIA_ENGINE_POSTGRES ? "PGPASSWORD" : "MYSQL_PWD";
    bool is_reported = facts->attempt.errors.len > 0 &&
                       strstr(facts->attempt.errors.data, "the program's own password") != NULL;
    return is_reported || facts->has_password || ria_world_env(facts->world, variable) != NULL;
}

static bool has_given_password(const struct ria_facts *facts)
{
    bool was_in = ria_probe_is(&facts->attempt, "login", "ok");
    return (facts->verdict == RIA_VERDICT_SERVER || was_in) && ria_check_has_password(facts);
}

/* A clock that is behind makes tokens that look old, one that is ahead makes tokens from the
 * future. The limits differ. */
static bool has_wrong_clock(const struct ria_facts *facts)
{
    int64_t behind = facts->identity.difference;
    return facts->identity.has_difference && (behind >= BEHIND_LIMIT || behind <= -AHEAD_LIMIT);
}

static bool has_region_conflict(const struct ria_facts *facts)
{
    char dotted[80];
    (void)snprintf(dotted, sizeof(dotted), ".%s.", facts->name.region);
    return facts->has_name && facts->name.partition != NULL &&
           strcmp(facts->name.region_from, "the endpoint's name") != 0 &&
           strstr(facts->name.endpoint, dotted) == NULL;
}

#define SEE_PASSFILE "See passfile above, under Settings."
#define SEE_SERVER_NAME "See server name above, under Server."

static const struct {
    const char *id;
    bool (*is_proved)(const struct ria_facts *facts);
    const char *text;
    const char *remedy;
} proved[] = {
    {"no-service",
     has_no_service,
     "The service does not exist.",
     "See service above, under Settings."},
    {"unreached",
     is_unreached,
     "No connection to the server could be established.",
     "See the remedy above, under Server."},
    {"no-answer",
     has_no_answer,
     "The address accepts connections, but no server of this engine answers with TLS.",
     "See TLS above, under Server."},
    {"no-endpoint",
     has_no_endpoint,
     "No token can be signed for this host.",
     "See endpoint above, under Server."},
    {"no-credentials",
     has_no_credentials,
     "No usable AWS credentials were found.",
     "See Credentials above. Compare with: aws sts get-caller-identity"},
    {"installation",
     is_installation_incomplete,
     "A file of rds-iam is missing or cannot be read, so no token was sent.",
     "See installation above, under Settings."},
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
    {"service-refused",
     is_service_refused,
     "The service does not qualify for tokens, so the agent does not serve it.",
     SEE_PASSFILE},
    {"agent",
     has_failed_agent,
     "The agent made no token.",
     "See agent's last error above, under Settings. The agent has an environment of its own."},
    {"no-passfile",
     has_no_passfile,
     "The service's passfile does not exist, so libpq sends no token.",
     SEE_PASSFILE},
    {"password-given",
     has_given_password,
     "A password was sent in place of a token: it is set in the environment or in a setting of the "
     "program.",
     "Remove it: PGPASSWORD, MYSQL_PWD, password= in an option file or in the service."},
    {"keys-rejected",
     has_rejected_keys,
     "AWS rejects the credentials themselves, so every token that they sign is refused.",
     "Get new ones: aws sso login, aws login, or new access keys."},
    {"clock",
     has_wrong_clock,
     "This machine's clock is wrong. AWS rejects tokens that are 15 minutes old, or 5 minutes "
     "ahead "
     "of its time.",
     "timedatectl set-ntp true"},
    {"region",
     has_region_conflict,
     "The token is signed for another region than the one in the endpoint's name.",
     "Remove the region at {region_from}."},
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

/* -- causes that look alike ------------------------------------------------------------------- */

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
    return facts->aws.is_for_other_resource ||
           (facts->has_name && strncmp(facts->name.kind, "cluster", 7) == 0);
}

static bool is_proxy(const struct ria_facts *facts)
{
    return facts->has_name && strcmp(facts->name.kind, "RDS Proxy") == 0;
}

static bool may_have_iam_off(const struct ria_facts *facts)
{
    return (is_postgres(facts) && !is_proxy(facts)) || facts->aws.is_iam_off;
}

/* AWS has excluded every other policy of this kind. */
static bool is_allowed(const struct ria_facts *facts)
{
    return facts->aws.decision == RIA_DECISION_ALLOWED;
}

static bool is_unmapped_tunnel(const struct ria_facts *facts)
{
    return !is_mapped(facts) && ria_aws_evidence(facts, "signed-port") == RIA_EVIDENCE_FOR;
}

static bool has_upper_case(const struct ria_facts *facts)
{
    const char *user = facts->target.login.user;
    return user != NULL && strpbrk(user, RIA_UPPER_LETTERS) != NULL;
}

static bool asks_for_replication(const struct ria_facts *facts)
{
    return facts->has_replication;
}

static bool is_mysql_upper(const struct ria_facts *facts)
{
    return is_mysql(facts) && has_upper_case(facts);
}

#define USER_CASE                                                                                  \
    "The user's name has upper-case letters. Names of users differ by case, and a name that was "  \
    "created without quotes is lower-case in PostgreSQL."
#define SIMULATE                                                                                   \
    "aws iam simulate-principal-policy --policy-source-arn {role} --action-names rds-db:connect "  \
    "--resource-arns {resource}"
#define POLICY "rds-iam setup policy --hostname {host} --username {user}{known}"

/* Ordered by how often each is the cause. A row is shown if the facts make it possible. */
static const struct {
    const char *id;
    bool (*is_possible)(const struct ria_facts *facts);
    const char *text;
    const char *remedy;
} alike[] = {
    {"replication-parameter",
     asks_for_replication,
     "With IAM, a replication connection needs rds.iam_auth_for_replication=1 in the parameter "
     "group.",
     "SHOW rds.iam_auth_for_replication; as an administrator"},
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
    {"service-control-policy",
     is_allowed,
     "A service control policy of the organization does not allow rds-db:connect.",
     "Ask the administrator of the organization for the policies of the account."},
    {"iam-off",
     may_have_iam_off,
     "IAM authentication is not enabled for the database.",
     "{describe}"},
    /* PostgreSQL asks PAM only for members of rds_iam, so that the user exists. */
    {"user-case", is_mysql_upper, USER_CASE, "{users}"},
    {"user-missing", is_mysql, "The database user {user} does not exist.", "{users}"},
    {"user-plugin",
     is_mysql,
     "The account was not created with AWSAuthenticationPlugin.",
     "rds-iam setup sql --engine mysql --username {user}"},
    {"signed-port",
     is_mapped,
     "The section at {mapped_by} names another endpoint, or another port than the endpoint's.",
     "{describe}"},
    {"signed-port",
     is_unmapped_tunnel,
     "The token is signed for the port that the client dials, which is not the endpoint's.",
     "See port above, under AWS."},
};

/* Adds the rows for which AWS has given this evidence. Returns whether there are any. */
static bool add_alike(struct ria_facts *facts, enum ria_evidence evidence)
{
    bool is_any_added = false;
    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
        if (ria_aws_evidence(facts, alike[i].id) == evidence && alike[i].is_possible(facts)) {
            ria_cause_add(facts, alike[i].id, alike[i].text, alike[i].remedy);
            is_any_added = true;
        }
    }
    return is_any_added;
}

/* What AWS has proved stands alone. Otherwise, what AWS has not excluded stands together. */
static void explain_alike(struct ria_facts *facts)
{
    if (!add_alike(facts, RIA_EVIDENCE_FOR)) {
        (void)add_alike(facts, RIA_EVIDENCE_NONE);
    }
}

/* Returns whether the error is one that RDS gives for every refused token. */
static bool is_ambiguous(const struct ria_facts *facts)
{
    return strstr(facts->refusal, "PAM authentication failed") != NULL ||
           strstr(facts->refusal, "IAM authentication failed for the role") != NULL ||
           facts->refusal_code == 1045;
}

static void add_known_error(struct ria_facts *facts, const struct ria_known_error *row)
{
    if (row->names_no_user && has_upper_case(facts)) {
        ria_cause_add(facts, "user-case", USER_CASE, "{users}");
    }
    ria_cause_add(facts, row->id, row->text, row->remedy);
}

bool ria_check_explain(struct ria_facts *facts)
{
    if (facts->verdict == RIA_VERDICT_IN ||
        (facts->verdict == RIA_VERDICT_NONE && !facts->is_service_missing)) {
        return false;
    }
    const struct ria_known_error *row = ria_known_error_find(facts);
    bool is_named = row != NULL && facts->verdict == RIA_VERDICT_SERVER;
    if (!is_named && explain_proved(facts)) {
        return false;
    }
    if (row != NULL) {
        add_known_error(facts, row);
    } else if (facts->verdict == RIA_VERDICT_OURS) {
        ria_cause_add(
            facts,
            "refused-here",
            "No token was sent: {refusal}",
            "Follow the text after the semicolon, and run rds-iam check again.");
    } else if (is_ambiguous(facts)) {
        explain_alike(facts);
    } else {
        ria_cause_add(
            facts,
            "unknown",
            "The server refused the login: {refusal}",
            "Look at the server's log.");
    }
    return is_named && row->is_in;
}
