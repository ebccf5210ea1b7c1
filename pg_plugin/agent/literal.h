/* SPDX-License-Identifier: MIT
 *
 * Finds settings of a service that libpq understands in another way than the user meant, because
 * libpq takes the text literally.
 */
#ifndef RIA_AGENT_LITERAL_H
#define RIA_AGENT_LITERAL_H

#include "service/service_file.h"

/* Returns true if a key is "passfile", or if the user meant "passfile" and wrote it with capitals
 * or with a blank after it. */
bool ria_literal_is_passfile(const char *key);

/* Writes to `out` how libpq misunderstands a setting. Returns false if libpq understands the
 * setting as the user meant it; `out` then has no meaning. */
bool ria_literal_find(const struct ria_service_setting *setting, char *out, size_t size);

#endif
