/* SPDX-License-Identifier: MIT
 *
 * Partitions by the beginning of a region's name. */
#include "aws/partition.h"

#include <stddef.h>
#include <string.h>

struct beginning {
    const char *prefix;
    struct ria_partition partition;
};

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
