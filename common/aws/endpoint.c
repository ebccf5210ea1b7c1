/* SPDX-License-Identifier: MIT
 *
 * Parses the host names of RDS and Aurora DSQL label by label, from right to left. RDS: the
 * partition's suffix, then the region and "rds" or "rds-fips" in either order, then the label whose
 * prefix gives the kind. Aurora DSQL: "on.aws", the region, "dsql" or "dsql-..." (AWS PrivateLink),
 * and the cluster's id as the only further label. Rejects a text that is neither a host name nor an
 * address.
 */
#include "aws/endpoint.h"

#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"
#include "codec/url.h"

#include <string.h>

enum {
    LABELS_MAX = 16, /* an RDS name has 4 or 5 labels before its suffix */
    DSQL_LABELS = 3, /* the cluster's id, the service and the region */
};

struct suffix {
    const char *text;
    size_t len;
    const char *partition;
    bool is_dsql; /* the suffix of Aurora DSQL, which RDS does not use */
};

#define SUFFIX(text, partition, is_dsql)                                                           \
    {                                                                                              \
        (text), sizeof(text) - 1, (partition), (is_dsql)                                           \
    }

/* If a suffix ends in another suffix of this table, the longer of the two comes first. */
static const struct suffix suffixes[] = {
    SUFFIX(".amazonaws.com.cn", "aws-cn", false),
    SUFFIX(".amazonaws.com", "aws", false),
    SUFFIX(".amazonaws.eu", "aws-eusc", false),
    SUFFIX(".c2s.ic.gov", "aws-iso", false),
    SUFFIX(".sc2s.sgov.gov", "aws-iso-b", false),
    SUFFIX(".cloud.adc-e.uk", "aws-iso-e", false),
    SUFFIX(".csp.hci.ic.gov", "aws-iso-f", false),
    SUFFIX(".on.aws", "aws", true),
};

const char *ria_endpoint_suffix(size_t index)
{
    return index < sizeof(suffixes) / sizeof(suffixes[0]) ? suffixes[index].text : NULL;
}

struct kind_prefix {
    const char *text;
    enum ria_endpoint_kind kind;
};

/* The prefixes of the label before the region and "rds". If a prefix begins with another prefix of
 * this table, the longer of the two comes first. */
static const struct kind_prefix kind_prefixes[] = {
    {"cluster-ro-", RIA_ENDPOINT_CLUSTER_READER},
    {"cluster-custom-", RIA_ENDPOINT_CLUSTER_CUSTOM},
    {"cluster-", RIA_ENDPOINT_CLUSTER},
    {"proxy-", RIA_ENDPOINT_PROXY},
    {"shardgrp-", RIA_ENDPOINT_SHARD_GROUP},
    {"global-", RIA_ENDPOINT_GLOBAL},
    {"", RIA_ENDPOINT_INSTANCE},
};

struct labels {
    char text[RIA_HOST_SIZE];
    const char *label[LABELS_MAX];
    size_t count;
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *text, size_t text_len, const char *suffix, size_t len)
{
    return text_len > len && text[text_len - 1] == suffix[len - 1] &&
           memcmp(text + text_len - len, suffix, len) == 0;
}

/* Returns the number of lower-case letters with which `at` begins. */
static size_t letters(const char *at)
{
    size_t len = 0;
    while (ria_ascii_is_lower(at[len])) {
        len++;
    }
    return len;
}

bool ria_region_is_plausible(const char *region)
{
    if (strlen(region) >= RIA_REGION_SIZE) {
        return false;
    }
    size_t first = letters(region);
    if (first < 2 || first > 4) {
        return false;
    }
    const char *at = region + first;
    unsigned parts = 1;
    while (*at == '-' && ria_ascii_is_lower(at[1])) {
        at += 1 + letters(at + 1);
        parts++;
    }
    if (parts < 2 || *at != '-' || !ria_ascii_is_digit(at[1])) {
        return false;
    }
    at += ria_ascii_is_digit(at[2]) ? 3 : 2;
    return *at == '\0';
}

/* Returns whether the text has no colon, or has at least two colons and only characters of an IPv6
 * address. Returns false for "host:port". */
static bool is_ipv6_or_name(const char *host)
{
    const char *colon = strchr(host, ':');
    return colon == NULL ||
           (strchr(colon + 1, ':') != NULL && host[strspn(host, RIA_HEX_DIGITS ":.")] == '\0');
}

/* Writes the host to out, in lower case and without a final dot. Returns false if the host is empty
 * or too long, if it contains a port, or if it contains a character that occurs in neither names
 * nor addresses. */
static bool normalize(const char *host, char out[RIA_HOST_SIZE])
{
    size_t len = strlen(host);
    if (len > 1 && host[len - 1] == '.') {
        len--;
    }
    if (len == 0 || len >= RIA_HOST_SIZE) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = ria_ascii_lower(host[i]);
        if (!ria_ascii_is_alnum(c) && c != '.' && c != '-' && c != '_' && c != ':') {
            return false;
        }
        out[i] = c;
    }
    out[len] = '\0';
    return is_ipv6_or_name(out);
}

