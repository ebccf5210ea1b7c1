/* SPDX-License-Identifier: MIT
 *
 * The endpoints of AWS services, and the region for which a request to an endpoint is signed. The
 * endpoint and the region of the signature depend on the region that the caller gives, and on
 * variants that the user can enable. Configured endpoints (AWS_ENDPOINT_URL and similar settings)
 * are not handled here; see provider/network.h.
 *
 * Implements the endpoint rule sets of sts, sso, sso-oidc and signin in botocore 1.43.67, and those
 * of rds and iam in botocore 1.43.11.
 */
#ifndef RIA_AWS_SERVICE_H
#define RIA_AWS_SERVICE_H

#include "aws/endpoint.h"

enum ria_service {
    RIA_SERVICE_STS,
    RIA_SERVICE_SSO, /* the portal that returns a role's credentials for an SSO token */
    RIA_SERVICE_SSO_OIDC,
    RIA_SERVICE_SIGNIN,
    RIA_SERVICE_RDS,
    RIA_SERVICE_IAM, /* has one endpoint for all regions of a partition */
    RIA_SERVICES,
};

/* Variants of an endpoint. is_legacy applies only to STS. */
struct ria_service_variant {
    bool is_fips;
    bool is_dual_stack;
    bool is_legacy; /* use the global endpoint in the regions to which
                       AWS_STS_REGIONAL_ENDPOINTS=legacy applies */
};

enum {
    RIA_SERVICE_HOST_SIZE = 128 /* service, region and suffix together have at most 80 characters */
};

struct ria_service_endpoint {
    char host[RIA_SERVICE_HOST_SIZE];
    char region[RIA_REGION_SIZE]; /* the region to sign for */
};

/* Fills *out with the host name of a service and the region to sign for. The region must have the
 * form of a region's name; for STS it may also be "aws-global". */
void ria_service_endpoint(
    enum ria_service service,
    const char *region,
    const struct ria_service_variant *variant,
    struct ria_service_endpoint *out);

/* A partition of AWS, as in botocore's partitions.json (1.43). */
struct ria_partition {
    const char *name;              /* "aws", "aws-cn", ... */
    const char *suffix;            /* "amazonaws.com", "amazonaws.com.cn", ... */
    const char *dual_stack_suffix; /* "api.aws", ... */
};

/* Returns the partition of a region, by the prefix of its name. An unknown region belongs to "aws".
 */
struct ria_partition ria_partition_of(const char *region);

/* Returns whether a partition of this name exists. */
bool ria_partition_exists(const char *name);

/* Returns the name of a service as the suffix of AWS_ENDPOINT_URL_*: "STS", "SSO", "SSO_OIDC",
 * "SIGNIN", "RDS", "IAM". */
const char *ria_service_name(enum ria_service service);

/* Returns the name of a service as a [services] section spells it: "sts", "sso_oidc", ... */
const char *ria_service_key(enum ria_service service);

/* Returns the name of a service in the credential scope of a request to its query API: "sts". */
const char *ria_service_scope(enum ria_service service);

/* The pseudo-region "aws-global": the global STS endpoint of partition aws. */
extern const char ria_region_global[];

#endif
