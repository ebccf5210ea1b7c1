/* SPDX-License-Identifier: MIT
 *
 * Finds the endpoint that a misspelled name stands for, so that the message about the name does not
 * advise a section for a tunnel. Replaces the end of the name by each suffix of AWS, and a label by
 * "rds". Accepts the result if it is the name of an endpoint whose region is in the partition of
 * the suffix, and if it differs from the given name by at most TYPOS_MAX letters or only by the
 * missing end of the suffix. Other names of AWS, such as those of load balancers, are not
 * misspelled: they may lead to a tunnel. */
#include "aws/endpoint.h"

#include "base/messages.h"
#include "base/text.h"

#include <string.h>

enum {
    TYPOS_MAX = 2,    /* in a suffix */
    LABELS_TRIED = 2, /* "rds" is one of the last two labels before the suffix */
    DOTS_MIN = 3,     /* an endpoint of RDS has at least 4 labels before the suffix */
};

/* The partitions whose regions have a prefix of their own. */
static const struct {
    const char *partition;
    const char *prefix;
} partitions[] = {
    {"aws-cn", "cn-"},
    {"aws-eusc", "eusc-"},
    {"aws-iso", "us-iso-"},
    {"aws-iso-b", "us-isob-"},
    {"aws-iso-e", "eu-isoe-"},
    {"aws-iso-f", "us-isof-"},
};

static bool is_region_of_partition(const struct ria_endpoint *endpoint)
{
    for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++) {
        size_t len = strlen(partitions[i].prefix);
        bool has_prefix = strncmp(endpoint->region, partitions[i].prefix, len) == 0;
        if (has_prefix != (strcmp(endpoint->partition, partitions[i].partition) == 0)) {
            return false;
        }
    }
    return true;
}

/* Writes the first `len` bytes of the host and then `end` to *out. Returns whether this is the name
 * of an endpoint. */
static bool try_name(const char *host, size_t len, const char *end, struct ria_endpoint *out)
{
    char name[RIA_HOST_SIZE];
    if (!ria_text_format(name, sizeof(name), "%.*s%s", (int)len, host, end)) {
        return false;
    }
    ria_endpoint_read(name, out);
    return ria_endpoint_is_database(out) && is_region_of_partition(out);
}

static size_t count_dots(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += text[i] == '.' ? 1 : 0;
    }
    return count;
}

/* Returns the length of the part of the host before its last labels, as many as the suffix has.
 * Returns 0 if the host does not have more labels than the suffix. */
static size_t len_before_labels(const char *host, const char *suffix)
{
    size_t dots = count_dots(suffix, strlen(suffix));
    size_t len = strlen(host);
    while (len > 0 && dots > 0) {
        len--;
        dots -= host[len] == '.' ? 1 : 0;
    }
    return len;
}

/* Returns the length of the longest beginning of the suffix with which the host ends. */
static size_t len_of_begun_suffix(const char *host, const char *suffix)
{
    size_t host_len = strlen(host);
    size_t len = strlen(suffix);
    len = len < host_len ? len : host_len;
    while (len > 0 && memcmp(host + host_len - len, suffix, len) != 0) {
        len--;
    }
    return len;
}

/* Tries the suffix in place of the last labels of the host, and after the part of the suffix with
 * which the host ends. */
static bool try_suffix(
    const char *host, const char *suffix, size_t most_typos, struct ria_endpoint *out)
{
    size_t len = len_before_labels(host, suffix);
    if (ria_typos(host + len, strlen(host + len), suffix) <= most_typos &&
        try_name(host, len, suffix, out)) {
        return true;
    }
    return try_name(host, strlen(host) - len_of_begun_suffix(host, suffix), suffix, out);
}

/* Tries every suffix. Returns whether one of them, with this number of typos or fewer, makes the
 * name of an endpoint. */
static bool find_with_typos(const char *host, size_t most_typos, struct ria_endpoint *out)
{
    bool is_found = false;
    for (size_t i = 0; !is_found && ria_endpoint_suffix(i) != NULL; i++) {
        is_found = try_suffix(host, ria_endpoint_suffix(i), most_typos, out);
    }
    return is_found;
}

/* Finds the suffix with the fewest typos. */
static bool find_by_suffix(const char *host, struct ria_endpoint *out)
{
    bool is_found = false;
    for (size_t typos = 0; !is_found && typos <= TYPOS_MAX; typos++) {
        is_found = find_with_typos(host, typos, out);
    }
    return is_found;
}

/* Tries "rds" in place of each of the last labels before the suffix that differs from it by at most
 * one letter. Sets *form to the order of the last two labels if the host has such a label. Finds
 * nothing in a host with too few labels, such as the address of an API of AWS. */
static bool find_by_label(
    const char *host, const char *suffix, const char **form, struct ria_endpoint *out)
{
    static const char *const forms[LABELS_TRIED] = {"REGION.rds", "rds.REGION"};
    size_t end = strlen(host) - strlen(suffix);
    if (count_dots(host, end) < DOTS_MIN) {
        return false;
    }
    for (size_t i = 0; i < LABELS_TRIED; i++) {
        size_t begin = end;
        while (begin > 0 && host[begin - 1] != '.') {
            begin--;
        }
        char rest[RIA_HOST_SIZE];
        bool is_near = ria_typos(host + begin, end - begin, "rds") <= 1;
        *form = is_near ? forms[i] : *form;
        if (is_near && ria_text_format(rest, sizeof(rest), "rds%s", host + end) &&
            try_name(host, begin, rest, out)) {
            return true;
        }
        end = begin > 0 ? begin - 1 : 0;
    }
    return false;
}

bool ria_endpoint_is_near(const struct ria_endpoint *endpoint, struct ria_error *err)
{
    const char *host = endpoint->host;
    struct ria_endpoint meant;
    const char *form = NULL; /* of the last two labels, if one is "rds" or nearly so */
    if (endpoint->kind != RIA_ENDPOINT_OTHER) {
        return false;
    }
    const char *suffix = ria_endpoint_rds_suffix(host);
    bool is_found = find_by_suffix(host, &meant) ||
                    (suffix != NULL && find_by_label(host, suffix, &form, &meant));
    if (is_found) {
        (void)ria_fail_shown(err, RIA_E_ENDPOINT, RIA_REFUSAL_NEAR, host, meant.host);
    } else if (form != NULL) {
        (void)ria_fail_shown(err, RIA_E_ENDPOINT, RIA_REFUSAL_NEAR_FORM, host, form, suffix);
    }
    return is_found || form != NULL;
}
