/* SPDX-License-Identifier: MIT
 *
 * Checks identifiers with two tables. One contains the name of each kind of identifier, for
 * messages. The other contains the characters that no identifier may contain. The account number is
 * the fifth field of an ARN. STS, SSO or AWS's sign-in service would also reject every identifier
 * that is rejected here. Some faults are left to AWS: this code does not check how many digits an
 * account number has.
 */
#include "aws/identifier.h"

#include "base/ascii.h"

#include <string.h>

/* Returns what is wrong with the characters of an identifier, or NULL. */
static const char *find_fault(const char *value)
{
    static const struct {
        const char *characters;
        const char *fault;
    } table[] = {
        {"\"'`", "is in quotes, which become part of it; remove them"},
        {"\n", "continues on the next line; write it on one line"},
        {"{}<>$", "contains a placeholder; replace it with the real value"},
        {" \t\r", "contains a blank; remove it"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (value[strcspn(value, table[i].characters)] != '\0') {
            return table[i].fault;
        }
    }
    for (; *value != '\0'; value++) {
        if (*value < ' ' || *value > '~') {
            return "contains a character that is not plain ASCII, such as a typographic quote or "
                   "dash; enter it again";
        }
    }
    return NULL;
}

static bool is_number(const char *text, size_t len)
{
    return len > 0 && strspn(text, RIA_DIGITS) >= len;
}

/* Returns the account in arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, or NULL if the ARN has
 * fewer fields. */
static const char *find_account(const char *arn)
{
    enum {
        COLONS = 4
    };
    for (unsigned i = 0; arn != NULL && i < COLONS; i++) {
        const char *colon = strchr(arn, ':');
        arn = colon == NULL ? NULL : colon + 1;
    }
    return arn;
}

/* Returns what is wrong with the value of a setting that accepts an ARN, or NULL. If the value is
 * an ARN, its account number must consist of digits. */
static const char *find_arn_fault(const char *value)
{
    const char *fault = find_fault(value);
    const char *account = strncmp(value, "arn:", 4) == 0 ? find_account(value) : NULL;
    if (fault == NULL && account != NULL && !is_number(account, strcspn(account, ":"))) {
        fault = "has no account number; write the account's 12 digits, without dashes";
    }
    return fault;
}

/* Returns what is wrong with an account number, or NULL. */
static const char *find_account_fault(const char *value)
{
    const char *fault = find_fault(value);
    return fault != NULL || is_number(value, strlen(value))
               ? fault
               : "is not a number; write the account's 12 digits, without dashes";
}

bool ria_identifier_check(
    enum ria_identifier kind,
    const struct ria_setting *setting,
    enum ria_code code,
    struct ria_error *err)
{
    static const struct {
        const char *name;
        const char *(*find)(const char *value);
        bool is_hidden;
    } kinds[RIA_IDENTIFIERS] = {
        [RIA_ID_ROLE_ARN] = {"the ARN of the role", find_arn_fault, false},
        [RIA_ID_MFA_SERIAL] = {"mfa_serial", find_arn_fault, false},
        [RIA_ID_EXTERNAL_ID] = {"the external id", find_fault, true},
        [RIA_ID_SESSION_NAME] = {"the session name of the role", find_fault, false},
        [RIA_ID_SOURCE_IDENTITY] = {"the source identity", find_fault, false},
        [RIA_ID_LOGIN_SESSION] = {"login_session", find_arn_fault, false},
        [RIA_ID_ACCOUNT] = {"sso_account_id", find_account_fault, false},
        [RIA_ID_ROLE_NAME] = {"sso_role_name", find_fault, false},
        [RIA_ID_START_URL] = {"sso_start_url", find_fault, true},
    };
    const char *fault = setting->value == NULL ? NULL : kinds[kind].find(setting->value);
    if (fault == NULL) {
        return true;
    }
    bool is_hidden = kinds[kind].is_hidden;
    return ria_fail_at(
        err,
        code,
        setting,
        "%s%s%.128s%s %s",
        kinds[kind].name,
        is_hidden ? "" : ", ",
        is_hidden ? "" : setting->value,
        is_hidden ? "" : ",",
        fault);
}
