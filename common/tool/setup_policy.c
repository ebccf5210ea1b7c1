/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup policy: prints an IAM policy that allows a login to one database as one user. A
 * policy for Aurora DSQL cannot name a user: it allows a login as admin, or as every user except
 * admin. The policy's partition, the kind of its resource id and, unless --region is given, its
 * region come from the endpoint. An endpoint of Aurora DSQL also contains the cluster's id. If
 * neither the endpoint nor an option gives a value, the policy contains a placeholder in capital
 * letters. For each placeholder, a note on stderr names the command that shows the value, or the
 * commands that lead to it. Rejects a resource id that contains a wildcard, or whose kind does not
 * fit the endpoint. Escapes the wildcards in the user's name. */
#include "cli/command_line.h"
#include "tool/json_writer.h"
#include "tool/sql_name.h"
#include "tool/tool.h"

#include <stdio.h>

enum {
    POLICY_MAX = 16 * 1024,
    COMMAND_MAX = 2048,
    USER_BYTES_MAX = 255, /* more than every engine's limit */
    ACCOUNT_DIGITS = 12,
    ID_LEAST = 16, /* the least number of characters after the prefix; today's ids have 17 to 32 */
    ID_MOST = 64,
    PREFIXES = 2,
    SHOWN_SIZE = 96,
};

struct policy {
    struct ria_login login;
    const char *port;
    const char *account;
    const char *resource_id;
    struct ria_database database;
};

static const struct ria_option options[] = {
    {"hostname",
     "HOST",
     "the endpoint, or a host that rds-iam's configuration maps to one",
     RIA_REQUIRED(struct policy, login.host)},
    {"port",
     "PORT",
     "its port; only needed if a section of the configuration names HOST:PORT",
     RIA_VALUE(struct policy, port)},
    {"username",
     "USER",
     "the database user; IAM policies distinguish upper and lower case",
     RIA_REQUIRED(struct policy, login.user)},
    {"account",
     "ID",
     "the account that owns the database, 12 digits",
     RIA_VALUE(struct policy, account)},
    {"resource-id",
     "ID",
     "db-... of an instance, cluster-... of a cluster (also for each instance of Aurora), prx-... "
     "of an RDS Proxy; not the name of the database, and not for Aurora DSQL",
     RIA_VALUE(struct policy, resource_id)},
    {"region",
     "REGION",
     "the region of the database; default: the region in the endpoint's name",
     RIA_VALUE(struct policy, login.region)},
};

static const struct ria_syntax setup_policy_syntax = {
    .usage = "rds-iam setup policy --hostname HOST --username USER [OPTION...]\n",
    .about = "Prints the IAM policy that allows a login as USER to one database: the action\n"
             "rds-db:connect on\n"
             "arn:PARTITION:rds-db:REGION:ACCOUNT:dbuser:RESOURCE_ID/USER. Attach the policy\n"
             "to the role or user of the client, in the account of the database.\n"
             "\n"
             "A policy for Aurora DSQL names no user. For the user admin, it allows\n"
             "dsql:DbConnectAdmin. For any other user, it allows dsql:DbConnect, and so a\n"
             "login as every user except admin. The resource is\n"
             "arn:PARTITION:dsql:REGION:ACCOUNT:cluster/ID, with the ID that the endpoint\n"
             "contains.\n"
             "\n"
             "Without --account, the policy contains the placeholder ACCOUNT_ID. Without\n"
             "--resource-id, it contains RESOURCE_ID, except for Aurora DSQL. Notes on stderr\n"
             "explain how to find these values. A policy with a placeholder allows nothing.\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
};

/* -- resource ids ---------------------------------------------------------------------------- */

#define FIND_CLUSTER                                                                               \
    "aws rds describe-db-clusters --region #R --output text --query \"DBClusters[?Endpoint=='#H' " \
    "|| ReaderEndpoint=='#H' || (CustomEndpoints && contains(CustomEndpoints, '#H'))]"             \
    ".DbClusterResourceId\""

/* For each kind of database: the prefixes of its resource ids, a description of the id, and a
 * command. If `next` is NULL, the command shows the id. Otherwise it shows an ARN, with which the
 * command `next` shows the id. #H stands for the endpoint, #R for the region, and CLUSTER_ARN for
 * this ARN. */
