/* SPDX-License-Identifier: MIT
 *
 * Parses the lines of the [client] section: "name=value" or "name = value". In a name, '_' and '-'
 * are equivalent. */
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

/* Sets an option. Ignores an unknown one silently, as the library does. */
static void set_option(struct ria_account *account, const char *name, const char *value)
{
    if (strcmp(name, "ssl-ca") == 0) {
        account->ssl_ca = copy(value);
    } else if (strcmp(name, "password") == 0) {
        account->password = copy(value);
    } else if (strcmp(name, "default-auth") == 0) {
        account->default_auth = copy(value);
    }
}

static void parse_line(struct ria_account *account, char *line)
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
    set_option(account, line, value);
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
            parse_line(account, line);
        }
    }
    (void)fclose(file);
    return true;
}
