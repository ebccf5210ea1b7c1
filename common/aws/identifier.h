/* SPDX-License-Identifier: MIT
 *
 * Names that AWS gives: ARNs, account numbers, ids of roles, sessions and devices. A user copies
 * them from a document or a console, and what comes along with them is refused by AWS in words
 * that do not name the file. Whether AWS knows the name is not asked here.
 */
#ifndef RIA_AWS_IDENTIFIER_H
#define RIA_AWS_IDENTIFIER_H

#include "aws/setting.h"

enum ria_identifier {
    RIA_ID_ROLE_ARN,
    RIA_ID_MFA_SERIAL, /* an ARN, or the serial number that is printed on a device */
    RIA_ID_EXTERNAL_ID,
    RIA_ID_SESSION_NAME,
    RIA_ID_SOURCE_IDENTITY,
    RIA_ID_LOGIN_SESSION, /* the ARN that `aws login` has written */
    RIA_ID_ACCOUNT,
    RIA_ID_ROLE_NAME,
    RIA_ID_START_URL,
    RIA_IDENTIFIERS,
};

/* True where the setting has no value, or one that AWS may know. False with "path:line: the ARN of
 * the role, VALUE, what is wrong; what to do" where it holds what no such name does: quotes, a line
 * break, a blank, a placeholder ({NAME}, <NAME>, $NAME), a character that is not ASCII, or
 * something other than digits where an account number stands. An external id is not shown. */
bool ria_identifier_check(
    enum ria_identifier kind,
    const struct ria_setting *setting,
    enum ria_code code,
    struct ria_error *err) RIA_MUST_USE;

#endif
