/* SPDX-License-Identifier: MIT
 *
 * Recognizes a command-line tool of MariaDB or Oracle by its name. Parses the tool's options with a
 * table of the option letters that take a value. One table is enough for MariaDB 10.5 to 11.8 and
 * MySQL 5.7 to 9.7, because no letter takes a value in one version and none in another. Ignores an
 * argument that it does not recognize. If the argument is wrong, the tool itself reports the error.
 * If this file does not find the host, the tool gets no option from rds-iam. Unless the user's own
 * options then make the tool verify the server, the plugin refuses the login. This file is compiled
 * into the preload and into rds-iam-mysql-host.so; the preload uses only ria_tool_is_known(). */
#include "preload/tool_arguments.h"

#include "base/ascii.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP_MAX = 64
};

struct tool {
    /* the tool's name without "mariadb" or "mysql" at its beginning and without a hyphen or
     * underscore after that word */
    const char *name;
    /* the tool's own group in option files, without "mysql" or "mariadb-" */
    const char *group;
    /* the letters whose value is the rest of the argument, or the next argument */
    const char *required;
};

/* The letters with an optional value, which is always the rest of the argument: -p (the password),
 * and -# of debug builds. mysqladmin's -w also has an optional value, a number. The list need not
 * contain -w, because no option letter is a digit. */
static const char optional_letters[] = "p#";

static const struct tool tools[] = {
    {"", "", "DPSehu"},
    {"admin", "admin", "PSchiu"},
    {"analyze", "check", "PShu"},
    {"binlog", "binlog", "PSTdhjloru"},
    {"check", "check", "PShu"},
    {"dump", "dump", "PSThruw"},
    {"import", "import", "PSchu"},
    {"optimize", "check", "PShu"},
    {"repair", "check", "PShu"},
    {"show", "show", "PSchu"},
    {"slap", "slap", "FPScehiquxy"},
    {"upgrade", "upgrade", "PSbdhtu"},
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

/* Returns whether the first `len` characters of an argument are the option `name`, or an
 * abbreviation of it that has at least `least` characters. */
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

/* Records an option that determines which sources the tool reads options from. The tools accept no
 * abbreviation of such an option. */
static void record_source(const char *text, size_t len, struct ria_tool_arguments *out)
{
    static const char *const others[] = {
        "defaults-extra-file", "defaults-group-suffix", "login-path"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        out->has_other_source |= is_option(text, len, others[i], strlen(others[i]));
    }
    out->skips_login_file |= is_option(text, len, "no-login-paths", strlen("no-login-paths"));
}

/* Stores the value of a long option that determines the server. Returns false for any other option.
 * The number in each line is the length of the option's shortest unambiguous abbreviation: no other
 * option of any tool begins with this abbreviation. */
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

/* Returns whether the option determines whether the server's name is verified. */
static bool is_verification(const char *text, size_t len)
{
    static const char *const names[] = {
        "ssl-verify-server-cert",
        "skip-ssl-verify-server-cert",
        "disable-ssl-verify-server-cert",
        "ssl-mode",
        "loose-ssl-mode",
    };
    bool is_found = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        is_found = is_found || is_option(text, len, names[i], strlen(names[i]));
    }
    return is_found;
}

/* Records an option about TLS. `value` is the text after "=", or NULL. */
static void record_tls(
    const char *text, size_t len, const char *value, struct ria_tool_arguments *out)
{
    if (is_option(text, len, "ssl-ca", 6) || is_option(text, len, "ssl-capath", 10)) {
        out->has_ca = true;
    } else if (is_verification(text, len)) {
        out->sets_verification = true;
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
    record_source(text, len, out);
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

/* Reads an argument that consists of option letters after one "-". Returns whether the next
 * argument is the value of the last letter. */
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

/* Returns whether `group` is the tool's own group. For example, the group of both makers' dump
 * tools is "mysqldump"; MariaDB's dump tool also reads "mariadb-dump". MariaDB's interactive tool
 * reads "mariadb-client", because the group "mariadb" is the server's. */
static bool is_own_group(const struct tool *tool, bool is_mariadb, const char *group)
{
    const char *own = strcmp(tool->group, "upgrade") == 0 ? "_upgrade" : tool->group;
    if (strncmp(group, "mysql", strlen("mysql")) == 0) {
        return strcmp(group + strlen("mysql"), own) == 0;
    }
    return is_mariadb && strncmp(group, "mariadb-", strlen("mariadb-")) == 0 &&
           strcmp(group + strlen("mariadb-"), *tool->group == '\0' ? "client" : tool->group) == 0;
}

bool ria_tool_reads_group(const char *program, bool is_mariadb, const char *name, size_t len)
{
    const struct tool *tool = find_tool(program);
    char group[GROUP_MAX];
    if (tool == NULL || len >= sizeof(group)) {
        return false;
    }
    memcpy(group, name, len);
    group[len] = '\0';
    return strcmp(group, "client") == 0 || is_own_group(tool, is_mariadb, group) ||
           (is_mariadb &&
            (strcmp(group, "client-server") == 0 || strcmp(group, "client-mariadb") == 0));
}

bool ria_tool_reads_own_file(char *const argv[])
{
    const char *first = argv[0] == NULL || argv[1] == NULL ? "" : argv[1];
    return strncmp(first, "--no-defaults", strlen("--no-defaults")) != 0 &&
           strncmp(first, "--defaults-file", strlen("--defaults-file")) != 0;
}

/* Updates *quote after the quote character `at`. *quote is the quote character that began a quoted
 * part of the value, or NUL outside of quoted parts. */
static void quote_change(char at, char *quote)
{
    if (*quote == '\0') {
        *quote = at;
    } else if (*quote == at) {
        *quote = '\0';
    }
}

/* Returns the length of a value without the comment at its end. As in my_default.c of both makers,
 * a comment begins with a "#" outside of quotes, with or without a blank before it. A backslash
 * escapes a quote only within quotes. */
static size_t length_without_comment(const char *value)
{
    char quote = '\0';
    bool is_escaped = false;
    size_t len = 0;
    for (; value[len] != '\0' && (quote != '\0' || value[len] != '#'); len++) {
        char at = value[len];
        if ((at == '"' || at == '\'') && !is_escaped) {
            quote_change(at, &quote);
        }
        is_escaped = quote != '\0' && at == '\\' && !is_escaped;
    }
    return len;
}

/* Returns a copy of the value of a line, without the comment, and without blanks and quotes around
 * the value. The caller owns the copy. Returns NULL if memory runs out. */
static char *copy_line_value(const char *value)
{
    value += strspn(value, RIA_BLANKS);
    size_t len = length_without_comment(value);
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
    if (*name == '!') {
        out->has_other_source = true; /* !include or !includedir */
        return;
    }
    size_t len = strcspn(name, "=#" RIA_BLANKS);
    const char *rest = name + len + strspn(name + len, RIA_BLANKS);
    char *value = *rest == '=' ? copy_line_value(rest + 1) : NULL;
    if (value == NULL || !record_server(name, len, value, out)) {
        record_tls(name, len, value, out);
        if (value != NULL) {
            explicit_bzero(value, strlen(value)); /* the line may be that of a password */
        }
        free(value);
    }
}
