/* SPDX-License-Identifier: MIT
 *
 * Compiled into both objects; the preload itself uses only ria_tool_is_known().
 *
 * Finds the tool by its name, and its options by a table of the letters that have a value. The
 * letters are those of MariaDB 10.5 to 11.8 and of MySQL 5.7 to 9.7, which do not contradict one
 * another. If an argument is not understood, it is ignored: the tool then reports the error, or the
 * plugin refuses a connection that is not verified. */
#include "preload/tool_arguments.h"

#include "base/ascii.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP_MAX = 64
};

struct tool {
    const char *name;     /* without "mariadb", "mysql" and a hyphen or underscore */
    const char *required; /* the letters whose value is the rest of the argument, or the next one */
};

/* The letters with an optional value, which is always the rest of the argument: the password, and
 * -# of debug builds. mysqladmin also has -w. */
static const char optional_letters[] = "p#";

static const struct tool tools[] = {
    {"", "DPSehu"},
    {"admin", "PSchiu"},
    {"analyze", "PShu"},
    {"binlog", "PSTdhjloru"},
    {"check", "PShu"},
    {"dump", "PSThruw"},
    {"import", "PSchu"},
    {"optimize", "PShu"},
    {"repair", "PShu"},
    {"show", "PSchu"},
    {"slap", "FPScehiquxy"},
    {"upgrade", "PSbdhtu"},
};

/* Returns the part of the program's name that differs between the tools, or NULL. */
static const char *tool_suffix(const char *program)
{
    static const char *const makers[] = {"mariadb", "mysql"};
    const char *slash = program == NULL ? NULL : strrchr(program, '/');
    const char *name = slash == NULL ? program : slash + 1;
    for (size_t i = 0; name != NULL && i < sizeof(makers) / sizeof(makers[0]); i++) {
        size_t len = strlen(makers[i]);
        if (strncmp(name, makers[i], len) == 0) {
            name += len;
            return *name == '-' || *name == '_' ? name + 1 : name;
        }
    }
    return NULL;
}

static const struct tool *find_tool(const char *program)
{
    const char *suffix = tool_suffix(program);
    for (size_t i = 0; suffix != NULL && i < sizeof(tools) / sizeof(tools[0]); i++) {
        if (strcmp(suffix, tools[i].name) == 0) {
            return &tools[i];
        }
    }
    return NULL;
}

bool ria_tool_is_known(const char *program)
{
    return find_tool(program) != NULL;
}

bool ria_tool_is_interactive(const char *program)
{
    const struct tool *tool = find_tool(program);
    return tool != NULL && *tool->name == '\0';
}

/* -- options ----------------------------------------------------------------------------------- */

/* Returns whether the first `len` characters of an argument are the name of an option, or at least
 * `least` characters of it. */
static bool is_option(const char *text, size_t len, const char *name, size_t least)
{
    if (len < least || len > strlen(name)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] != name[i] && !(text[i] == '_' && name[i] == '-')) {
            return false;
        }
    }
    return true;
}

/* Stores the value of a long option about the server. Returns false for any other option. The
 * shortest abbreviation is the one that no other option of a tool begins with. */
static bool record_server(
    const char *text, size_t len, const char *value, struct ria_tool_arguments *out)
{
    if (is_option(text, len, "host", 2)) {
        out->host = value;
    } else if (is_option(text, len, "port", 3)) {
        out->port = value;
    } else if (is_option(text, len, "user", 4)) {
        out->user = value;
    } else if (is_option(text, len, "protocol", 4)) {
        out->protocol = value;
    } else {
        return false;
    }
    return true;
}

static bool is_false(const char *value)
{
    return strcmp(value, "0") == 0 || ria_ascii_same(value, "off") ||
           ria_ascii_same(value, "false");
}

/* Records an option about TLS. `value` is the text after "=", or NULL. */
static void record_tls(
    const char *text, size_t len, const char *value, struct ria_tool_arguments *out)
{
    if (is_option(text, len, "ssl-ca", 6) || is_option(text, len, "ssl-capath", 10)) {
        out->has_ca = true;
    } else if (is_option(text, len, "skip-ssl", 8) || is_option(text, len, "disable-ssl", 11)) {
        out->is_tls_off = true;
    } else if (is_option(text, len, "ssl", 3)) {
        out->is_tls_off = value != NULL && is_false(value);
    }
}

