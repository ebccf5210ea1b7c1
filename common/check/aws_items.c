/* SPDX-License-Identifier: MIT
 *
 * With the credentials of the login, asks AWS what only AWS can tell about the login. Is the
 * database in the account of the identity? Is IAM authentication enabled for the database? Which
 * port and resource id does the database have? Do the identity's policies allow rds-db:connect?
 * Changes nothing. If the identity is not permitted to send a request, an item of the report names
 * the missing permission, and the requests that do not need this answer are still sent.
 *
 * Does not use a resource id or an account whose form is not valid. Does not simulate a policy for
 * a user name with a character, such as "*", that has a special meaning in an ARN. */
#include "check/facts.h"

#include <stdio.h>
#include <string.h>

enum {
    BUDGET_MS = 10000, /* time limit of one request */
    LABEL_SIZE = 64,   /* a label of a host name has up to 63 characters; with the NUL */
    ARN_REGION = 3,    /* index of a field of an ARN, counted from 0 */
    ARN_ACCOUNT = 4,
    RESOURCE_SIZE = 512, /* for the ARN of a database user */
};

#define ROLE_WORDS ":assumed-role/"

bool ria_arn_field(const char *arn, unsigned index, char *out, size_t size)
{
    for (unsigned i = 0; i < index && arn != NULL; i++) {
        arn = strchr(arn, ':');
        arn = arn == NULL ? NULL : arn + 1;
    }
    (void)snprintf(
        out, size, "%.*s", arn == NULL ? 0 : (int)strcspn(arn, ":"), arn == NULL ? "" : arn);
    return out[0] != '\0';
}

static bool has_only(const char *text, const char *characters)
{
    return *text != '\0' && text[strspn(text, characters)] == '\0';
}

/* Sends one request to AWS. Returns true if AWS answers it. On failure, returns false and adds an
 * item with the reason. Adds no item if AWS reports that the name does not exist. */
static bool aws_ask(
    struct ria_facts *facts,
    const char *item,
    const struct ria_inquiry *inquiry,
    struct ria_answer *answer)
{
    struct ria_error err;
    struct ria_deadline deadline = ria_deadline_in(facts->world, BUDGET_MS);
    if (ria_session_ask(&facts->target.login, inquiry, deadline, facts->world, answer, &err) ==
        RIA_FOUND) {
        return true;
    }
    const char *action = ria_question_action(inquiry->question);
    if (answer->kind == RIA_ANSWER_NOT_PERMITTED) {
        ria_report_add(
            facts->report,
            RIA_MARK_SKIPPED,
            item,
            NULL,
            "not permitted: %s; the other checks continue",
            action);
    } else if (answer->kind == RIA_ANSWER_NONE) {
        ria_report_add(
            facts->report, RIA_MARK_SKIPPED, item, NULL, "%s has no answer: %s", action, err.text);
    }
    return false;
}

/* -- the database ------------------------------------------------------------------------------ */

/* The request that is sent first for each kind of endpoint (login/inspect.c names the kinds). */
static const struct {
    const char *kind;
    enum ria_question question;
    const char *thing;
} first_questions[] = {
    {"instance", RIA_QUESTION_INSTANCE, "instance"},
    {"cluster (writer)", RIA_QUESTION_CLUSTER, "cluster"},
    {"cluster (reader)", RIA_QUESTION_CLUSTER, "cluster"},
    {"cluster (custom endpoint)", RIA_QUESTION_CLUSTER_ENDPOINT, "custom endpoint"},
    {"RDS Proxy", RIA_QUESTION_PROXY, "proxy"},
};

/* Adds the item for a database that is not in the account of the identity. `other` is the endpoint
 * of the database of the same name in this account, or NULL if this account has none. */
static void add_elsewhere(
    struct ria_facts *facts, const char *thing, const char *name, const char *other)
{
    char account[RIA_AWS_ACCOUNT_SIZE];
    (void)ria_arn_field(facts->identity.arn, ARN_ACCOUNT, account, sizeof(account));
    facts->aws.is_elsewhere = true;
    ria_report_add(
        facts->report,
        RIA_MARK_FAULT,
        "database",
        facts->name.is_mapped ? "The database is in another account, or rds-iam's configuration "
                                "names a wrong endpoint."
                              : "The database is in another account.",
        other == NULL ? "account %s has no %s %s in %s"
                      : "account %s has the %s %s in %s, but with another endpoint: %s",
        account,
        thing,
        name,
        facts->name.region,
        other);
}

