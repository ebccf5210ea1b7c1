/* SPDX-License-Identifier: MIT
 *
 * Questions that only AWS can answer about a login: a database's settings, a role's ARN, and
 * whether the policies of an identity allow rds-db:connect. Each question is one request, and no
 * question changes anything in AWS. Declares the questions and their answers; inquiry_form.h has
 * the form of a request.
 *
 * Follows the RDS API 2014-10-31 and the IAM API 2010-05-08.
 */
#ifndef RIA_AWS_INQUIRY_H
#define RIA_AWS_INQUIRY_H

enum ria_question {
    RIA_QUESTION_INSTANCE,         /* name: the instance's identifier */
    RIA_QUESTION_CLUSTER,          /* name: the cluster's identifier */
    RIA_QUESTION_CLUSTER_ENDPOINT, /* name: the identifier of a custom endpoint */
    RIA_QUESTION_PROXY,            /* name: the proxy's name */
    RIA_QUESTION_ROLE,             /* name: the role's name, without its path */
    RIA_QUESTION_POLICY,           /* name: the ARN of a user or role; resource: the ARN of the
                                      database user, which is the resource of rds-db:connect */
    RIA_QUESTIONS,
};

struct ria_inquiry {
    enum ria_question question;
    const char *name;     /* borrowed */
    const char *resource; /* borrowed; NULL for every question but RIA_QUESTION_POLICY */
};

/* The parts of answers. The answer to each question has some of these parts; see inquiry.c. */
enum ria_answer_text {
    RIA_ANSWER_NAME, /* name of the object that the answer describes */
    RIA_ANSWER_ARN,
    RIA_ANSWER_RESOURCE_ID,
    RIA_ANSWER_STATUS, /* such as "available" */
    RIA_ANSWER_IAM,    /* is IAM authentication enabled? "true" or "false"; for a proxy "REQUIRED",
                          "ENABLED" or "DISABLED" */
    RIA_ANSWER_ENDPOINT,
    RIA_ANSWER_READER_ENDPOINT,
    RIA_ANSWER_PORT,
    RIA_ANSWER_CLUSTER,          /* the cluster of an instance or of a custom endpoint */
    RIA_ANSWER_MEMBER,           /* an instance of a cluster */
    RIA_ANSWER_DECISION,         /* "allowed", "explicitDeny" or "implicitDeny" */
    RIA_ANSWER_BY_BOUNDARY,      /* "false": the permissions boundary does not allow the action */
    RIA_ANSWER_BY_ORGANIZATIONS, /* "false": a service control policy does not allow the action */
    RIA_ANSWER_MISSING_KEY,      /* a condition key that a policy uses, and for which AWS had no
                                    value */
    RIA_ANSWER_REQUEST,          /* the request's id, which each response of AWS has */
    RIA_ANSWER_TEXTS,
};

enum {
    RIA_ANSWER_SIZE = 640 /* the ARN of a role has at most 613 characters */
};

enum ria_answer_kind {
    RIA_ANSWER_NONE, /* AWS sent no usable response, or refused the request for a reason that is not
                        listed below */
    RIA_ANSWER_GIVEN,
    RIA_ANSWER_NOT_PERMITTED, /* the identity is not allowed to send this request */
    RIA_ANSWER_NOT_FOUND,     /* the account has nothing of this name in this region */
};

struct ria_answer {
    enum ria_answer_kind kind;
    char text[RIA_ANSWER_TEXTS][RIA_ANSWER_SIZE]; /* "" if the answer lacks this part */
};

/* Returns the action of a question, as a policy names it: "rds:DescribeDBInstances". */
const char *ria_question_action(enum ria_question question);

#endif