static const struct {
    const char *prefixes[PREFIXES];
    const char *what;
    const char *command;
    const char *next;
} kinds[] = {
    [RIA_DATABASE_INSTANCE] =
        {{"db-", "cluster-"},
         "db-... of the instance, or cluster-... of its cluster",
         "aws rds describe-db-instances --region #R --output text --query "
         "\"DBInstances[?Endpoint.Address=='#H'].[DbiResourceId, DBClusterIdentifier]\"",
         NULL},
    [RIA_DATABASE_CLUSTER] = {{"cluster-"}, "cluster-... of the cluster", FIND_CLUSTER, NULL},
    [RIA_DATABASE_PROXY] =
        {{"prx-"},
         "prx-... at the end of the proxy's ARN",
         "aws rds describe-db-proxies --region #R --output text --query "
         "\"DBProxies[?Endpoint=='#H'].DBProxyArn\" (if #H is an additional endpoint of a proxy, "
         "first find the name of the proxy: aws rds describe-db-proxy-endpoints --region #R "
         "--output text --query \"DBProxyEndpoints[?Endpoint=='#H'].DBProxyName\")",
         NULL},
    [RIA_DATABASE_SHARD_GROUP] =
        {{"cluster-", "shardgroup-"},
         "cluster-... of the shard group's cluster",
         "aws rds describe-db-shard-groups --region #R --output text --query "
         "\"DBShardGroups[?Endpoint=='#H'].[DBShardGroupResourceId, DBClusterIdentifier]\"",
         NULL},
    [RIA_DATABASE_GLOBAL] =
        {{"cluster-"},
         "cluster-... of the writer cluster",
         "aws rds describe-global-clusters --region #R --output text --query "
         "\"GlobalClusters[?Endpoint=='#H'].GlobalClusterMembers[] | [?IsWriter].DBClusterArn\"",
         "aws rds describe-db-clusters --region #R --output text --db-cluster-identifier "
         "CLUSTER_ARN --query \"DBClusters[].DbClusterResourceId\""},
    [RIA_DATABASE_DSQL] = {{NULL}, NULL, NULL, NULL}, /* the id is in the host name */
};

/* If the resource id begins with a prefix of this kind of database, returns the text after the
 * prefix. Otherwise returns NULL. */
static const char *after_prefix(enum ria_database_kind kind, const char *id)
{
    for (size_t i = 0; i < PREFIXES && kinds[kind].prefixes[i] != NULL; i++) {
        size_t len = strlen(kinds[kind].prefixes[i]);
        if (strncmp(id, kinds[kind].prefixes[i], len) == 0) {
            return id + len;
        }
    }
    return NULL;
}

/* Returns whether the text after the prefix (`rest`) has the form that it has in a resource id. In
 * a resource id of an instance or a cluster, this text consists of capital letters and digits. The
 * names of databases and the labels of a host name contain small letters, so this check also
 * rejects a name or a label. */
static bool is_id(const char *id, const char *rest)
{
    bool has_capitals = strncmp(id, "db-", 3) == 0 || strncmp(id, "cluster-", 8) == 0;
    static const char capitals[] = RIA_UPPER_LETTERS RIA_DIGITS;
    size_t len = strspn(rest, has_capitals ? capitals : RIA_ALNUM);
    return rest[len] == '\0' && len >= ID_LEAST && len <= ID_MOST;
}

static const char *policy_shown(const char *value, char out[SHOWN_SIZE])
{
    (void)ria_text_copy(out, SHOWN_SIZE, value);
    ria_printable(out);
    return out;
}

/* Checks --resource-id. Returns RIA_CONTINUE, or prints a usage error and returns its status. */
static int check_resource_id(const char *command, const struct policy *policy)
{
    char shown[SHOWN_SIZE];
    const char *id = policy->resource_id;
    enum ria_database_kind kind = policy->database.kind;
    if (id == NULL) {
        return RIA_CONTINUE;
    }
    if (kind == RIA_DATABASE_DSQL) {
        return ria_usage(
            command,
            "%s is an Aurora DSQL endpoint, which contains the id of its cluster; leave out "
            "--resource-id",
            policy->database.host);
    }
    if (strpbrk(id, "*?$") != NULL) {
        return ria_usage(
            command,
            "--resource-id \"%s\" contains a wildcard, which would allow a login to other "
            "databases; give the id of one database",
            policy_shown(id, shown));
    }
    const char *rest = after_prefix(kind, id);
    if (rest == NULL) {
        return ria_usage(
            command,
            "--resource-id \"%s\" does not fit %s, which needs %s",
            policy_shown(id, shown),
            policy->database.host,
            kinds[kind].what);
    }
    if (!is_id(id, rest)) {
        return ria_usage(
            command,
            "--resource-id \"%s\" is not a resource id such as db-ABCDEFGHIJKL01234; give neither "
            "the name of the database nor a part of the host name; without --resource-id, this "
            "command prints how to find the id",
            policy_shown(id, shown));
    }
    return RIA_CONTINUE;
}

