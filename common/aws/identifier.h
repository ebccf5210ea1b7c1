/* SPDX-License-Identifier: MIT
 *
 * Checks identifiers that are sent to AWS: ARNs, account numbers, names of roles and sessions, ids
 * and start URLs. Users copy them from documents and consoles, sometimes with extra characters. AWS
 * rejects an identifier with extra characters, but the message of AWS does not name the user's
 * file. The error message of ria_identifier_check() names the file. The function does not find out
 * whether AWS knows the identifier.
 */
#ifndef RIA_AWS_IDENTIFIER_H
#define RIA_AWS_IDENTIFIER_H

#include "aws/setting.h"

enum ria_identifier {
    RIA_ID_ROLE_ARN,
    RIA_ID_MFA_SERIAL, /* an ARN, or the serial number printed on a device */
    RIA_ID_EXTERNAL_ID,
    RIA_ID_SESSION_NAME,
    RIA_ID_SOURCE_IDENTITY,
    RIA_ID_LOGIN_SESSION, /* the ARN that `aws login` wrote */
    RIA_ID_ACCOUNT,
    RIA_ID_ROLE_NAME,
    RIA_ID_START_URL,
    RIA_IDENTIFIERS,
};

/* Returns false with err filled if the value contains quotes, a line break, a space, a placeholder
 * ({NAME}, <NAME>, $NAME), or a character outside ASCII. Also returns false if an account number,
 * or the account number in an ARN, is empty or contains a character that is not a digit. Returns
 * true for any other value, and for a setting without a value. The message is "path:line: the ARN
 * of the role, VALUE, what is wrong; what to do". The message does not show the value of an
 * external id or a start URL. */
bool ria_identifier_check(
    enum ria_identifier kind,
    const struct ria_setting *setting,
    enum ria_code code,
    struct ria_error *err) RIA_MUST_USE;

#endif
