/* SPDX-License-Identifier: MIT
 *
 * Replaces the placeholders in the texts of the causes (causes.c, proved_causes.c, known_errors.c).
 * If the name of the database user contains special characters, writes USER in place of the name,
 * so that a command or an SQL statement can be copied safely. */

#include "check/facts.h"

#include <stdio.h>
#include <string.h>

enum {
    VALUE_SIZE = 700
};

bool ria_check_is_plain(const char *text)
{
    return text != NULL && *text != '\0' && text[strspn(text, RIA_ALNUM "_-.@")] == '\0';
}

static void add_user(const struct ria_facts *facts, struct ria_buf *out)
{
    const char *user = facts->target.login.user;
    ria_buf_add_text(out, ria_check_is_plain(user) ? user : "USER");
}

static void add_error_text(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->refusal);
}

static void add_given(const struct ria_facts *facts, struct ria_buf *out)
{
    const char *place = ria_check_password_place(facts);
    ria_buf_add_text(out, place == NULL ? "the client" : place);
}

static void add_given_len(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_addf(out, "%zu", facts->given_len);
}

static void add_credentials_error(const struct ria_facts *facts, struct ria_buf *out)
{
    bool is_known = facts->has_name && facts->credentials != RIA_FOUND;
    ria_buf_add_text(out, is_known ? facts->credentials_error.text : "See Credentials above.");
}

static void add_name_error(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->name_error.text);
}

static void add_service_error(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->service_error.text);
}

static void add_agent_start(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->agent_start);
}

static void add_ca_error(const struct ria_facts *facts, struct ria_buf *out)
{
    const char *text = facts->ca_error.text;
    ria_buf_add_text(out, *text == '\0' ? "rds-iam setup ca" : text);
}

static void add_ca_path(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->ca_file);
}

const char *ria_check_other_roots(const struct ria_target *target)
{
    bool is_configured = target->ca == target->ca_path;
    return target->ca == NULL        ? "renew them: rds-iam setup ca"
           : !is_configured          ? "omit --ca, and run: rds-iam setup ca"
           : target->service != NULL ? "name the file of rds-iam setup ca in sslrootcert"
                                     : "name the file of rds-iam setup ca in ssl-ca";
}

static void add_other_roots(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, ria_check_other_roots(&facts->target));
}

static void add_group(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->target.group == NULL ? "GROUP" : facts->target.group);
}

static void add_endpoint(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->has_name ? facts->name.endpoint : "HOST");
}

static void add_dialed(const struct ria_facts *facts, struct ria_buf *out)
{
    const char *host = facts->target.login.host;
    ria_buf_add_text(out, host == NULL ? "HOST" : host);
}

static void add_own_name(const struct ria_facts *facts, struct ria_buf *out)
{
    char remedy[VALUE_SIZE];
    ria_check_own_name_remedy(facts, remedy, sizeof(remedy));
    ria_buf_add_text(out, remedy);
}

static void add_signed_port(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_addf(out, "%u", facts->name.port);
}

/* Writes the section for a tunnel to the endpoint. The endpoint's port is the one that AWS reports,
 * or the usual one. */
static void add_tunnel_section(const struct ria_facts *facts, struct ria_buf *out)
{
    bool is_postgres = facts->target.engine == RIA_ENGINE_POSTGRES;
    unsigned usual = is_postgres ? RIA_POSTGRES_PORT : RIA_MYSQL_PORT;
    ria_buf_addf(
        out,
        "[%s:%u], then endpoint=%s:%u",
        facts->name.endpoint,
        facts->target.login.port,
        facts->name.endpoint,
        facts->aws.port != 0 ? facts->aws.port : usual);
}

static void add_mapped_by(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->name.mapped_by);
}

static void add_region_from(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->name.region_from);
}

static void add_caller(const struct ria_facts *facts, struct ria_buf *out)
{
    ria_buf_add_text(out, facts->has_identity ? facts->identity.arn : "the credentials' identity");
}

/* Writes the ARN of the user or role behind the identity. If the check with --aws has not found
 * this ARN, converts the ARN of a role's session, arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION,
 * to arn:aws:iam::ACCOUNT:role/NAME. For a role with a path, this result is wrong, because the
 * session's ARN does not contain the path. */
static void add_role_arn(const struct ria_facts *facts, struct ria_buf *out)
{
    static const char words[] = ":assumed-role/";
    const char *arn = facts->identity.arn;
    const char *at = strstr(arn, words);
    const char *service = strstr(arn, ":sts::");
    if (facts->aws.principal[0] != '\0') {
        ria_buf_add_text(out, facts->aws.principal);
    } else if (!facts->has_identity) {
        ria_buf_add_text(out, "ROLE_ARN");
    } else if (at == NULL || service == NULL || service > at) {
        ria_buf_add_text(out, arn);
    } else {
        const char *name = at + strlen(words);
        ria_buf_add(out, arn, (size_t)(service - arn));
        ria_buf_add_text(out, ":iam::");
        ria_buf_add(out, service + strlen(":sts::"), (size_t)(at - service) - strlen(":sts::"));
        ria_buf_addf(out, ":role/%.*s", (int)strcspn(name, "/"), name);
    }
}

