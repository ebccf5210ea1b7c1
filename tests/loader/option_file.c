/* SPDX-License-Identifier: MIT
 *
 * Lines of [client]: "name=value" and "name = value", with '_' for '-' at will. */
#include "option_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
    char *made = strdup(text);
    if (made == NULL) {
        abort();
    }
    return made;
}

/* What is not known is passed over in silence. */
static void take(struct ria_account *account, const char *name, const char *value)
{
    if (strcmp(name, "ssl-ca") == 0) {
        account->ssl_ca = copy(value);
    } else if (strcmp(name, "password") == 0) {
        account->password = copy(value);
    } else if (strcmp(name, "default-auth") == 0) {
        account->default_auth = copy(value);
    }
}

static void take_line(struct ria_account *account, char *line)
{
    char *value = strchr(line, '=');
    if (value == NULL) {
        return;
    }
    char *end = value;
    while (end > line && end[-1] == ' ') {
        end--;
    }
    *end = '\0';
    value += 1 + strspn(value + 1, " ");
    for (char *at = line; *at != '\0'; at++) {
        *at = *at == '_' ? '-' : *at;
    }
    take(account, line, value);
}

bool ria_option_file_read(const char *path, struct ria_account *account)
{
    char line[4096];
    bool is_ours = false;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '[') {
            is_ours = strcmp(line, "[client]") == 0;
        } else if (is_ours && line[0] != '#') {
            take_line(account, line);
        }
    }
    (void)fclose(file);
    return true;
}
