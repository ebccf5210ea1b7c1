/* SPDX-License-Identifier: MIT
 *
 * Parses host names. Decides whether a name is an endpoint of RDS, Aurora or Aurora DSQL, and finds
 * its kind, its region and its partition. Reads only the text of the name, and resolves nothing in
 * DNS.
 *
 * Implements the forms of endpoint names in the RDS, Aurora and Aurora DSQL User Guides, and the
 * partitions of botocore's partitions.json (botocore 1.43). The labels of the name are compared
 * from right to left, so a name that merely contains an RDS name
 * (….rds.amazonaws.com.evil.example) is not accepted as an RDS name.
 */
#ifndef RIA_AWS_ENDPOINT_H
#define RIA_AWS_ENDPOINT_H

#include "base/error.h"

#include <stdint.h>

enum {
    RIA_HOST_SIZE = 256,  /* the longest DNS name has 253 characters */
    RIA_REGION_SIZE = 32, /* the longest region today has 15 characters */
};

enum ria_endpoint_kind {
    RIA_ENDPOINT_OTHER, /* a name of neither RDS nor Aurora DSQL, or an address */
    RIA_ENDPOINT_INSTANCE,
    RIA_ENDPOINT_CLUSTER,
    RIA_ENDPOINT_CLUSTER_READER,
    RIA_ENDPOINT_CLUSTER_CUSTOM,
    RIA_ENDPOINT_PROXY,
    RIA_ENDPOINT_SHARD_GROUP, /* Aurora Limitless */
    RIA_ENDPOINT_GLOBAL,      /* Aurora global database: the name contains no region */
    RIA_ENDPOINT_DSQL,        /* Aurora DSQL, another service with another form of token; the first
                                 label of the name is the id of the cluster */
    RIA_ENDPOINT_NO_NAME,     /* neither a host name nor an address */
};

struct ria_endpoint {
    char host[RIA_HOST_SIZE]; /* lower case, without a trailing dot; "" if the text is not a host */
    char region[RIA_REGION_SIZE]; /* "" if the name contains none */
    enum ria_endpoint_kind kind;
    const char *partition; /* "aws", "aws-cn", ...; NULL: the kind is OTHER or NO_NAME */
};

/* Parses a host name or address, and fills *out for every text. */
void ria_endpoint_read(const char *host, struct ria_endpoint *out);

/* Decides whether a token can be signed for the endpoint. `host` is the text that was parsed, and
 * `port` the port that the client dialed, or 0. Returns
 *   FOUND   the text is a name of RDS or Aurora DSQL with a region;
 *   ABSENT  the region is not known, because the text is a global endpoint or not a name of these
 *           services: err contains the reason, and how to configure the region or the endpoint;
 *   FAILED  no token can be signed, because the text is neither a host name nor an address: err
 *           contains the reason.
 */
enum ria_outcome ria_endpoint_judge(
    const struct ria_endpoint *endpoint, const char *host, unsigned port, struct ria_error *err)
    RIA_MUST_USE;

/* Calls ria_endpoint_read() and ria_endpoint_judge(). *out is filled on every outcome. */
enum ria_outcome ria_endpoint_parse(
    const char *host, struct ria_endpoint *out, struct ria_error *err) RIA_MUST_USE;

/* Returns whether the first `len` bytes of the host look like a placeholder that the user did not
 * replace, such as POSTGRES_ENDPOINT. They must contain at least two capital letters, and otherwise
 * only digits and underscores. */
bool ria_host_is_placeholder(const char *host, size_t len);

/* Returns whether the name is probably a misspelled endpoint: it differs from an endpoint by a few
 * letters of its suffix or of "rds", or it lacks the end of the suffix, or its region has not the
 * form of a region. `endpoint` must be of the kind OTHER; for every other kind, returns false.
 * Fills err with the right spelling, or, if that is not known, with the form of an endpoint. */
bool ria_endpoint_is_near(const struct ria_endpoint *endpoint, struct ria_error *err);

/* Returns the suffix at the index, such as ".amazonaws.com", or NULL after the last one. */
const char *ria_endpoint_suffix(size_t index);

/* Returns the suffix with which the host ends, or NULL if it ends in no suffix of RDS. */
const char *ria_endpoint_rds_suffix(const char *host);

/* Returns whether the name is an endpoint of RDS, Aurora or Aurora DSQL. */
bool ria_endpoint_is_database(const struct ria_endpoint *endpoint);

/* Returns true for RDS Proxy and Aurora DSQL, whose servers have certificates of Amazon's public
 * CAs. The servers of all other RDS endpoints have certificates of the CAs of RDS. */
bool ria_endpoint_has_public_ca(const struct ria_endpoint *endpoint);

/* Returns whether a name has the form of a region, such as eu-west-1 or us-gov-east-1. A region has
 * at least three parts with dashes between them. The last part consists of one or two digits. Every
 * other part consists of lower-case letters, and the first part has two to four letters. */
bool ria_region_is_plausible(const char *region);

/* Splits "host:port" or "[v6]:port" at its last colon. Returns false, with the outputs unchanged,
 * for any other text. Also returns false if the host is too long, or if the port is not a plain
 * decimal number from 1 to 65535. */
bool ria_endpoint_split(const char *text, char host[RIA_HOST_SIZE], uint16_t *port) RIA_MUST_USE;

#endif