/* Writes the account of the identity. An IAM policy can allow the login only if the database is in
 * this account. */
static void add_account(const struct ria_facts *facts, struct ria_buf *out)
{
    char account[RIA_AWS_ACCOUNT_SIZE];
    (void)ria_arn_field(facts->identity.arn, 4, account, sizeof(account));
    ria_buf_add_text(out, account[0] == '\0' ? "ACCOUNT" : account);
}

static bool is_dsql(const struct ria_facts *facts)
{
    return facts->has_name && ria_host_is_dsql(facts->name.endpoint);
}

/* Appends the action that a policy must allow for this login. */
static void add_action_name(const struct ria_facts *facts, struct ria_buf *out)
{
    const char *user = facts->target.login.user;
    bool is_admin = user != NULL && ria_dsql_user_is_admin(user);
    ria_buf_add_text(
        out,
        !is_dsql(facts) ? "rds-db:connect"
        : is_admin      ? "dsql:DbConnectAdmin"
                        : "dsql:DbConnect");
}

/* Appends the ARN of an Aurora DSQL cluster. */
static void add_cluster_arn(const struct ria_facts *facts, struct ria_buf *out)
{
    const struct ria_login_facts *name = &facts->name;
    ria_buf_addf(out, "arn:%s:dsql:%s:", name->partition, name->region);
    add_account(facts, out);
    ria_buf_addf(out, ":cluster/%.*s", (int)strcspn(name->endpoint, "."), name->endpoint);
}

static void add_resource(const struct ria_facts *facts, struct ria_buf *out)
{
    const char *partition = facts->name.partition;
    const struct ria_aws_facts *aws = &facts->aws;
    if (is_dsql(facts)) {
        add_cluster_arn(facts, out);
        return;
    }
    if (aws->resource[0] != '\0') {
        ria_buf_addf(
            out,
            "arn:%s:rds-db:%s:%s:dbuser:%s/",
            aws->partition,
            aws->region,
            aws->account,
            aws->resource);
        add_user(facts, out);
        return;
    }
    ria_buf_addf(
        out,
        "arn:%s:rds-db:%s:",
        partition == NULL ? "aws" : partition,
        facts->has_name ? facts->name.region : "REGION");
    add_account(facts, out);
    ria_buf_add_text(out, ":dbuser:RESOURCE_ID/");
    add_user(facts, out);
}

static void add_known(const struct ria_facts *facts, struct ria_buf *out)
{
    if (facts->aws.resource[0] != '\0') {
        ria_buf_addf(
            out, " --account %s --resource-id %s", facts->aws.account, facts->aws.resource);
    }
}

static void add_describe(const struct ria_facts *facts, struct ria_buf *out)
{
    const char *host = facts->name.endpoint;
    bool is_cluster = strncmp(facts->name.kind == NULL ? "" : facts->name.kind, "cluster", 7) == 0;
    ria_buf_addf(
        out,
        is_cluster ? "aws rds describe-db-clusters --region %s --query "
                     "\"DBClusters[?Endpoint=='%s'||ReaderEndpoint=='%s']."
                     "[IAMDatabaseAuthenticationEnabled,DbClusterResourceId,Port]\""
                   : "aws rds describe-db-instances --region %s --query "
                     "\"DBInstances[?Endpoint.Address=='%s']."
                     "[IAMDatabaseAuthenticationEnabled,DbiResourceId,Endpoint.Port]\"",
        facts->name.region,
        host,
        host);
}

/* Writes the command that enables IAM authentication. For a custom endpoint and for a global
 * database, only AWS knows the name of the cluster. If AWS has not reported it, writes NAME. */
static void add_enable(const struct ria_facts *facts, struct ria_buf *out)
{
    const struct ria_aws_facts *aws = &facts->aws;
    const char *host = facts->name.endpoint;
    const char *kind = facts->name.kind;
    bool is_global = kind != NULL && strncmp(kind, "global", 6) == 0;
    bool is_cluster = is_global || aws->other_resource[0] != '\0' ||
                      (kind != NULL && strncmp(kind, "cluster", 7) == 0);
    bool is_custom = is_global || (kind != NULL && strcmp(kind, "cluster (custom endpoint)") == 0);
    ria_buf_addf(
        out,
        is_cluster ? "aws rds modify-db-cluster --region %s --db-cluster-identifier "
                   : "aws rds modify-db-instance --region %s --db-instance-identifier ",
        facts->name.region);
    if (ria_check_is_plain(aws->database)) {
        ria_buf_add_text(out, aws->database);
    } else {
        ria_buf_addf(
            out, "%.*s", is_custom ? 4 : (int)strcspn(host, "."), is_custom ? "NAME" : host);
    }
    ria_buf_add_text(out, " --enable-iam-database-authentication --apply-immediately");
}

/* Writes the command that enables IAM authentication if AWS has reported that it is not enabled,
 * otherwise the command that shows the setting. A proxy has another setting. */
