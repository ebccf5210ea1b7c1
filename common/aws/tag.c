/* SPDX-License-Identifier: MIT
 *
 * Parses and checks lists of tags. Rejects an empty item, an item without a key, a repeated key, a
 * missing or unexpected value, more tags than STS accepts, and a key or value that is too long. One
 * comma after the last item is accepted. */
#include "aws/tag.h"

#include "base/ascii.h"

#include <string.h>

static bool tag_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && tag_is_blank((*text)[*len - 1])) {
        (*len)--;
    }
    while (*len > 0 && tag_is_blank(**text)) {
        (*text)++;
        (*len)--;
    }
}

bool ria_tag_next(const char **list, struct ria_tag *out)
{
    if (**list == '\0') {
        return false;
    }
    size_t len = strcspn(*list, ",");
    struct ria_tag tag = {.key = *list, .key_len = strcspn(*list, ",=")};
    if (tag.key_len < len) {
        tag.value = tag.key + tag.key_len + 1;
        tag.value_len = len - tag.key_len - 1;
        trim(&tag.value, &tag.value_len);
    }
    trim(&tag.key, &tag.key_len);
    *list += len;
    *list += **list == ',' ? 1 : 0;
    *out = tag;
    return true;
}

static bool tag_same_key(const struct ria_tag *a, const struct ria_tag *b)
{
    return a->key_len == b->key_len && ria_ascii_same_bytes(a->key, b->key, a->key_len);
}

/* Returns whether an earlier item of the list has the same key. */
static bool is_repeated(const char *list, const struct ria_tag *tag)
{
    struct ria_tag other;
    while (ria_tag_next(&list, &other) && other.key != tag->key) {
        if (tag_same_key(&other, tag)) {
            return true;
        }
    }
    return false;
}

/* Returns what is wrong with one item, or NULL. */
static const char *tag_fault(const struct ria_tag *tag, bool has_values)
{
    if (tag->key_len == 0) {
        return tag->value == NULL ? "one of them is empty" : "one of them has no key";
    }
    if (has_values != (tag->value != NULL)) {
        return has_values ? "one of them has no value; write key=value"
                          : "only keys are allowed here, without values; write key1, key2";
    }
    if (tag->key_len > RIA_TAG_KEY_MAX || tag->value_len > RIA_TAG_VALUE_MAX) {
        return "a key is longer than 128 bytes, or a value is longer than 256";
    }
    return NULL;
}

const char *ria_tag_list_fault(const char *list, bool has_values)
{
    const char *at = list;
    struct ria_tag tag;
    for (size_t count = 0; ria_tag_next(&at, &tag); count++) {
        if (count >= RIA_TAGS_MAX) {
            return "there are more than 50 of them";
        }
        const char *fault = tag_fault(&tag, has_values);
        if (fault != NULL) {
            return fault;
        }
        if (is_repeated(list, &tag)) {
            return "a key is used twice";
        }
    }
    return NULL;
}
