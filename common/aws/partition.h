/* SPDX-License-Identifier: MIT
 *
 * From a region to its partition's DNS suffix: botocore's partitions.json (1.43).
 */
#ifndef RIA_AWS_PARTITION_H
#define RIA_AWS_PARTITION_H

/* "amazonaws.com", "amazonaws.com.cn", ...; a region that is not known counts as one of "aws". */
const char *ria_partition_suffix(const char *region);

#endif
