/* SPDX-License-Identifier: MIT
 *
 * Explains a refused login. If the client's settings explain that no token was sent, shows only
 * this. Otherwise takes these steps, and stops at the first one that finds a cause:
 *
 *   1. Looks for an error of the server in the table of errors that name their cause
 *      (known_errors.c). If the agent refuses the service, only an error counts that proves that
 *      the server accepted the token.
 *   2. Looks for causes that the checks have proved (proved_causes.c).
 *   3. Looks for any other error in the table of step 1: an error of the client library, or an
 *      error of the server that did not count in step 1.
 *   4. If no token was sent, shows the reason.
 *   5. If RDS sends the error for every refused token, lists the possible causes that AWS has not
 *      excluded. If AWS has proved some of them, lists these and those that only the server knows.
 *   6. Shows the server's error. */
#include "check/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    bool is_dsql =
        facts->has_name &&
        ria_host_is_dsql(facts->name.endpoint); /* Aurora DSQL always uses IAM authentication */
    return (is_postgres(facts) && !is_proxy(facts) && !is_dsql) || facts->aws.is_iam_off;
}

/* Returns whether IAM's simulation allows the login. A service control policy is then a possible
 * cause, because the simulation ignores most service control policies. */
static bool is_allowed(const struct ria_facts *facts)
{
    return facts->aws.decision == RIA_DECISION_ALLOWED;
}

/* Returns whether the token may be signed for a wrong port: the dialed port is neither 5432 nor
 * 3306, or AWS reports another port. Returns false for a host that the configuration maps, because
 * another row of the table is for such hosts. Returns false for Aurora DSQL, whose tokens contain
 * no port. */
static bool has_unusual_port(const struct ria_facts *facts)
{
    unsigned port = facts->target.login.port;
    bool is_unusual = port != RIA_POSTGRES_PORT && port != RIA_MYSQL_PORT;
    return facts->has_name && !is_mapped(facts) && !ria_host_is_dsql(facts->name.endpoint) &&
           (is_unusual || ria_aws_evidence(facts, "signed-port") == RIA_EVIDENCE_FOR);
}

/* Returns whether the server's address is a loopback address. A tunnel may listen there. */
static bool is_local(const struct ria_facts *facts)
{
    char address[64];
    return ria_probe_text(&facts->server, "address", address, sizeof(address)) &&
           (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0);
}

/* Returns whether the client probably dials a tunnel for which the configuration has no section. */
static bool has_tunnel_port(const struct ria_facts *facts)
{
    return has_unusual_port(facts) && is_local(facts);
}

static bool has_direct_port(const struct ria_facts *facts)
{
    return has_unusual_port(facts) && !is_local(facts);
}

/* Returns whether STS has not confirmed the credentials, for example because it was not reached. If
 * STS has rejected them, a check has proved this cause, and the table is not used. */
static bool has_unknown_keys(const struct ria_facts *facts)
{
    return !facts->has_identity;
}

