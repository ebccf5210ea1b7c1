/* SPDX-License-Identifier: MIT
 *
 * Explains a login that did not succeed. Works only with what the checks found (facts.h), and sends
 * no request.
 *
 * A cause that has evidence stands first and alone. Causes that look alike from the client, such as
 * a policy that denies the login and IAM authentication that is turned off, stand together, each
 * with the command that settles it. Equal evidence gives equal output.
 *
 * Follows "Troubleshooting issues for IAM DB authentication" and "Connecting to your DB instance
 * using IAM authentication" in the RDS User Guide, the error texts of PostgreSQL 10 to 18, and the
 * error numbers of MySQL 8 and MariaDB 10 to 11.
 */
#ifndef RIA_CHECK_CAUSES_H
#define RIA_CHECK_CAUSES_H

#include "check/facts.h"

/* Adds the possible causes of the refusal to the report. Adds nothing if the login succeeded.
 * Returns whether the refusal proves that the token was accepted, as "database does not exist"
 * does. */
bool ria_check_explain(struct ria_facts *facts);

#endif
