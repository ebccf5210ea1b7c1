/* SPDX-License-Identifier: MIT
 *
 * Lists as rds-iam's configuration writes them: "team=etl, env=prod" (session tags) and
 * "team, env" (tag keys). Blanks around items do not count. Limits are those of STS's AssumeRole.
 */
#ifndef RIA_AWS_TAG_H
#define RIA_AWS_TAG_H

#include "base/error.h"

#include <stddef.h>

enum {
    RIA_TAGS_MAX = 50,
    RIA_TAG_KEY_MAX = 128, /* characters; bytes may be more */
    RIA_TAG_VALUE_MAX = 256,
};

/* A piece of the list's text. */
struct ria_tag {
    const char *key;
    size_t key_len;
    const char *value; /* NULL in a list of keys */
    size_t value_len;
};

/* Takes the next item off *list, which ends as "". False at its end. An item without '=' has no
 * value; one that is empty has an empty key. */
bool ria_tag_next(const char **list, struct ria_tag *out) RIA_MUST_USE;

/* Whether STS takes the list: number, lengths, no key twice (without regard to case), and each item
 * with a value, or none with one. NULL if so, else what is wrong, static text. */
const char *ria_tag_list_fault(const char *list, bool has_values);

#endif