/* Reads an argument that begins with "--". Returns whether the next argument is its value. */
static bool read_long(const char *text, const char *next, struct ria_tool_arguments *out)
{
    size_t len = strcspn(text, "=");
    const char *value = text[len] == '=' ? text + len + 1 : NULL;
    if (record_server(text, len, value != NULL ? value : next, out)) {
        return value == NULL;
    }
    record_tls(text, len, value, out);
    return false;
}

static void record_letter(char letter, const char *value, struct ria_tool_arguments *out)
{
    switch (letter) {
    case 'h':
        out->host = value;
        break;
    case 'P':
        out->port = value;
        break;
    case 'u':
        out->user = value;
        break;
    default:
        break;
    }
}

/* Reads an argument of letters. Returns whether the next argument is the value of the last one. */
static bool read_letters(
    const struct tool *tool, const char *text, const char *next, struct ria_tool_arguments *out)
{
    for (; *text != '\0' && strchr(optional_letters, *text) == NULL; text++) {
        if (strchr(tool->required, *text) != NULL) {
            record_letter(*text, text[1] != '\0' ? text + 1 : next, out);
            return text[1] == '\0';
        }
    }
    return false;
}

void ria_tool_arguments_read(int argc, char *const argv[], struct ria_tool_arguments *out)
{
    const struct tool *tool = argc > 0 ? find_tool(argv[0]) : NULL;
    for (int i = 1; tool != NULL && i < argc && argv[i] != NULL && strcmp(argv[i], "--") != 0;
         i++) {
        const char *text = argv[i];
        const char *next = argv[i + 1]; /* NULL at the end */
        bool takes_next = false;
        if (strncmp(text, "--", 2) == 0) {
            takes_next = read_long(text + 2, next, out);
        } else if (*text == '-') {
            takes_next = read_letters(tool, text + 1, next, out);
        }
        i += takes_next && next != NULL ? 1 : 0;
    }
}

/* -- option files ------------------------------------------------------------------------------ */

bool ria_tool_reads_group(const char *program, const char *name, size_t len)
{
    static const char *const common[] = {"client", "client-server", "client-mariadb"};
    char group[GROUP_MAX];
    if (len >= sizeof(group)) {
        return false;
    }
    memcpy(group, name, len);
    group[len] = '\0';
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        if (strcmp(group, common[i]) == 0) {
            return true;
        }
    }
    const struct tool *tool = find_tool(program);
    const char *own = strcmp(group, "mariadb-client") == 0 ? "mariadb" : group;
    return tool != NULL && tool == find_tool(own);
}

bool ria_tool_reads_own_file(char *const argv[])
{
    const char *first = argv[0] == NULL || argv[1] == NULL ? "" : argv[1];
    return strncmp(first, "--no-defaults", strlen("--no-defaults")) != 0 &&
           strncmp(first, "--defaults-file", strlen("--defaults-file")) != 0;
}

/* Returns the value of a line, without blanks and quotes around it, or NULL without memory. */
static char *copy_line_value(const char *value)
{
    value += strspn(value, RIA_BLANKS);
    size_t len = strlen(value);
    while (len > 0 && strchr(RIA_BLANKS, value[len - 1]) != NULL) {
        len--;
    }
    if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
        value++;
        len -= 2;
    }
    return strndup(value, len);
}

void ria_tool_line_read(const char *line, struct ria_tool_arguments *out)
{
    const char *name = line + strspn(line, RIA_BLANKS);
    size_t len = strcspn(name, "=#" RIA_BLANKS);
    const char *rest = name + len + strspn(name + len, RIA_BLANKS);
    char *value = *rest == '=' ? copy_line_value(rest + 1) : NULL;
    if (value == NULL || !record_server(name, len, value, out)) {
        record_tls(name, len, value, out);
        free(value);
    }
}
