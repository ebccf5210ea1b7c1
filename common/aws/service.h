/* SPDX-License-Identifier: MIT
 *
 * The endpoints of AWS services, and the region for which a request to them is signed. Both follow
 * from a region and the variants that the user can enable. Configured endpoints (AWS_ENDPOINT_URL
 * and similar settings) are not handled here; see provider/network.h.
 *
 * Implements the endpoint rule sets of sts, sso, sso-oidc and signin in botocore 1.43.67.
 */
#ifndef RIA_AWS_SERVICE_H
#define RIA_AWS_SERVICE_H

#include "aws/endpoint.h"

enum ria_service {
    RIA_SERVICE_STS,
    RIA_SERVICE_SSO, /* the portal that returns a role's credentials for a token */
    RIA_SERVICE_SSO_OIDC,
    RIA_SERVICE_SIGNIN,
    RIA_SERVICES,
};

/* Variants of an endpoint. The last one exists only for STS. */
struct ria_service_variant {
    bool is_fips;
    bool is_dual_stack;
    bool is_legacy; /* one global endpoint for all regions that are older than regional endpoints */
};

enum {
    RIA_SERVICE_HOST_SIZE = 128 /* service, region and the longest suffix have 80 characters */
};

struct ria_service_endpoint {
    char host[RIA_SERVICE_HOST_SIZE];
    char region[RIA_REGION_SIZE]; /* to sign for */
};

/* Fills *out. The region must have the form of a region's name, or be "aws-global", which STS
 * accepts. */
void ria_service_endpoint(
    enum ria_service service,
    const char *region,
    const struct ria_service_variant *variant,
    struct ria_service_endpoint *out);

/* Returns the partition of a region, as in botocore's partitions.json (1.43). An unknown region
 * belongs to "aws". */
struct ria_partition {
    const char *name;              /* "aws", "aws-cn", ... */
    const char *suffix;            /* "amazonaws.com", "amazonaws.com.cn", ... */
    const char *dual_stack_suffix; /* "api.aws", ... */
};

struct ria_partition ria_partition_of(const char *region);

/* Return the name of a service: the first as the suffix of AWS_ENDPOINT_URL_* ("STS", "SSO",
 * "SSO_OIDC", "SIGNIN"), the second in lower case, as a [services] section spells it. */
const char *ria_service_name(enum ria_service service);
const char *ria_service_key(enum ria_service service);

/* The pseudo-region "aws-global": the global STS endpoint of partition aws. */
extern const char ria_region_global[];

#endif