/* Splits the first `len` bytes of a host at the dots. Returns false if a label is empty, or if
 * there are more than LABELS_MAX labels. */
static bool split_labels(const char *host, size_t len, struct labels *out)
{
    memcpy(out->text, host, len);
    out->text[len] = '\0';
    char *at = out->text;
    for (out->count = 0; out->count < LABELS_MAX; out->count++) {
        char *dot = strchr(at, '.');
        if (*at == '\0' || dot == at) {
            return false;
        }
        out->label[out->count] = at;
        if (dot == NULL) {
            out->count++;
            return true;
        }
        *dot = '\0';
        at = dot + 1;
    }
    return false;
}

static bool is_service_label(const char *label)
{
    return strcmp(label, "rds") == 0 || strcmp(label, "rds-fips") == 0;
}

/* Returns the kind of endpoint that the prefix of this label means. The last entry of the table is
 * the empty prefix, which every label has. */
static enum ria_endpoint_kind kind_of(const char *label)
{
    size_t i = 0;
    while (!starts_with(label, kind_prefixes[i].text)) {
        i++;
    }
    return kind_prefixes[i].kind;
}

/* Returns whether the label names Aurora DSQL. Such a label is "dsql", or "dsql-" and the suffix of
 * a VPC endpoint of AWS PrivateLink, such as "dsql-fnh4". */
static bool is_dsql_label(const char *label)
{
    static const char name[] = "dsql";
    size_t len = sizeof(name) - 1;
    return strncmp(label, name, len) == 0 &&
           (label[len] == '\0' || (label[len] == '-' && label[len + 1] != '\0'));
}

/* Sets kind, region and partition if the labels before the suffix are those of an endpoint of
 * Aurora DSQL, which are ID.dsql.REGION. AWS documents this form only for the partition aws. */
static void endpoint_set_from_dsql_labels(
    const struct labels *labels, const char *partition, struct ria_endpoint *out)
{
    if (labels->count == DSQL_LABELS && is_dsql_label(labels->label[1]) &&
        ria_region_is_plausible(labels->label[2])) {
        out->kind = RIA_ENDPOINT_DSQL;
        out->partition = partition;
        (void)ria_text_copy(out->region, sizeof(out->region), labels->label[2]);
    }
}

/* Sets kind, region and partition if the labels before the suffix are those of an RDS endpoint,
 * which end in REGION.rds or rds.REGION. */
static void endpoint_set_from_labels(
    const struct labels *labels, const char *partition, struct ria_endpoint *out)
{
    if (labels->count < 4) {
        return;
    }
    const char *before = labels->label[labels->count - 2];
    const char *last = labels->label[labels->count - 1];
    const char *region = is_service_label(last) ? before : last;
    if (!is_service_label(last) && !is_service_label(before)) {
        return;
    }
    enum ria_endpoint_kind kind = kind_of(labels->label[labels->count - 3]);
    if (kind == RIA_ENDPOINT_GLOBAL && strcmp(region, "global") == 0) {
        out->kind = kind;
        out->partition = partition;
        return;
    }
    /* The partitions aws and aws-us-gov have the same suffix. */
    bool is_gov = starts_with(region, "us-gov-");
    if (!ria_region_is_plausible(region) || (is_gov && strcmp(partition, "aws") != 0)) {
        return;
    }
    out->kind = kind;
    out->partition = is_gov ? "aws-us-gov" : partition;
    (void)ria_text_copy(out->region, sizeof(out->region), region);
}

/* Returns the suffix with which the host ends, or NULL. */
static const struct suffix *find_suffix(const char *host)
{
    size_t len = strlen(host);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (ends_with(host, len, suffixes[i].text, suffixes[i].len)) {
            return &suffixes[i];
        }
    }
    return NULL;
}

const char *ria_endpoint_rds_suffix(const char *host)
{
    const struct suffix *suffix = find_suffix(host);
    return suffix == NULL || suffix->is_dsql ? NULL : suffix->text;
}

/* Sets kind, region and partition if the valid host name is an endpoint of RDS or Aurora DSQL. */
static void endpoint_classify(struct ria_endpoint *out)
{
    const struct suffix *suffix = find_suffix(out->host);
    struct labels labels;
    if (suffix != NULL && split_labels(out->host, strlen(out->host) - suffix->len, &labels)) {
        (suffix->is_dsql ? endpoint_set_from_dsql_labels
                         : endpoint_set_from_labels)(&labels, suffix->partition, out);
    }
}

void ria_endpoint_read(const char *host, struct ria_endpoint *out)
{
    *out = (struct ria_endpoint){.kind = RIA_ENDPOINT_OTHER};
    if (normalize(host, out->host)) {
        endpoint_classify(out);
    } else {
        *out = (struct ria_endpoint){.kind = RIA_ENDPOINT_NO_NAME};
    }
}

