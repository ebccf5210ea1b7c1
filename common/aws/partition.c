/* SPDX-License-Identifier: MIT
 *
 * Partitions by the beginning of a region's name. */
#include "aws/partition.h"

#include <string.h>

struct partition {
    const char *prefix;
    const char *suffix;
};

static const struct partition partitions[] = {
    {"cn-", "amazonaws.com.cn"},
    {"us-iso-", "c2s.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov"},
    {"eu-isoe-", "cloud.adc-e.uk"},
    {"us-isof-", "csp.hci.ic.gov"},
    {"eusc-", "amazonaws.eu"},
};

const char *ria_partition_suffix(const char *region)
{
    for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++) {
        if (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) == 0) {
            return partitions[i].suffix;
        }
    }
    return "amazonaws.com";
}
