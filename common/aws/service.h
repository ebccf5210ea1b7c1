/* SPDX-License-Identifier: MIT
 *
 * Where AWS's own services are asked, and the region that a request to them is signed for: from a
 * region and the variants that somebody can ask for. Endpoints that somebody names instead
 * (AWS_ENDPOINT_URL and its like) are not known here; see provider/network.h.
 *
 * Follows the endpoint rule sets of sts, sso, sso-oidc and signin in botocore 1.43.67.
 */
#ifndef RIA_AWS_SERVICE_H
#define RIA_AWS_SERVICE_H

#include "aws/endpoint.h"

enum ria_service {
    RIA_SERVICE_STS,
    RIA_SERVICE_SSO, /* the portal that gives a role's credentials for a token */
    RIA_SERVICE_SSO_OIDC,
    RIA_SERVICE_SIGNIN,
    RIA_SERVICES,
};

/* Variants of every endpoint but the last, which is STS's alone. */
struct ria_service_variant {
    bool is_fips;
    bool is_dual_stack;
    bool is_legacy; /* one endpoint for all regions that are older than regional ones */
};

enum {
    RIA_SERVICE_HOST_SIZE = 128 /* service, region and the longest suffix have 80 */
};

struct ria_service_endpoint {
    char host[RIA_SERVICE_HOST_SIZE];
    char region[RIA_REGION_SIZE]; /* to sign for */
};

/* The region must be plausible, or "aws-global", which STS knows. */
void ria_service_endpoint(
    enum ria_service service,
    const char *region,
    const struct ria_service_variant *variant,
    struct ria_service_endpoint *out);

/* From a region to its partition, as in botocore's partitions.json (1.43). A region that is not
 * known counts as one of "aws". */
struct ria_partition {
    const char *name;              /* "aws", "aws-cn", ... */
    const char *suffix;            /* "amazonaws.com", "amazonaws.com.cn", ... */
    const char *dual_stack_suffix; /* "api.aws", ... */
};

struct ria_partition ria_partition_of(const char *region);

/* "STS", "SSO", "SSO_OIDC", "SIGNIN": what AWS_ENDPOINT_URL_* ends in; in lower case what a
 * [services] section calls it. */
const char *ria_service_name(enum ria_service service);
const char *ria_service_key(enum ria_service service);

/* The name of a region that is none: STS's one endpoint of partition aws. */
extern const char ria_region_global[];

#endif
