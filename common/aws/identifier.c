/* SPDX-License-Identifier: MIT
 *
 * Two tables: what each kind of name is called, and the characters that none of them holds. The
 * account of an ARN is its fifth field. Refuses what STS, SSO and sign-in would refuse; how many
 * digits an account has is left to them. */
#include "aws/identifier.h"

#include "base/ascii.h"

#include <string.h>

static const char *find_fault(const char *value)
{
    static const struct {
        const char *characters;
        const char *fault;
    } table[] = {
        {"\"'`", "stands in quotes, which are a part of it; remove them"},
        {"\n", "goes on in the next line; write it in one line"},
        {"{}<>$", "holds a placeholder; put the true value in its place"},
        {" \t\r", "holds a blank; remove it"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strpbrk(value, table[i].characters) != NULL) {
            return table[i].fault;
        }
    }
    for (; *value != '\0'; value++) {
        if (*value < ' ' || *value > '~') {
            return "holds a character that is not plain ASCII, such as a typographic quote or "
                   "dash; "
                   "type it anew";
        }
    }
    return NULL;
}

static bool is_number(const char *text, size_t len)
{
    return len > 0 && strspn(text, RIA_DIGITS) >= len;
}

/* arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE. NULL: it ends before. */
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

static const char *find_arn_fault(const char *value)
{
    const char *fault = find_fault(value);
    const char *account = strncmp(value, "arn:", 4) == 0 ? find_account(value) : NULL;
    if (fault == NULL && account != NULL && !is_number(account, strcspn(account, ":"))) {
        fault = "has no number as its account; write the account's 12 digits, without dashes";
    }
    return fault;
}

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
