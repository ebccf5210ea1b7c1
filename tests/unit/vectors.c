/* SPDX-License-Identifier: MIT
 *
 * Reads test vectors with jansson. */
#include "vectors.h"

#include "unit.h"

json_t *ria_vectors_load(const char *name)
{
    char path[4096];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/%s", RIA_VECTORS, name);
    json_t *root = json_load_file(path, 0, &error);
    if (root == NULL) {
        fail_msg("%s:%d: %s", path, error.line, error.text);
    }
    return root;
}

const char *ria_vector_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

const char *ria_vector_need(const json_t *object, const char *key)
{
    const char *text = ria_vector_text(object, key);
    if (text == NULL) {
        fail_msg("a vector without \"%s\"", key);
    }
    return text;
}
