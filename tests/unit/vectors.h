/* SPDX-License-Identifier: MIT
 *
 * Reads the files of tests/vectors. A missing file fails the test, and so does a member that
 * ria_vector_need() does not find.
 */
#ifndef RIA_UNIT_VECTORS_H
#define RIA_UNIT_VECTORS_H

#include <jansson.h>

/* Loads tests/vectors/NAME. The caller releases the result with json_decref(). */
json_t *ria_vectors_load(const char *name);

/* Returns a string member, or NULL if the member is missing or not a string. */
const char *ria_vector_text(const json_t *object, const char *key);

/* Returns a string member, and fails the test if the member is missing or not a string. */
const char *ria_vector_need(const json_t *object, const char *key);

#endif
