/* SPDX-License-Identifier: MIT
 *
 * Builds the host names of AWS services from a table of partitions and tables of exceptions. Does
 * not check whether a service exists in a region. */
#include "aws/service.h"

#include "base/text.h"

#include <string.h>

struct beginning {
    const char *prefix;
    struct ria_partition partition;
};

/* Partitions, by the prefix of a region's name. */
static const struct beginning beginnings[] = {
    {"cn-", {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"}},
    {"us-gov-", {"aws-us-gov", "amazonaws.com", "api.aws"}},
    {"us-iso-", {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov"}},
    {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"}},
    {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"}},
    {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"}},
    {"eusc-", {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"}},
};

struct ria_partition ria_partition_of(const char *region)
{
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (strncmp(region, beginnings[i].prefix, strlen(beginnings[i].prefix)) == 0) {
            return beginnings[i].partition;
        }
    }
    return (struct ria_partition){"aws", "amazonaws.com", "api.aws"};
}

bool ria_partition_exists(const char *name)
{
    bool is_found = strcmp(name, ria_partition_of("").name) == 0;
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]) && !is_found; i++) {
        is_found = strcmp(name, beginnings[i].partition.name) == 0;
    }
    return is_found;
}

const char ria_region_global[] = "aws-global";

struct service {
    const char *name;
    const char *key;
    const char *host; /* label before the region */
    const char *fips_host;
    bool is_plain_in_govcloud; /* in GovCloud, the service's normal endpoints are FIPS endpoints */
};

static const struct service services[RIA_SERVICES] = {
    [RIA_SERVICE_STS] = {"STS", "sts", "sts", "sts-fips", true},
    [RIA_SERVICE_SSO] = {"SSO", "sso", "portal.sso", "portal.sso-fips", true},
    [RIA_SERVICE_SSO_OIDC] = {"SSO_OIDC", "sso_oidc", "oidc", "oidc-fips", true},
    [RIA_SERVICE_SIGNIN] = {"SIGNIN", "signin", "signin", "signin-fips", false},
    [RIA_SERVICE_RDS] = {"RDS", "rds", "rds", "rds-fips", true},
    [RIA_SERVICE_IAM] = {"IAM", "iam", "iam", NULL, false}, /* iam_hosts has IAM's FIPS hosts */
};

/* The regions to which AWS_STS_REGIONAL_ENDPOINTS = legacy applies, as in botocore. In every other
 * region, this setting has no effect. */
static const char *const legacy_regions[] = {
    ria_region_global,
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
};

/* The host names of AWS's sign-in service have a form of their own: the region, and a suffix from
 * this table. fips is NULL if the FIPS endpoint has a host name of the form that the other
 * services use. */
static const struct {
    const char *partition;
    const char *suffix;
    const char *fips;
} signin_hosts[] = {
    {"aws", "signin.aws.amazon.com", NULL},
    {"aws-cn", "signin.amazonaws.cn", NULL},
    {"aws-eusc", "signin.amazonaws-eusc.eu", NULL},
    {"aws-iso", "signin.c2shome.ic.gov", NULL},
    {"aws-iso-b", "signin.sc2shome.sgov.gov", NULL},
    {"aws-iso-e", "signin.csphome.adc-e.uk", NULL},
    {"aws-iso-f", "signin.csphome.hci.ic.gov", NULL},
    {"aws-us-gov", "signin.amazonaws-us-gov.com", "signin-fips.amazonaws-us-gov.com"},
};

/* In this region, the FIPS host of sign-in is the `fips` suffix of its partition, without a region
 * before it. In every other region of a partition with a `fips` suffix, the host is the region, a
 * dot and the suffix. */
static const char signin_fips_home[] = "us-gov-west-1";

/* The endpoints of IAM. All regions of a partition share these endpoints, and requests to them are
 * signed for one region. The four hosts are, in this order: for no variant, for dual-stack, for
 * FIPS, and for dual-stack with FIPS. */
static const struct {
    const char *partition;
    const char *hosts[4];
    const char *region;
    const char *fips_region; /* NULL: the same as `region` */
} iam_hosts[] = {
    {"aws",
     {"iam.amazonaws.com",
      "iam.global.api.aws",
      "iam-fips.amazonaws.com",
      "iam-fips.global.api.aws"},
     "us-east-1",
     NULL},
    {"aws-cn",
     {"iam.cn-north-1.amazonaws.com.cn",
      "iam.global.api.amazonwebservices.com.cn",
      "iam-fips.amazonaws.com.cn",
      "iam-fips.api.amazonwebservices.com.cn"},
     "cn-north-1",
     "cn-northwest-1"},
    {"aws-us-gov",
     {"iam.us-gov.amazonaws.com",
      "iam.us-gov.api.aws",
      "iam.us-gov.amazonaws.com",
      "iam.us-gov.api.aws"},
     "us-gov-west-1",
     NULL},
    {"aws-iso",
     {"iam.us-iso-east-1.c2s.ic.gov",
      "iam.api.aws.ic.gov",
      "iam-fips.us-iso-east-1.c2s.ic.gov",
      "iam-fips.api.aws.ic.gov"},
     "us-iso-east-1",
     NULL},
    {"aws-iso-b",
     {"iam.us-isob-east-1.sc2s.sgov.gov",
      "iam.api.aws.scloud",
      "iam-fips.us-isob-east-1.sc2s.sgov.gov",
      "iam-fips.api.aws.scloud"},
     "us-isob-east-1",
     NULL},
    {"aws-iso-e",
     {"iam.eu-isoe-west-1.cloud.adc-e.uk",
      "iam.api.cloud-aws.adc-e.uk",
      "iam-fips.cloud.adc-e.uk",
      "iam-fips.api.cloud-aws.adc-e.uk"},
     "eu-isoe-west-1",
     NULL},
    {"aws-iso-f",
     {"iam.us-isof-south-1.csp.hci.ic.gov",
      "iam.api.aws.hci.ic.gov",
      "iam-fips.csp.hci.ic.gov",
      "iam-fips.api.aws.hci.ic.gov"},
     "us-isof-south-1",
     NULL},
    {"aws-eusc",
     {"iam.eusc-de-east-1.amazonaws.eu",
      "iam.api.amazonwebservices.eu",
      "iam-fips.amazonaws.eu",
      "iam-fips.api.amazonwebservices.eu"},
     "eusc-de-east-1",
     NULL},
};

static bool is_legacy_region(const char *region)
{
    for (size_t i = 0; i < sizeof(legacy_regions) / sizeof(legacy_regions[0]); i++) {
        if (strcmp(legacy_regions[i], region) == 0) {
            return true;
        }
    }
    return false;
}

/* Returns whether a request to this service in this region goes to the global STS endpoint. */
static bool uses_global_endpoint(
    enum ria_service service, const char *region, const struct ria_service_variant *variant)
{
    return service == RIA_SERVICE_STS && !variant->is_fips && !variant->is_dual_stack &&
           (strcmp(region, ria_region_global) == 0 ||
            (variant->is_legacy && is_legacy_region(region)));
}

/* Writes a host name of sign-in with a suffix of signin_hosts. Returns false if the host name of
 * sign-in has the form that the other services use. */
static bool write_signin_host(
    const char *region,
    const char *partition,
    const struct ria_service_variant *variant,
    char host[RIA_SERVICE_HOST_SIZE])
{
    const char *suffix = NULL;
    for (size_t i = 0; i < sizeof(signin_hosts) / sizeof(signin_hosts[0]); i++) {
        if (strcmp(signin_hosts[i].partition, partition) == 0) {
            suffix = variant->is_fips ? signin_hosts[i].fips : signin_hosts[i].suffix;
        }
    }
    if (suffix == NULL || variant->is_dual_stack) {
        return false;
    }
    bool is_home = variant->is_fips && strcmp(region, signin_fips_home) == 0;
    (void)ria_text_format(
        host,
        RIA_SERVICE_HOST_SIZE,
        "%.31s%s%s",
        is_home ? "" : region,
        is_home ? "" : ".",
        suffix);
    return true;
}

static void find_iam_host(
    const char *partition,
    const struct ria_service_variant *variant,
    struct ria_service_endpoint *out)
{
    size_t i = 0;
    while (strcmp(iam_hosts[i].partition, partition) != 0) {
        i++;
    }
    const char *fips_region = variant->is_fips ? iam_hosts[i].fips_region : NULL;
    (void)ria_text_copy(
        out->host,
        sizeof(out->host),
        iam_hosts[i].hosts[(variant->is_fips ? 2 : 0) + (variant->is_dual_stack ? 1 : 0)]);
    (void)ria_text_copy(
        out->region, sizeof(out->region), fips_region == NULL ? iam_hosts[i].region : fips_region);
}

void ria_service_endpoint(
    enum ria_service service,
    const char *region,
    const struct ria_service_variant *variant,
    struct ria_service_endpoint *out)
{
    const struct service *known = &services[service];
    struct ria_partition partition = ria_partition_of(region);
    if (service == RIA_SERVICE_IAM) {
        find_iam_host(partition.name, variant, out);
        return;
    }
    bool is_global = uses_global_endpoint(service, region, variant);
    bool is_plain = !variant->is_fips || (known->is_plain_in_govcloud && !variant->is_dual_stack &&
                                          strcmp(partition.name, "aws-us-gov") == 0);
    (void)ria_text_copy(out->region, sizeof(out->region), is_global ? "us-east-1" : region);
    if (is_global) {
        (void)ria_text_copy(out->host, sizeof(out->host), "sts.amazonaws.com");
    } else if (
        service != RIA_SERVICE_SIGNIN ||
        !write_signin_host(region, partition.name, variant, out->host)) {
        (void)ria_text_format(
            out->host,
            sizeof(out->host),
            "%s.%.31s.%s",
            is_plain ? known->host : known->fips_host,
            region,
            variant->is_dual_stack ? partition.dual_stack_suffix : partition.suffix);
    }
}

const char *ria_service_name(enum ria_service service)
{
    return services[service].name;
}

const char *ria_service_key(enum ria_service service)
{
    return services[service].key;
}

const char *ria_service_scope(enum ria_service service)
{
    return services[service].host;
}
