/* SPDX-License-Identifier: MIT
 *
 * Fills in the texts of causes.c: {user} in a text stands for the database user, and so on.
 */
#ifndef RIA_CHECK_CAUSE_TEXT_H
#define RIA_CHECK_CAUSE_TEXT_H

#include "check/facts.h"

/* Adds a cause to the report, with the placeholders of both texts replaced:
 *
 *   {user}         the database user
 *   {host}         the endpoint that the token is signed for
 *   {mapped_by}    where rds-iam's configuration maps the host
 *   {refusal}      the error of the login
 *   {region_from}  where the region was read
 *   {identity}     the ARN of the credentials, or "the credentials' identity"
 *   {role}         the ARN of the role or user behind that identity, or ROLE_ARN
 *   {resource}     the ARN of rds-db:connect, with RESOURCE_ID to be filled in
 *   {describe}     the command that shows whether IAM authentication is enabled
 *   {users}        the SQL that shows the user
 *
 * The first cause begins the list of causes. */
void ria_cause_add(struct ria_facts *facts, const char *id, const char *text, const char *remedy);

#endif