static void add_iam_setting(const struct ria_facts *facts, struct ria_buf *out)
{
    const char *kind = facts->name.kind == NULL ? "" : facts->name.kind;
    bool is_proxy = strcmp(kind, "RDS Proxy") == 0;
    (facts->aws.is_iam_off && !is_proxy ? add_enable : add_describe)(facts, out);
}

/* Writes nothing if AWS has reported the database's account and resource id. Otherwise writes which
 * account the resource contains, and how to find the values for the words in capitals in the
 * command. */
static void add_assumption(const struct ria_facts *facts, struct ria_buf *out)
{
    if (facts->aws.resource[0] == '\0') {
        ria_buf_add_text(out, " The command is for a database in the account of ");
        add_caller(facts, out);
        ria_buf_add_char(out, '.');
        if (!facts->has_identity) {
            ria_buf_add_text(
                out, " aws sts get-caller-identity shows the account and the user or role.");
        }
        if (!is_dsql(facts)) {
            ria_buf_add_text(
                out,
                facts->target.asks_aws
                    ? " rds-iam setup policy prints the command that finds RESOURCE_ID."
                    : " rds-iam check --aws fills in RESOURCE_ID; rds-iam setup policy prints the "
                      "command that finds it.");
        }
    }
}

static void add_users(const struct ria_facts *facts, struct ria_buf *out)
{
    bool is_postgres = facts->target.engine == RIA_ENGINE_POSTGRES;
    ria_buf_add_text(
        out,
        is_postgres
            ? "As an administrator: SELECT rolname, pg_has_role(rolname, 'rds_iam', "
              "'member') FROM pg_roles WHERE lower(rolname) = lower('"
            : "As an administrator: SELECT user, host, plugin FROM mysql.user WHERE user = '");
    add_user(facts, out);
    ria_buf_add_text(out, is_postgres ? "');" : "';");
}

static const struct {
    const char *name;
    void (*add)(const struct ria_facts *facts, struct ria_buf *out);
} placeholders[] = {
    {"{user}", add_user},
    {"{host}", add_endpoint},
    {"{dialed}", add_dialed},
    {"{own_name}", add_own_name},
    {"{port}", add_signed_port},
    {"{section}", add_tunnel_section},
    {"{mapped_by}", add_mapped_by},
    {"{refusal}", add_error_text},
    {"{credentials_error}", add_credentials_error},
    {"{name_error}", add_name_error},
    {"{service_error}", add_service_error},
    {"{agent_start}", add_agent_start},
    {"{ca_error}", add_ca_error},
    {"{ca_file}", add_ca_path},
    {"{other_roots}", add_other_roots},
    {"{given}", add_given},
    {"{given_len}", add_given_len},
    {"{group}", add_group},
    {"{region_from}", add_region_from},
    {"{identity}", add_caller},
    {"{role}", add_role_arn},
    {"{resource}", add_resource},
    {"{known}", add_known},
    {"{describe}", add_describe},
    {"{enable}", add_enable},
    {"{iam_setting}", add_iam_setting},
    {"{assumption}", add_assumption},
    {"{users}", add_users},
    {"rds-db:connect", add_action_name}, /* Aurora DSQL has actions of its own */
};

/* If the text begins with a placeholder, appends the value of the placeholder, and returns the
 * placeholder's length; otherwise returns 0. Replaces control characters in the value, because the
 * value may come from the user or from the server. */
static size_t fill_placeholder(const struct ria_facts *facts, const char *text, struct ria_buf *out)
{
    const size_t count = sizeof(placeholders) / sizeof(placeholders[0]);
    size_t start = out->len;
    size_t i = 0;
    while (i < count && strncmp(text, placeholders[i].name, strlen(placeholders[i].name)) != 0) {
        i++;
    }
    if (i == count) {
        return 0;
    }
    placeholders[i].add(facts, out);
    if (!out->failed && out->len > start) {
        ria_printable(out->data + start);
    }
    return strlen(placeholders[i].name);
}

/* Appends the text with its placeholders replaced. */
static void fill_in(const struct ria_facts *facts, const char *text, struct ria_buf *out)
{
    while (*text != '\0') {
        size_t len = fill_placeholder(facts, text, out);
        if (len == 0) {
            ria_buf_add_char(out, *text);
            len = 1;
        }
        text += len;
    }
}

void ria_cause_add(struct ria_facts *facts, const char *id, const char *text, const char *remedy)
{
    RIA_AUTO(buf) filled = {.max = (size_t)2 * RIA_REPORT_TEXT_MAX};
    RIA_AUTO(buf) filled_remedy = {.max = (size_t)2 * RIA_REPORT_TEXT_MAX};
    fill_in(facts, text, &filled);
    fill_in(facts, remedy, &filled_remedy);
    const char *whole = ria_buf_text(&filled);
    const char *whole_remedy = ria_buf_text(&filled_remedy);
    if (!facts->report->has_causes) {
        ria_report_begin_causes(facts->report, "Why, and what to do:");
    }
    ria_report_add_cause(
        facts->report,
        id,
        whole == NULL ? text : whole,
        whole_remedy == NULL ? remedy : whole_remedy);
}
