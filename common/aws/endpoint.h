/* SPDX-License-Identifier: MIT
 *
 * What a host name says of itself: whether it names an RDS or Aurora endpoint, of which kind, in
 * which region and partition. Reads names only; it resolves nothing.
 *
 * Follows the endpoint forms of the RDS and Aurora User Guides and the partitions of botocore's
 * partitions.json (botocore 1.43). The name is walked label by label from the right, so that a
 * name that merely contains an RDS name (….rds.amazonaws.com.evil.example) is not taken for one.
 */
#ifndef RIA_AWS_ENDPOINT_H
#define RIA_AWS_ENDPOINT_H

#include "base/error.h"

#include <stdint.h>

enum {
    RIA_HOST_SIZE = 256,  /* 253 characters are the longest DNS name */
    RIA_REGION_SIZE = 32, /* the longest region today has 16 characters */
};

enum ria_endpoint_kind {
    RIA_ENDPOINT_OTHER, /* no RDS name */
    RIA_ENDPOINT_INSTANCE,
    RIA_ENDPOINT_CLUSTER,
    RIA_ENDPOINT_CLUSTER_READER,
    RIA_ENDPOINT_CLUSTER_CUSTOM,
    RIA_ENDPOINT_PROXY,
    RIA_ENDPOINT_SHARD_GROUP, /* Aurora Limitless */
    RIA_ENDPOINT_GLOBAL,      /* Aurora global database: holds no region */
    RIA_ENDPOINT_DSQL,        /* another service with tokens of its own */
    RIA_ENDPOINT_NO_NAME,     /* no host name and no address */
};

struct ria_endpoint {
    char host[RIA_HOST_SIZE];     /* lower case, without a trailing dot; "" where it is none */
    char region[RIA_REGION_SIZE]; /* "" where the name holds none */
    enum ria_endpoint_kind kind;
    const char *partition; /* "aws", "aws-cn", ...; NULL where the name does not tell */
};

/* Reads a host name or address: once for each login, when it begins. */
void ria_endpoint_read(const char *host, struct ria_endpoint *out);

/* Says what can be signed for it; `host` is the text that was read. Answers
 *   FOUND   an RDS name with a region;
 *   ABSENT  a host whose name holds no region: a global endpoint, or no RDS name at all. err says
 *           which, and how to say the region or the endpoint;
 *   FAILED  nothing that a token can be signed for: a DSQL endpoint, or no host name at all. */
enum ria_outcome ria_endpoint_judge(
    const struct ria_endpoint *endpoint, const char *host, struct ria_error *err) RIA_MUST_USE;

/* Both. *out is filled whatever the answer is. */
enum ria_outcome ria_endpoint_parse(
    const char *host, struct ria_endpoint *out, struct ria_error *err) RIA_MUST_USE;

/* Whether it names an endpoint of RDS or Aurora. */
bool ria_endpoint_is_rds(const struct ria_endpoint *endpoint);

/* True for a name formed like eu-west-1 or us-gov-east-1: three parts or more, letters between the
 * dashes, one or two digits at the end. */
bool ria_region_is_plausible(const char *region);

/* Splits "host:port" or "[v6]:port" at its last colon. False unless both are there and the port is
 * 1 to 65535 in plain decimal; the outputs are then unchanged. */
bool ria_endpoint_split(const char *text, char host[RIA_HOST_SIZE], uint16_t *port) RIA_MUST_USE;

#endif
