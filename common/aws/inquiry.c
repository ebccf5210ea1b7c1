/* SPDX-License-Identifier: MIT
 *
 * The table of the questions to RDS and IAM: the action, the parameter that takes the name, and the
 * elements of the response. If the name of an element also occurs elsewhere in the response, for
 * example among the pending changes of an instance, the table contains the name with its ancestors.
 */
#include "aws/inquiry_form.h"

#include <string.h>

#define RDS RIA_SERVICE_RDS, "2014-10-31"
#define IAM RIA_SERVICE_IAM, "2010-05-08"
#define REQUEST [RIA_ANSWER_REQUEST] = "ResponseMetadata/RequestId"

static const struct ria_question_form forms[RIA_QUESTIONS] = {
    [RIA_QUESTION_INSTANCE] =
        {"rds:DescribeDBInstances",
         RDS,
         "DBInstanceIdentifier",
         {[RIA_ANSWER_NAME] = "DBInstance/DBInstanceIdentifier",
          [RIA_ANSWER_ARN] = "DBInstance/DBInstanceArn",
          [RIA_ANSWER_RESOURCE_ID] = "DBInstance/DbiResourceId",
          [RIA_ANSWER_STATUS] = "DBInstance/DBInstanceStatus",
          [RIA_ANSWER_IAM] = "DBInstance/IAMDatabaseAuthenticationEnabled",
          [RIA_ANSWER_ENDPOINT] = "DBInstance/Endpoint/Address",
          [RIA_ANSWER_PORT] = "DBInstance/Endpoint/Port",
          [RIA_ANSWER_CLUSTER] = "DBInstance/DBClusterIdentifier",
          REQUEST}},
    [RIA_QUESTION_CLUSTER] =
        {"rds:DescribeDBClusters",
         RDS,
         "DBClusterIdentifier",
         {[RIA_ANSWER_NAME] = "DBCluster/DBClusterIdentifier",
          [RIA_ANSWER_ARN] = "DBCluster/DBClusterArn",
          [RIA_ANSWER_RESOURCE_ID] = "DBCluster/DbClusterResourceId",
          [RIA_ANSWER_STATUS] = "DBCluster/Status",
          [RIA_ANSWER_IAM] = "DBCluster/IAMDatabaseAuthenticationEnabled",
          [RIA_ANSWER_ENDPOINT] = "DBCluster/Endpoint",
          [RIA_ANSWER_READER_ENDPOINT] = "DBCluster/ReaderEndpoint",
          [RIA_ANSWER_PORT] = "DBCluster/Port",
          [RIA_ANSWER_MEMBER] = "DBClusterMember/DBInstanceIdentifier",
          REQUEST}},
    [RIA_QUESTION_CLUSTER_ENDPOINT] =
        {"rds:DescribeDBClusterEndpoints",
         RDS,
         "DBClusterEndpointIdentifier",
         {[RIA_ANSWER_NAME] = "DBClusterEndpointList/DBClusterEndpointIdentifier",
          [RIA_ANSWER_ARN] = "DBClusterEndpointList/DBClusterEndpointArn",
          [RIA_ANSWER_STATUS] = "DBClusterEndpointList/Status",
          [RIA_ANSWER_ENDPOINT] = "DBClusterEndpointList/Endpoint",
          [RIA_ANSWER_CLUSTER] = "DBClusterEndpointList/DBClusterIdentifier",
          REQUEST}},
    [RIA_QUESTION_PROXY] =
        {"rds:DescribeDBProxies",
         RDS,
         "DBProxyName",
         {[RIA_ANSWER_NAME] = "DBProxies/member/DBProxyName",
          [RIA_ANSWER_ARN] = "DBProxies/member/DBProxyArn",
          [RIA_ANSWER_STATUS] = "DBProxies/member/Status",
          [RIA_ANSWER_IAM] = "Auth/member/IAMAuth",
          [RIA_ANSWER_ENDPOINT] = "DBProxies/member/Endpoint",
          REQUEST}},
    [RIA_QUESTION_ROLE] =
        {"iam:GetRole",
         IAM,
         "RoleName",
         {[RIA_ANSWER_NAME] = "Role/RoleName", [RIA_ANSWER_ARN] = "Role/Arn", REQUEST}},
    [RIA_QUESTION_POLICY] =
        {"iam:SimulatePrincipalPolicy",
         IAM,
         "PolicySourceArn",
         {[RIA_ANSWER_NAME] = "EvaluationResults/member/EvalResourceName",
          [RIA_ANSWER_DECISION] = "EvaluationResults/member/EvalDecision",
          [RIA_ANSWER_BY_BOUNDARY] =
              "PermissionsBoundaryDecisionDetail/AllowedByPermissionsBoundary",
          [RIA_ANSWER_BY_ORGANIZATIONS] =
              "EvaluationResults/member/OrganizationsDecisionDetail/AllowedByOrganizations",
          [RIA_ANSWER_MISSING_KEY] = "EvaluationResults/member/MissingContextValues/member",
          REQUEST}},
};

const struct ria_question_form *ria_question_form(enum ria_question question)
{
    return &forms[question];
}

bool ria_question_find(const char *action, enum ria_question *out)
{
    for (unsigned i = 0; i < RIA_QUESTIONS; i++) {
        if (strcmp(forms[i].action, action) == 0) {
            *out = (enum ria_question)i;
            return true;
        }
    }
    return false;
}

const char *ria_question_action(enum ria_question question)
{
    return forms[question].action;
}
