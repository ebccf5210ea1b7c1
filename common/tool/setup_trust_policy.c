/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup trust-policy: prints the trust policy of the role that a client assumes before it
 * logs in to the database. The only principal of this policy is the client's own role. Rejects
 * every ARN that is not the ARN of exactly one role, because a policy with any other principal
 * would also trust other clients. */
#include "cli/command_line.h"
#include "tool/json_writer.h"
#include "tool/tool.h"

enum {
    TRUST_MAX = 16 * 1024,
    ARN_FIELDS = 6,
    ARN_SIZE = 1024,
    ACCOUNT_LEN = 12,
    ROLE_NAME_MAX = 64,
    ROLE_PATH_MAX = 512,
    EXTERNAL_ID_LEAST = 2,
    EXTERNAL_ID_MOST = 1224,
};

struct trust_arguments {
    const char *arn;
    const char *external_id;
    bool has_tags;
};

static const struct ria_option options[] = {
    {"role-arn",
     "ARN",
     "the role that may assume the access role: the client's own role, "
     "arn:PARTITION:iam::ACCOUNT:role/NAME",
     RIA_REQUIRED(struct trust_arguments, arn)},
    {"external-id",
     "ID",
     "the client must send this external id (external_id in the configuration)",
     RIA_VALUE(struct trust_arguments, external_id)},
    {"session-tags",
     NULL,
     "also allow sts:TagSession; needed if the client sends session_tags, or if its own session "
     "has transitive tags, as the session of an EKS pod has",
     RIA_FLAG(struct trust_arguments, has_tags)},
};

static const struct ria_syntax setup_trust_policy_syntax = {
    .usage = "rds-iam setup trust-policy --role-arn ARN [OPTION...]\n",
    .about = "Prints the trust policy of an access role. An access role is in the account of\n"
             "the database, and a client of another account assumes it (role_arn in rds-iam's\n"
             "configuration). The client's own role also needs a policy, in its own account,\n"
             "that allows the same actions on the access role.\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
};

/* -- the ARN --------------------------------------------------------------------------------- */

/* Splits an ARN at its first five colons. Returns false if it has fewer, or if it is too long. */
static bool split_arn(const char *arn, char text[ARN_SIZE], char *fields[ARN_FIELDS])
{
    if (!ria_text_copy(text, ARN_SIZE, arn)) {
        return false;
    }
    char *at = text;
    for (size_t i = 0; i < ARN_FIELDS; i++) {
        fields[i] = at;
        char *colon = strchr(at, ':');
        if (i < ARN_FIELDS - 1 && colon == NULL) {
            return false;
        }
        if (i < ARN_FIELDS - 1) {
            *colon = '\0';
            at = colon + 1;
        }
    }
    return true;
}

/* Checks the last field of the ARN, "role/PATH/NAME". Returns what is wrong with it, or NULL. */
static const char *resource_fault(const char *resource)
{
    static const char usual[] = RIA_ALNUM "+=,.@_-";
    static const char prefix[] = "role/";
    if (strncmp(resource, prefix, sizeof(prefix) - 1) != 0) {
        return "is not the ARN of a role; write arn:PARTITION:iam::ACCOUNT:role/NAME of the "
               "client's "
               "own role";
    }
    const char *path = resource + sizeof(prefix) - 1;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (*name == '\0' || name[strspn(name, usual)] != '\0' || strlen(name) > ROLE_NAME_MAX) {
        return "does not end in the name of a role: 1 to 64 letters, digits and +=,.@_-; correct "
               "it";
    }
    size_t path_len = (size_t)(name - path);
    bool is_path = path_len <= ROLE_PATH_MAX && *path != '/' && strstr(path, "//") == NULL &&
                   path[strspn(path, RIA_ALNUM "+=,.@_-/")] == '\0';
    return is_path
               ? NULL
               : "has an invalid path before the role's name; copy the ARN from: aws iam get-role";
}

