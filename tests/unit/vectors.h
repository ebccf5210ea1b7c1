/* SPDX-License-Identifier: MIT
 *
 * Reads the data of tests/vectors. A file or a member that is not there fails the test.
 */
#ifndef RIA_UNIT_VECTORS_H
#define RIA_UNIT_VECTORS_H

#include <jansson.h>

/* tests/vectors/NAME; json_decref() it. */
json_t *ria_vectors_load(const char *name);

/* A string of an object; NULL where it is JSON's null or not there. */
const char *ria_vector_text(const json_t *object, const char *key);

/* The same, but it must be there. */
const char *ria_vector_need(const json_t *object, const char *key);

#endif
