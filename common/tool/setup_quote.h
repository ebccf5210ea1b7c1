/* SPDX-License-Identifier: MIT
 *
 * Quotes a value for the place in which rds-iam setup prints it. Each function appends to `out`. If
 * memory runs out, it sets out->failed.
 */
#ifndef RIA_TOOL_SETUP_QUOTE_H
#define RIA_TOOL_SETUP_QUOTE_H

#include "rds_iam.h"

/* Appends `before`, the value as a word for a shell with a backslash before each special character,
 * and `after`. */
void ria_quote_shell(const char *before, const char *value, const char *after, struct ria_buf *out);

/* Appends `before`, the value as it must stand within double quotes in a systemd unit, where %
 * begins a specifier, and `after`. */
void ria_quote_unit(const char *before, const char *value, const char *after, struct ria_buf *out);

/* Appends the argument that makes psql use a service, as a word for a shell: service=NAME. If the
 * name has special characters, libpq and the shell both need quotes around it, and escapes in it.
 */
void ria_quote_service(const char *service, struct ria_buf *out);

/* Appends the same argument as it must stand within double quotes, in a shell or in a programming
 * language with the same escapes. */
void ria_quote_service_inside(const char *service, struct ria_buf *out);

/* Appends the same argument as it must stand within double quotes in Perl, where @ begins the name
 * of an array. */
void ria_quote_perl_service_inside(const char *service, struct ria_buf *out);

/* Appends the value in percent-encoding, for the query of a URL. */
void ria_quote_url(const char *value, struct ria_buf *out);

#endif
