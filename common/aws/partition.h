/* SPDX-License-Identifier: MIT
 *
 * From a region to its partition: botocore's partitions.json (1.43).
 */
#ifndef RIA_AWS_PARTITION_H
#define RIA_AWS_PARTITION_H

struct ria_partition {
    const char *name;              /* "aws", "aws-cn", ... */
    const char *suffix;            /* "amazonaws.com", "amazonaws.com.cn", ... */
    const char *dual_stack_suffix; /* "api.aws", ... */
};

/* A region that is not known counts as one of "aws". */
struct ria_partition ria_partition_of(const char *region);

#endif
