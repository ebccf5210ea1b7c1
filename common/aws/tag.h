/* SPDX-License-Identifier: MIT
 *
 * Parses the lists in rds-iam's configuration: "team=etl, env=prod" (session tags) and "team, env"
 * (tag keys). Spaces, tabs and newlines around keys and values are ignored. The limits are those of
 * STS's AssumeRole. */
#ifndef RIA_AWS_TAG_H
#define RIA_AWS_TAG_H

#include "base/error.h"

#include <stddef.h>

/* STS counts the characters of a key or a value; ria_tag_list_fault() counts bytes. */
enum {
    RIA_TAGS_MAX = 50,
    RIA_TAG_KEY_MAX = 128,
    RIA_TAG_VALUE_MAX = 256,
};

/* An item of a list; borrowed from the text of the list. */
struct ria_tag {
    const char *key;
    size_t key_len;
    const char *value; /* NULL if the item has no '=' */
    size_t value_len;
};

/* Parses the next item and advances *list to the item after it. After the last item, *list is "",
 * even if a comma follows the last item. Returns false if *list is "". An item without '=' has no
 * value, and an empty item has an empty key. */
bool ria_tag_next(const char **list, struct ria_tag *out) RIA_MUST_USE;

/* Checks a list against the rules of STS: the number of items, their lengths, and unique keys
 * (ignoring case). If has_values is true, each item must have a value. If has_values is false, no
 * item may have a value. Returns NULL if the list is valid or empty, else a static string that
 * tells what is wrong. */
const char *ria_tag_list_fault(const char *list, bool has_values);

#endif