/* Copies account, region and resource id from the answer. Returns false, with an empty resource id,
 * if the form of one of them is not valid. */
static bool take_resource(struct ria_facts *facts, const struct ria_answer *answer)
{
    struct ria_aws_facts *aws = &facts->aws;
    const char *arn = answer->text[RIA_ANSWER_ARN];
    const char *id = answer->text[RIA_ANSWER_RESOURCE_ID];
    const char *last = strrchr(arn, ':');
    if (id[0] == '\0' && last != NULL) {
        id = last + 1; /* for a proxy, the end of the ARN: prx-... */
    }
    bool ok = ria_arn_field(arn, 1, aws->partition, sizeof(aws->partition)) &&
              ria_arn_field(arn, ARN_REGION, aws->region, sizeof(aws->region)) &&
              ria_arn_field(arn, ARN_ACCOUNT, aws->account, sizeof(aws->account)) &&
              has_only(aws->partition, RIA_ALNUM "-") && has_only(aws->region, RIA_ALNUM "-") &&
              has_only(aws->account, RIA_DIGITS) && has_only(id, RIA_ALNUM "-") &&
              strlen(id) < sizeof(aws->resource);
    (void)ria_text_copy(aws->resource, sizeof(aws->resource), ok ? id : "");
    return ok;
}

static void add_database(struct ria_facts *facts, const char *name, const struct ria_answer *answer)
{
    const char *status = answer->text[RIA_ANSWER_STATUS];
    struct ria_aws_facts *aws = &facts->aws;
    aws->is_found = true;
    (void)ria_text_copy(aws->database, sizeof(aws->database), name);
    if (!take_resource(facts, answer)) {
        ria_report_add(
            facts->report,
            RIA_MARK_WARNING,
            "database",
            NULL,
            "AWS reports no valid resource id for the database");
        return;
    }
    ria_report_add(
        facts->report,
        strcmp(status, "available") == 0 ? RIA_MARK_OK : RIA_MARK_WARNING,
        "database",
        NULL,
        "%s of account %s: %s, %s",
        name,
        aws->account,
        aws->resource,
        status[0] == '\0' ? "its status is not known" : status);
}

static void add_iam(struct ria_facts *facts, const char *setting)
{
    static const struct {
        const char *setting;
        bool is_on;
    } settings[] = {
        {"true", true},
        {"false", false},
        {"REQUIRED", true}, /* the value for a proxy */
        {"ENABLED", true},
        {"DISABLED", false},
    };
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (strcmp(settings[i].setting, setting) == 0) {
            facts->aws.is_iam_on = settings[i].is_on;
            facts->aws.is_iam_off = !settings[i].is_on;
            ria_report_add(
                facts->report,
                settings[i].is_on ? RIA_MARK_OK : RIA_MARK_FAULT,
                "IAM login",
                NULL,
                "IAM authentication is %s",
                settings[i].is_on ? "enabled" : "not enabled");
        }
    }
}

static void add_port(struct ria_facts *facts, const char *text)
{
    unsigned port = ria_port_parse(text);
    facts->aws.port = port;
    if (port == facts->name.port) {
        ria_report_add(
            facts->report,
            RIA_MARK_OK,
            "port",
            NULL,
            "%u, the port that the token is signed for",
            port);
    } else if (port != 0) {
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "port",
            "Dial the endpoint's port, or set endpoint = ENDPOINT:PORT in rds-iam's configuration.",
            "the endpoint's port is %u, but the token is signed for %u",
            port,
            facts->name.port);
    }
}

/* Returns whether the token is signed for one of the endpoints in the answer. Also returns true if
 * the answer contains no endpoint, because AWS reports none while it is creating a database. */
static bool is_signed_host(const struct ria_facts *facts, const struct ria_answer *answer)
{
    const char *host = answer->text[RIA_ANSWER_ENDPOINT];
    return host[0] == '\0' || ria_ascii_same(host, facts->name.endpoint) ||
           ria_ascii_same(answer->text[RIA_ANSWER_READER_ENDPOINT], facts->name.endpoint);
}