/* -- the other values ------------------------------------------------------------------------ */

/* Checks the values that need no endpoint. Returns RIA_CONTINUE, or prints a usage error and
 * returns its status. */
static int check_policy_values(const char *command, const struct policy *policy)
{
    char shown[SHOWN_SIZE];
    const char *account = policy->account;
    if (account != NULL &&
        (strlen(account) != ACCOUNT_DIGITS || account[strspn(account, RIA_DIGITS)] != '\0')) {
        return ria_usage(
            command,
            "--account \"%s\" is not an account number; write its 12 digits, without dashes",
            policy_shown(account, shown));
    }
    const char *fault = ria_name_fault(policy->login.user);
    if (fault == NULL && strlen(policy->login.user) > USER_BYTES_MAX) {
        fault = "is longer than a database allows";
    }
    return fault == NULL ? RIA_CONTINUE
                         : ria_usage(command, "the name in --username %s; correct it", fault);
}

/* Finds the database. Returns RIA_CONTINUE, or prints the error and returns the exit status. */
static int find_database(struct policy *policy, const struct ria_world *world)
{
    struct ria_error err;
    if (ria_login_database(&policy->login, world, &policy->database, &err)) {
        return RIA_CONTINUE;
    }
    if (err.code == RIA_E_ENDPOINT && policy->login.port > 0) {
        struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
        ria_alias_explain(&policy->login, deadline, world, &err);
    }
    return ria_failure("%s", err.text);
}

/* -- the policy ------------------------------------------------------------------------------ */

/* Appends the user's name with IAM's own escapes for the characters that have a meaning in a
 * resource: ${*}, ${?} and ${$} (IAM User Guide, "IAM policy elements: Variables and tags"). */
static void add_policy_user(const char *user, struct ria_buf *arn)
{
    for (; *user != '\0'; user++) {
        if (strchr("*?$", *user) != NULL) {
            ria_buf_addf(arn, "${%c}", *user);
        } else {
            ria_buf_add_char(arn, *user);
        }
    }
}

/* Appends the ARN of the database user or, for Aurora DSQL, of the cluster. */
static void add_policy_resource(const struct policy *policy, struct ria_buf *arn)
{
    const struct ria_database *database = &policy->database;
    bool is_dsql = database->kind == RIA_DATABASE_DSQL;
    ria_buf_addf(
        arn,
        "arn:%s:%s:%s:%s:",
        database->partition,
        is_dsql ? "dsql" : "rds-db",
        database->region,
        policy->account == NULL ? "ACCOUNT_ID" : policy->account);
    if (is_dsql) {
        ria_buf_add_text(arn, "cluster/");
        ria_buf_add(arn, database->host, strcspn(database->host, "."));
        return;
    }
    ria_buf_addf(
        arn, "dbuser:%s/", policy->resource_id == NULL ? "RESOURCE_ID" : policy->resource_id);
    add_policy_user(policy->login.user, arn);
}

static const char *policy_action(const struct policy *policy)
{
    if (policy->database.kind != RIA_DATABASE_DSQL) {
        return "rds-db:connect";
    }
    return ria_dsql_user_is_admin(policy->login.user) ? "dsql:DbConnectAdmin" : "dsql:DbConnect";
}

static int print_policy(const struct policy *policy)
{
    RIA_AUTO(buf) arn = {.max = POLICY_MAX};
    RIA_AUTO(buf) text = {.max = POLICY_MAX};
    add_policy_resource(policy, &arn);
    const char *resource = ria_buf_text(&arn);
    struct ria_json_writer json = {.out = &text};
    ria_json_writer_object(&json, NULL);
    ria_json_writer_text(&json, "Version", RIA_POLICY_VERSION);
    ria_json_writer_array(&json, "Statement");
    ria_json_writer_object(&json, NULL);
    ria_json_writer_text(&json, "Effect", "Allow");
    ria_json_writer_text(&json, "Action", policy_action(policy));
    ria_json_writer_text(&json, "Resource", resource);
    ria_json_writer_end(&json);
    ria_json_writer_end(&json);
    ria_json_writer_end(&json);
    const char *document = ria_json_writer_finish(&json);
    return document == NULL || resource == NULL ? ria_out_of_memory() : ria_print(document);
}

/* -- the notes ------------------------------------------------------------------------------- */

static void policy_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void policy_note(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)ria_text_format_args(text, sizeof(text), format, args);
    va_end(args);
    ria_printable(text);
    (void)fprintf(stderr, "rds-iam: note: %s\n", text);
}