static bool has_unknown_clock(const struct ria_facts *facts)
{
    return !facts->has_identity && !facts->identity.has_difference;
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
    "The user's name has upper-case letters. The server distinguishes upper and lower case. "      \
    "PostgreSQL stores a name that was created without quotes in lower case."
#define SIMULATE                                                                                   \
    "aws iam simulate-principal-policy --policy-source-arn {role} --action-names rds-db:connect "  \
    "--resource-arns {resource}"
#define POLICY "rds-iam setup policy --hostname {host} --username {user}{known}"

#define SIGNED_PORT                                                                                \
    "The token is signed for port {port}, which the client dials. If this is a tunnel, the token " \
    "must be signed for the endpoint's port."
#define SIGNED_PORT_REMEDY "For a tunnel, write two lines into rds-iam's configuration: {section}"

/* The causes that look alike from the client, in the order in which they are shown: first those for
 * which this machine has evidence, then the others, beginning with the most frequent. A cause is
 * shown only if is_possible() returns true for the facts. If AWS has proved causes, they are shown
 * before all others (explain_alike()). */
static const struct {
    const char *id;
    bool (*is_possible)(const struct ria_facts *facts);
    const char *text;
    const char *remedy;
    bool is_of_server; /* only the server knows whether this cause is true, so it is also listed
                          beside a cause that AWS has proved */
} alike[] = {
    {"replication-parameter",
     asks_for_replication,
     "With IAM, a replication connection needs rds.iam_auth_for_replication=1 in the parameter "
     "group.",
     "As an administrator: SHOW rds.iam_auth_for_replication;",
     true},
    {"signed-port", has_tunnel_port, SIGNED_PORT, SIGNED_PORT_REMEDY, false},
    /* For MySQL only: PostgreSQL checks a token only for members of rds_iam, so a user whose token
     * was refused exists. */
    {"user-case", is_mysql_upper, USER_CASE, "{users}", true},
    {"user-missing", is_mysql, "The database user {user} does not exist.", "{users}", true},
    {"policy-missing",
     is_any,
     "No IAM policy of {identity} allows rds-db:connect, or the policy names another user or "
     "another resource. This command prints the policy that is needed:",
     POLICY,
     false},
    {"keys-rejected",
     has_unknown_keys,
     "The access key or the secret key is wrong, or the session has expired. STS has not confirmed "
     "them: see \"identity\" above, under Credentials.",
     "On a machine that reaches STS, with the same credentials: aws sts get-caller-identity",
     false},
    {"signed-port",
     is_mapped,
     "The section at {mapped_by} names a wrong endpoint, or a port that is not the endpoint's.",
     "{describe}",
     false},
    {"user-plugin",
     is_mysql,
     "The account was not created with AWSAuthenticationPlugin.",
     "rds-iam setup sql --engine mysql --username {user}",
     true},
    {"policy-resource",
     is_cluster,
     "The policy names an instance (db-...). For a cluster's endpoints, it must name the cluster "
     "(cluster-...).",
     "{describe}",
     false},
    {"policy-resource",
     is_proxy,
     "The policy names the database. For a proxy's endpoint, it must name the proxy (prx-...).",
     "aws rds describe-db-proxies --query \"DBProxies[].[DBProxyArn,Endpoint,RequireTLS]\"",
     false},
    {"policy-deny",
     is_any,
     "A Deny statement, a permissions boundary or a service control policy overrides the "
     "policy.{assumption}",
     SIMULATE,
     false},
    {"session-policy",
     is_session,
     "The session was made with a session policy that does not allow rds-db:connect.",
     "Look for Policy or PolicyArns in the call that assumes the role. aws iam "
     "simulate-principal-policy does not check a session policy.",
     false},
    {"account",
     is_any,
     "The database is in another AWS account than {identity}. No policy on the database can allow "
     "this login.",
     "Assume a role in the database's account: role_arn in rds-iam's configuration.",
     false},
    {"service-control-policy",
     is_allowed,
     "A service control policy of the organization does not allow rds-db:connect.",
     "Ask the administrator of the organization for the policies of the account.",
     false},
    {"iam-off",
     may_have_iam_off,
     "IAM authentication is not enabled for the database.",
     "{iam_setting}",
     false},
    {"clock",
     has_unknown_clock,
     "This machine's clock is wrong. STS has not reported its time.",
     "timedatectl set-ntp true",
     false},
    {"signed-port", has_direct_port, SIGNED_PORT, SIGNED_PORT_REMEDY, false},
};

/* Adds each possible cause for which the answers of AWS are evidence of this kind. If is_of_server
 * is true, adds only the causes that have is_of_server set in the table. Returns whether a cause
 * was added. */
static bool add_alike(struct ria_facts *facts, enum ria_evidence evidence, bool is_of_server)
{
    bool is_any_added = false;
    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
        if (ria_aws_evidence(facts, alike[i].id) == evidence && alike[i].is_possible(facts) &&
            (alike[i].is_of_server || !is_of_server)) {
            ria_cause_add(facts, alike[i].id, alike[i].text, alike[i].remedy);
            is_any_added = true;
        }
    }
    return is_any_added;
}

/* If AWS has proved some of the causes, adds these, and then the causes about which only the server
 * knows, because they may be true as well. Otherwise adds every possible cause that AWS has not
 * excluded.
 */
static void explain_alike(struct ria_facts *facts)
{
    bool is_proved = add_alike(facts, RIA_EVIDENCE_FOR, false);
    (void)add_alike(facts, RIA_EVIDENCE_NONE, is_proved);
}

/* Returns whether the error does not name its cause: RDS sends it for every refused token. */
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

/* Explains why other programs cannot log in, although this login has succeeded. */
static void explain_others(struct ria_facts *facts)
{
    if (facts->is_client_refused) {
        ria_cause_add(
            facts,
            "name-unverified",
            "[client] sets ssl-verify-server-cert. Programs that read [client], such as mariadb, "
            "therefore compare the certificate with {dialed}. The certificate does not contain "
            "{dialed}, so these programs send no token.",
            "{own_name}");
    }
}

bool ria_check_explain(struct ria_facts *facts)
{
    if (facts->verdict == RIA_VERDICT_IN) {
        explain_others(facts);
        return false;
    }
    bool is_refused = ria_check_is_service_refused(facts);
    if (facts->verdict == RIA_VERDICT_NONE && !facts->is_service_missing &&
        !facts->is_group_missing && !is_refused) {
        return false;
    }
    if (ria_check_explain_unsent(facts)) {
        return false;
    }
    const struct ria_known_error *row = ria_known_error_find(facts);
    bool is_named =
        row != NULL && facts->verdict == RIA_VERDICT_SERVER && (row->is_accepted || !is_refused);
    if (!is_named && ria_check_explain_proved(facts)) {
        return false;
    }
    if (row != NULL) {
        add_known_error(facts, row);
    } else if (facts->verdict == RIA_VERDICT_OURS) {
        ria_cause_add(
            facts,
            "refused-here",
            "No token was sent: {refusal}",
            "Correct what this text names, and run rds-iam check again.");
    } else if (is_ambiguous(facts)) {
        explain_alike(facts);
    } else {
        ria_cause_add(
            facts,
            "unknown",
            "The server refused the login: {refusal}",
            "Look at the server's log.");
    }
    return is_named && row->is_accepted;
}