/* Asks AWS for the cluster of an instance or a custom endpoint, because the cluster's resource id
 * and IAM setting count for the login. Replaces *answer by the answer about the cluster. Returns
 * false if AWS does not describe the cluster. */
static bool ask_cluster(struct ria_facts *facts, struct ria_answer *answer)
{
    char name[RIA_ANSWER_SIZE];
    char own_id[sizeof(facts->aws.other_resource)];
    (void)ria_text_copy(name, sizeof(name), answer->text[RIA_ANSWER_CLUSTER]);
    (void)ria_text_copy(own_id, sizeof(own_id), answer->text[RIA_ANSWER_RESOURCE_ID]);
    const struct ria_inquiry inquiry = {RIA_QUESTION_CLUSTER, name, NULL};
    if (!aws_ask(facts, "cluster", &inquiry, answer)) {
        return false;
    }
    memcpy(facts->aws.other_resource, own_id, sizeof(own_id));
    return true;
}

/* Asks AWS to describe the database and, if the database belongs to a cluster, the cluster. */
static void ask_database(
    struct ria_facts *facts, enum ria_question question, const char *thing, const char *name)
{
    struct ria_answer answer;
    const struct ria_inquiry inquiry = {question, name, NULL};
    if (!aws_ask(facts, "database", &inquiry, &answer)) {
        if (answer.kind == RIA_ANSWER_NOT_FOUND) {
            add_elsewhere(facts, thing, name, NULL);
        }
        return;
    }
    if (!is_signed_host(facts, &answer)) {
        add_elsewhere(facts, thing, name, answer.text[RIA_ANSWER_ENDPOINT]);
        return;
    }
    add_port(facts, answer.text[RIA_ANSWER_PORT]);
    if (answer.text[RIA_ANSWER_CLUSTER][0] != '\0' && !ask_cluster(facts, &answer)) {
        facts->aws.is_found = true;
        return;
    }
    if (question == RIA_QUESTION_CLUSTER_ENDPOINT) {
        add_port(facts, answer.text[RIA_ANSWER_PORT]);
    }
    (void)ria_text_copy(
        facts->aws.member, sizeof(facts->aws.member), answer.text[RIA_ANSWER_MEMBER]);
    add_database(facts, answer.text[RIA_ANSWER_NAME], &answer);
    add_iam(facts, answer.text[RIA_ANSWER_IAM]);
}

/* Sends the request for the kind of the endpoint, with the first label of the endpoint's host name.
 * Sends no request for an additional endpoint of a proxy, because this host name does not contain
 * the proxy's name. */
static void add_database_items(struct ria_facts *facts)
{
    char label[LABEL_SIZE];
    const char *host = facts->name.endpoint;
    (void)ria_text_format(label, sizeof(label), "%.*s", (int)strcspn(host, "."), host);
    for (size_t i = 0; i < sizeof(first_questions) / sizeof(first_questions[0]); i++) {
        if (facts->name.kind != NULL && strcmp(first_questions[i].kind, facts->name.kind) == 0 &&
            strstr(host, ".endpoint.proxy-") == NULL) {
            ask_database(facts, first_questions[i].question, first_questions[i].thing, label);
            return;
        }
    }
    ria_report_add(
        facts->report,
        RIA_MARK_SKIPPED,
        "database",
        NULL,
        "not asked: this name does not contain the identifier of a database");
}

/* -- the policy -------------------------------------------------------------------------------- */

/* Finds the ARN of the user or role whose policies apply to the identity. For the session of a
 * role, asks IAM for the role's ARN, because the session's ARN lacks the role's path. Returns false
 * if the identity is neither a user nor a role, such as the root user. */