/* Appends a command in which #H is replaced by the database's endpoint, and #R by the database's
 * region. */
static void add_policy_command(
    const char *command, const struct ria_database *database, struct ria_buf *out)
{
    for (; *command != '\0'; command++) {
        bool is_host = strncmp(command, "#H", 2) == 0;
        if (is_host || strncmp(command, "#R", 2) == 0) {
            ria_buf_add_text(out, is_host ? database->host : database->region);
            command++;
        } else {
            ria_buf_add_char(out, *command);
        }
    }
}

/* Explains what the kind of the endpoint means for the resource id. */
static void note_kind(const struct policy *policy)
{
    const char *host = policy->database.host;
    bool is_of_cluster =
        policy->resource_id != NULL && strncmp(policy->resource_id, "cluster-", 8) == 0;
    switch (policy->database.kind) {
    case RIA_DATABASE_INSTANCE:
        if (!is_of_cluster) {
            policy_note(
                "the name %s does not show whether the instance belongs to a cluster (Aurora, "
                "Multi-AZ DB cluster). An instance of a cluster needs the cluster's id. To find "
                "it, replace CLUSTER_NAME by the name of the cluster, and run: aws rds "
                "describe-db-clusters --region %s --output text --db-cluster-identifier "
                "CLUSTER_NAME --query \"DBClusters[].DbClusterResourceId\"",
                host,
                policy->database.region);
        }
        return;
    case RIA_DATABASE_SHARD_GROUP:
        policy_note(
            "AWS does not document which id Aurora Limitless checks; if a login with the cluster's "
            "id is refused, use the id shardgroup-... of %s",
            host);
        return;
    case RIA_DATABASE_GLOBAL:
        policy_note(
            "the policy is for the cluster in %s; to log in after a failover to another region, "
            "add a policy for the cluster in that region",
            policy->database.region);
        return;
    case RIA_DATABASE_DSQL:
        if (!ria_dsql_user_is_admin(policy->login.user)) {
            policy_note(
                "the policy allows a login as every user of the cluster except admin. The user "
                "admin must also run the following SQL in the cluster. Replace DB_USER by the "
                "database user, and ACCOUNT_ID and ROLE_NAME by the account and the role of the "
                "client: AWS IAM GRANT DB_USER TO 'arn:%s:iam::ACCOUNT_ID:role/ROLE_NAME'",
                policy->database.partition);
        }
        return;
    case RIA_DATABASE_CLUSTER:
    case RIA_DATABASE_PROXY:
    default:
        return;
    }
}

static void print_notes(const struct policy *policy)
{
    const struct ria_database *database = &policy->database;
    bool has_command = kinds[database->kind].command != NULL;
    RIA_AUTO(buf) command = {.max = COMMAND_MAX};
    if (has_command) {
        add_policy_command(kinds[database->kind].command, database, &command);
    }
    if (kinds[database->kind].next != NULL) {
        ria_buf_add_text(&command, " to find the cluster's ARN, and then: ");
        add_policy_command(kinds[database->kind].next, database, &command);
    }
    if (policy->account == NULL) {
        policy_note(
            "replace ACCOUNT_ID by the 12 digits of the account that owns the database; with "
            "credentials of that account, run: aws sts get-caller-identity --query Account "
            "--output text");
    }
    if (has_command && policy->resource_id == NULL && ria_buf_text(&command) != NULL) {
        policy_note(
            "replace RESOURCE_ID by the id %s; run: %s",
            kinds[database->kind].what,
            ria_buf_text(&command));
    }
    note_kind(policy);
    if (database->kind != RIA_DATABASE_DSQL && strpbrk(policy->login.user, "*?$") != NULL) {
        policy_note(
            "in the policy, *, ? and $ of the user's name are written as ${*}, ${?} and ${$}, so "
            "that IAM does not take them for wildcards");
    }
}

int ria_setup_policy(int argc, char **argv, const struct ria_world *world)
{
    struct policy policy = {.login = {.channel = RIA_CHANNEL_NONE}};
    int status = ria_options_parse(argc, argv, &setup_policy_syntax, &policy);
    if (status == RIA_CONTINUE && policy.port != NULL) {
        status = ria_options_port(argv[0], policy.port, &policy.login.port);
    }
    if (status == RIA_CONTINUE) {
        status = check_policy_values(argv[0], &policy);
    }
    if (status == RIA_CONTINUE) {
        status = find_database(&policy, world);
    }
    if (status == RIA_CONTINUE) {
        status = check_resource_id(argv[0], &policy);
    }
    if (status == RIA_CONTINUE) {
        print_notes(&policy);
        status = print_policy(&policy);
    }
    return status;
}