/* Returns what is wrong with the ARN of the client's own role, or NULL. */
static const char *role_arn_fault(const char *arn)
{
    char text[ARN_SIZE];
    char *field[ARN_FIELDS];
    if (strpbrk(arn, "*?$") != NULL) {
        return "contains a wildcard, which a principal must not have; name one role";
    }
    if (!split_arn(arn, text, field) || strcmp(field[0], "arn") != 0) {
        return "is not an ARN; write arn:aws:iam::ACCOUNT:role/NAME";
    }
    if (!ria_partition_is_known(field[1])) {
        return "has an unknown partition after \"arn:\"; write aws, aws-us-gov, aws-cn or another "
               "partition of AWS";
    }
    if (strcmp(field[2], "sts") == 0) {
        return "is the ARN of a session; write the ARN of its role, "
               "arn:PARTITION:iam::ACCOUNT:role/"
               "NAME, with the role's path if it has one";
    }
    if (strcmp(field[2], "iam") != 0 || *field[3] != '\0') {
        return "is not an ARN of IAM; write iam and two colons after the partition";
    }
    if (strlen(field[4]) != ACCOUNT_LEN || field[4][strspn(field[4], RIA_DIGITS)] != '\0') {
        return "has no account number; write the 12 digits of the account, without dashes";
    }
    return resource_fault(field[ARN_FIELDS - 1]);
}

static bool is_external_id(const char *id)
{
    size_t len = strspn(id, RIA_ALNUM "+=,.@:/_-");
    return id[len] == '\0' && len >= EXTERNAL_ID_LEAST && len <= EXTERNAL_ID_MOST;
}

/* -- the command ----------------------------------------------------------------------------- */

static void add_actions(struct ria_json_writer *json, bool has_tags)
{
    if (!has_tags) {
        ria_json_writer_text(json, "Action", "sts:AssumeRole");
        return;
    }
    ria_json_writer_array(json, "Action");
    ria_json_writer_text(json, NULL, "sts:AssumeRole");
    ria_json_writer_text(json, NULL, "sts:TagSession");
    ria_json_writer_end(json);
}

static int print_trust_policy(const char *arn, const char *external_id, bool has_tags)
{
    RIA_AUTO(buf) text = {.max = TRUST_MAX};
    struct ria_json_writer json = {.out = &text};
    ria_json_writer_object(&json, NULL);
    ria_json_writer_text(&json, "Version", RIA_POLICY_VERSION);
    ria_json_writer_array(&json, "Statement");
    ria_json_writer_object(&json, NULL);
    ria_json_writer_text(&json, "Effect", "Allow");
    ria_json_writer_object(&json, "Principal");
    ria_json_writer_text(&json, "AWS", arn);
    ria_json_writer_end(&json);
    add_actions(&json, has_tags);
    if (external_id != NULL) {
        ria_json_writer_object(&json, "Condition");
        ria_json_writer_object(&json, "StringEquals");
        ria_json_writer_text(&json, "sts:ExternalId", external_id);
        ria_json_writer_end(&json);
        ria_json_writer_end(&json);
    }
    ria_json_writer_end(&json);
    ria_json_writer_end(&json);
    ria_json_writer_end(&json);
    const char *document = ria_json_writer_finish(&json);
    return document == NULL ? ria_out_of_memory() : ria_print(document);
}

int ria_setup_trust_policy(int argc, char **argv, const struct ria_world *world)
{
    (void)world;
    struct trust_arguments arguments = {0};
    int status = ria_options_parse(argc, argv, &setup_trust_policy_syntax, &arguments);
    if (status != RIA_CONTINUE) {
        return status;
    }
    const char *fault = role_arn_fault(arguments.arn);
    if (fault != NULL) {
        return ria_usage(argv[0], "the value of --role-arn %s", fault);
    }
    if (arguments.external_id != NULL && !is_external_id(arguments.external_id)) {
        return ria_usage(
            argv[0],
            "the value of --external-id is not an external id; write 2 to 1224 letters, digits and "
            "+=,.@:/_-");
    }
    return print_trust_policy(arguments.arn, arguments.external_id, arguments.has_tags);
}
