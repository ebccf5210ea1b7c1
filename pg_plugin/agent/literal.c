/* SPDX-License-Identifier: MIT
 *
 * Finds a setting that libpq misunderstands. Compares the setting with libpq's keywords
 * (service/keyword.h), and with forms of passfile= that libpq does not accept. */
#include "agent/literal.h"

#include "rds_iam.h"
#include "service/keyword.h"

#include <string.h>

bool ria_literal_is_passfile(const char *key)
{
    char trimmed[sizeof("passfile")];
    size_t len = strcspn(key, " \t");
    if (len + 1 != sizeof(trimmed)) {
        return false;
    }
    memcpy(trimmed, key, len);
    trimmed[len] = '\0';
    return ria_ascii_same(trimmed, "passfile");
}

bool ria_literal_find(const struct ria_service_setting *setting, char *out, size_t size)
{
    const char *fault = ria_keyword_fault(setting);
    if (fault != NULL) {
        (void)ria_text_copy(out, size, fault);
    } else if (setting->value != NULL && strcmp(setting->key, "passfile") == 0) {
        (void)ria_text_format(out, size, RIA_KEYWORD_RELATIVE, setting->value);
        return *setting->value != '/' && *setting->value != '\0';
    } else if (ria_literal_is_passfile(setting->key)) {
        (void)ria_text_format(
            out,
            size,
            "libpq does not know \"%.16s\", so it rejects the service; write passfile=",
            setting->key);
    }
    return fault != NULL || ria_literal_is_passfile(setting->key);
}