/* Reports a URL. The error names the host in the URL, if this host is a name with a dot. */
static enum ria_outcome refuse_url(const char *url, struct ria_error *err)
{
    char shown[RIA_URL_SHOWN_SIZE];
    struct ria_endpoint inner;
    ria_url_show(url, shown);
    shown[strcspn(shown, ":")] = '\0'; /* the port */
    ria_endpoint_read(shown, &inner);
    /* A word without a dot may be the user's name. */
    bool is_name = inner.kind != RIA_ENDPOINT_NO_NAME && strchr(inner.host, '.') != NULL;
    return ria_failed(
        err, RIA_E_ENDPOINT, RIA_REFUSAL_URL, is_name ? inner.host : "the endpoint's name alone");
}

/* Reports a text that is neither a host name nor an address. */
static enum ria_outcome refuse_no_name(const char *host, struct ria_error *err)
{
    char shown[RIA_HOST_SIZE];
    char name[RIA_HOST_SIZE];
    uint16_t port = 0;
    struct ria_endpoint endpoint;
    if (strstr(host, "://") != NULL) {
        return refuse_url(host, err);
    }
    ria_url_show_name(host, shown, sizeof(shown));
    if (ria_endpoint_split(host, name, &port)) {
        ria_endpoint_read(name, &endpoint);
        if (endpoint.kind != RIA_ENDPOINT_NO_NAME) {
            return ria_failed(
                err, RIA_E_ENDPOINT, RIA_REFUSAL_NAME_AND_PORT, shown, (unsigned)port);
        }
    }
    return ria_failed(err, RIA_E_ENDPOINT, RIA_REFUSAL_NO_NAME, shown);
}

/* Writes the name of the section for a host and a port. */
static void endpoint_section_name(const char *host, unsigned port, char *out, size_t size)
{
    bool is_ipv6 = strchr(host, ':') != NULL;
    if (port == 0) {
        (void)ria_text_copy(out, size, host);
    } else {
        (void)ria_text_format(out, size, is_ipv6 ? "[%s]:%u" : "%s:%u", host, port);
    }
}

enum ria_outcome ria_endpoint_judge(
    const struct ria_endpoint *endpoint, const char *host, unsigned port, struct ria_error *err)
{
    const char *name = endpoint->host;
    char section[RIA_HOST_SIZE + 16];
    switch (endpoint->kind) {
    case RIA_ENDPOINT_NO_NAME:
        return refuse_no_name(host, err);
    case RIA_ENDPOINT_GLOBAL:
        (void)ria_fail_shown(err, RIA_E_ENDPOINT, RIA_REFUSAL_GLOBAL, name, name);
        break;
    case RIA_ENDPOINT_OTHER:
        endpoint_section_name(name, port, section, sizeof(section));
        if (strcmp(name, "localhost") == 0) {
            (void)ria_fail_shown(err, RIA_E_ENDPOINT, RIA_REFUSAL_LOCALHOST, name, name, section);
        } else {
            (void)ria_fail_shown(err, RIA_E_ENDPOINT, RIA_REFUSAL_OTHER, name, section);
        }
        break;
    case RIA_ENDPOINT_INSTANCE:
    case RIA_ENDPOINT_CLUSTER:
    case RIA_ENDPOINT_CLUSTER_READER:
    case RIA_ENDPOINT_CLUSTER_CUSTOM:
    case RIA_ENDPOINT_PROXY:
    case RIA_ENDPOINT_SHARD_GROUP:
    case RIA_ENDPOINT_DSQL:
    default:
        return RIA_FOUND;
    }
    return RIA_ABSENT;
}

enum ria_outcome ria_endpoint_parse(
    const char *host, struct ria_endpoint *out, struct ria_error *err)
{
    ria_endpoint_read(host, out);
    return ria_endpoint_judge(out, host, 0, err);
}

bool ria_host_is_placeholder(const char *host, size_t len)
{
    size_t letters = 0;
    for (size_t i = 0; i < len; i++) {
        bool is_letter = ria_ascii_lower(host[i]) != host[i]; /* a capital letter */
        if (!is_letter && host[i] != '_' && !ria_ascii_is_digit(host[i])) {
            return false;
        }
        letters += is_letter ? 1 : 0;
    }
    return letters > 1;
}

bool ria_endpoint_is_database(const struct ria_endpoint *endpoint)
{
    return endpoint->kind != RIA_ENDPOINT_OTHER && endpoint->kind != RIA_ENDPOINT_NO_NAME;
}

bool ria_endpoint_has_public_ca(const struct ria_endpoint *endpoint)
{
    return endpoint->kind == RIA_ENDPOINT_PROXY || endpoint->kind == RIA_ENDPOINT_DSQL;
}

bool ria_endpoint_split(const char *text, char host[RIA_HOST_SIZE], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text) {
        return false;
    }
    const char *start = text;
    const char *end = colon;
    if (*start == '[') {
        start++;
        end--;
        if (end <= start || *end != ']') {
            return false;
        }
    } else if (strchr(start, ':') != colon) {
        return false;
    }
    size_t len = (size_t)(end - start);
    uint16_t number = ria_port_parse(colon + 1);
    if (len == 0 || len >= RIA_HOST_SIZE || number == 0) {
        return false;
    }
    *port = number;
    memcpy(host, start, len);
    host[len] = '\0';
    return true;
}