static bool find_principal(struct ria_facts *facts)
{
    struct ria_aws_facts *aws = &facts->aws;
    struct ria_answer answer;
    const char *arn = facts->identity.arn;
    const char *at = strstr(arn, ROLE_WORDS);
    if (at == NULL) {
        (void)ria_text_copy(aws->principal, sizeof(aws->principal), arn);
        return strstr(arn, ":user/") != NULL;
    }
    char name[LABEL_SIZE + 1];
    char account[RIA_AWS_ACCOUNT_SIZE];
    char partition[sizeof(aws->partition)];
    const char *begin = at + strlen(ROLE_WORDS);
    (void)ria_text_format(name, sizeof(name), "%.*s", (int)strcspn(begin, "/"), begin);
    (void)ria_arn_field(arn, 1, partition, sizeof(partition));
    (void)ria_arn_field(arn, ARN_ACCOUNT, account, sizeof(account));
    const struct ria_inquiry inquiry = {RIA_QUESTION_ROLE, name, NULL};
    if (aws_ask(facts, "role", &inquiry, &answer)) {
        (void)ria_text_copy(aws->principal, sizeof(aws->principal), answer.text[RIA_ANSWER_ARN]);
        ria_report_add(facts->report, RIA_MARK_OK, "role", NULL, "%s", aws->principal);
    } else {
        (void)ria_text_format(
            aws->principal,
            sizeof(aws->principal),
            "arn:%s:iam::%s:role/%s",
            partition,
            account,
            name);
    }
    return true;
}

/* Asks IAM to simulate rds-db:connect on this resource id. Returns whether IAM answers. */
static bool simulate(struct ria_facts *facts, const char *id, struct ria_answer *answer)
{
    const struct ria_aws_facts *aws = &facts->aws;
    char resource[RESOURCE_SIZE];
    bool fits = ria_text_format(
        resource,
        sizeof(resource),
        "arn:%s:rds-db:%s:%s:dbuser:%s/%s",
        aws->partition,
        aws->region,
        aws->account,
        id,
        facts->target.login.user);
    const struct ria_inquiry inquiry = {RIA_QUESTION_POLICY, aws->principal, resource};
    if (!fits || aws_ask(facts, "policy", &inquiry, answer)) {
        return fits;
    }
    if (answer->kind == RIA_ANSWER_NOT_FOUND) {
        ria_report_add(
            facts->report,
            RIA_MARK_SKIPPED,
            "policy",
            "The role has a path. Allow iam:GetRole, which reports it.",
            "not asked: %s does not exist",
            aws->principal);
    }
    return false;
}

/* Returns whether the policies allow rds-db:connect on an instance of the cluster. A policy for the
 * login to a cluster must name the cluster's resource id instead. */
static bool is_for_other_resource(struct ria_facts *facts)
{
    struct ria_answer answer;
    struct ria_aws_facts *aws = &facts->aws;
    const struct ria_inquiry inquiry = {RIA_QUESTION_INSTANCE, aws->member, NULL};
    if (aws->other_resource[0] == '\0' && aws->member[0] != '\0' &&
        aws_ask(facts, "instance", &inquiry, &answer)) {
        (void)ria_text_copy(
            aws->other_resource, sizeof(aws->other_resource), answer.text[RIA_ANSWER_RESOURCE_ID]);
    }
    return has_only(aws->other_resource, RIA_ALNUM "-") &&
           simulate(facts, aws->other_resource, &answer) &&
           strcmp(answer.text[RIA_ANSWER_DECISION], "allowed") == 0;
}

static enum ria_decision decision_of(const struct ria_answer *answer)
{
    const char *decision = answer->text[RIA_ANSWER_DECISION];
    bool is_overridden = strcmp(answer->text[RIA_ANSWER_BY_BOUNDARY], "false") == 0 ||
                         strcmp(answer->text[RIA_ANSWER_BY_ORGANIZATIONS], "false") == 0;
    if (strcmp(decision, "allowed") == 0) {
        return RIA_DECISION_ALLOWED;
    }
    if (strcmp(decision, "explicitDeny") == 0 ||
        (strcmp(decision, "implicitDeny") == 0 && is_overridden)) {
        return RIA_DECISION_OVERRIDDEN;
    }
    return strcmp(decision, "implicitDeny") == 0 ? RIA_DECISION_MISSING : RIA_DECISION_NONE;
}

static void add_decision(struct ria_facts *facts, const struct ria_answer *answer)
{
    static const struct {
        enum ria_mark mark;
        const char *text;
    } rows[] = {
        [RIA_DECISION_NONE] = {RIA_MARK_SKIPPED, "the answer contains no decision"},
        [RIA_DECISION_ALLOWED] = {RIA_MARK_OK, "allowed (identity policy only)"},
        [RIA_DECISION_MISSING] = {RIA_MARK_FAULT, "no policy allows it (identity policy only)"},
        [RIA_DECISION_OVERRIDDEN] = {RIA_MARK_FAULT, "denied (identity policy only)"},
    };
    enum ria_decision decision = decision_of(answer);
    const char *key = answer->text[RIA_ANSWER_MISSING_KEY];
    bool is_uncertain = key[0] != '\0' && decision != RIA_DECISION_NONE;
    ria_report_add(
        facts->report,
        is_uncertain ? RIA_MARK_WARNING : rows[decision].mark,
        "policy",
        is_uncertain ? "The simulation has no value for this condition key." : NULL,
        "%s: rds-db:connect on %s%s%s",
        rows[decision].text,
        answer->text[RIA_ANSWER_NAME],
        is_uncertain ? ", with a condition on " : "",
        is_uncertain ? key : "");
    if (is_uncertain) {
        return;
    }
    facts->aws.decision = decision;
    if (decision == RIA_DECISION_MISSING && is_for_other_resource(facts)) {
        facts->aws.is_for_other_resource = true;
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "resource",
            NULL,
            "the policy allows %s, which is an instance, and not %s, which is the cluster",
            facts->aws.other_resource,
            facts->aws.resource);
    }
}

static void add_policy_items(struct ria_facts *facts)
{
    struct ria_answer answer;
    const char *why = NULL;
    if (!find_principal(facts)) {
        why = "AWS simulates the policies of users and roles only";
    } else if (facts->aws.is_elsewhere) {
        why = "the database is in another account";
    } else if (facts->aws.resource[0] == '\0') {
        why = "the resource id of the database is not known";
    } else if (!has_only(facts->target.login.user, RIA_ALNUM "_-.@+=,$")) {
        why = "the user's name has characters that have a meaning in an ARN";
    }
    if (why != NULL) {
        ria_report_add(facts->report, RIA_MARK_SKIPPED, "policy", NULL, "not asked: %s", why);
    } else if (simulate(facts, facts->aws.resource, &answer)) {
        add_decision(facts, &answer);
    }
}

void ria_check_aws(struct ria_facts *facts)
{
    ria_report_section(facts->report, "AWS");
    if (!facts->has_name || !facts->has_identity) {
        ria_report_add(
            facts->report,
            RIA_MARK_SKIPPED,
            "AWS",
            NULL,
            "not asked, because the identity is not known");
        return;
    }
    add_database_items(facts);
    add_policy_items(facts);
}

/* -- what the answers prove -------------------------------------------------------------------- */

static bool has_other_port(const struct ria_aws_facts *aws, const struct ria_facts *facts)
{
    return aws->port != 0 && aws->port != facts->name.port;
}

enum ria_evidence ria_aws_evidence(const struct ria_facts *facts, const char *cause)
{
    const struct ria_aws_facts *aws = &facts->aws;
    bool has_decision = aws->decision != RIA_DECISION_NONE;
    bool is_missing = aws->decision == RIA_DECISION_MISSING;
    bool is_other = aws->is_for_other_resource;
    const struct {
        const char *cause;
        bool is_proved;
        bool is_disproved;
    } rows[] = {
        {"iam-off", aws->is_iam_off, aws->is_iam_on},
        {"policy-missing", is_missing && !is_other, has_decision},
        {"policy-resource", is_other, has_decision},
        {"policy-deny", aws->decision == RIA_DECISION_OVERRIDDEN, has_decision},
        {"account", aws->is_elsewhere, aws->is_found},
        {"signed-port", has_other_port(aws, facts), aws->port != 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].cause, cause) == 0) {
            return rows[i].is_proved      ? RIA_EVIDENCE_FOR
                   : rows[i].is_disproved ? RIA_EVIDENCE_AGAINST
                                          : RIA_EVIDENCE_NONE;
        }
    }
    return RIA_EVIDENCE_NONE;
}
