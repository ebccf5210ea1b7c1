/* SPDX-License-Identifier: MIT
 *
 * Checks a group of MySQL's option file, as the clients read it: runs my_print_defaults, which is a
 * part of every MySQL and MariaDB client package, and uses the host, port and user that it prints.
 * Shows none of the other options, because one of them may be a password. */
#include "check/facts.h"

#include "tool/program.h"
#include "tool/tool.h"

#include <limits.h>
#include <string.h>

enum {
    READER_MS = 5000
};

/* Returns the value in a line "--NAME=VALUE", "" for "--NAME", or NULL if the line has another
 * option. */
static const char *value_in_line(const char *line, const char *name)
{
    if (strncmp(line, "--", 2) != 0) {
        return NULL;
    }
    const char *at = line + 2;
    for (; *name != '\0'; name++, at++) {
        if (*at != *name && !(*name == '-' && *at == '_')) {
            return NULL;
        }
    }
    if (*at == '=') {
        return at + 1;
    }
    return *at == '\n' ? at : NULL;
}

/* Finds the last line "--NAME=VALUE" or "--NAME" and copies the value. '-' and '_' are the same in
 * the name of an option. Returns false if there is none. */
static bool find_option(const char *lines, const char *name, char *out, size_t size)
{
    bool is_found = false;
    for (const char *at = lines; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
        at += strspn(at, "\n");
        const char *value = value_in_line(at, name);
        if (value != NULL) {
            size_t len = strcspn(value, "\n");
            len = len < size ? len : size - 1;
            memcpy(out, value, len);
            out[len] = '\0';
            is_found = true;
        }
    }
    return is_found;
}

/* Uses the host, port, user and CA file of the group, unless the command line gives them. */
static void use_options(struct ria_target *target, const char *lines)
{
    char port[16];
    if (target->login.host == NULL &&
        find_option(lines, "host", target->host, sizeof(target->host))) {
        target->login.host = target->host;
    }
    if (target->login.user == NULL &&
        find_option(lines, "user", target->user, sizeof(target->user))) {
        target->login.user = target->user;
    }
    if (target->ca == NULL &&
        find_option(lines, "ssl-ca", target->ca_path, sizeof(target->ca_path)) &&
        target->ca_path[0] == '/') {
        target->ca = target->ca_path;
    }
    if (target->login.port == 0) {
        target->login.port =
            find_option(lines, "port", port, sizeof(port)) ? ria_port_parse(port) : RIA_MYSQL_PORT;
    }
}

/* Reports the options without which a client sends no token. */
static void check_options(struct ria_facts *facts, const char *lines)
{
    static const char *const needed[] = {"plugin-dir", "ssl-ca"};
    char value[PATH_MAX];
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        bool is_set = find_option(lines, needed[i], value, sizeof(value)) && value[0] != '\0';
        ria_report_add(
            facts->report,
            is_set ? RIA_MARK_OK : RIA_MARK_FAULT,
            needed[i],
            is_set ? NULL : "Add the lines that rds-iam setup mysql prints.",
            "%s",
            is_set ? value : "not set in this group");
    }
    if (find_option(lines, "password", value, sizeof(value))) {
        facts->has_password = true;
        ria_report_add(
            facts->report,
            RIA_MARK_WARNING,
            "password",
            "Remove the password from the option file.",
            "is set, so the client sends it and no token");
    }
    explicit_bzero(value, sizeof(value));
}

void ria_check_option_file(struct ria_facts *facts)
{
    RIA_AUTO(probe) output = RIA_PROBE_INIT;
    struct ria_error err;
    char path[PATH_MAX];
    const char *arguments[] = {path, facts->target.group, NULL};
    struct ria_deadline deadline = ria_deadline_in(facts->world, READER_MS);
    if (!ria_program_find("my_print_defaults", facts->world, path) ||
        !ria_probe_run(arguments, NULL, deadline, facts->world, &output, &err)) {
        ria_report_add(
            facts->report,
            RIA_MARK_SKIPPED,
            "option file",
            "Give --hostname and --username as well.",
            "my_print_defaults, which reads it, is not installed");
        return;
    }
    ria_buf_add_char(&output.lines, '\n');
    const char *lines = ria_buf_text(&output.lines);
    bool is_empty = lines == NULL || lines[strspn(lines, "\n")] == '\0';
    ria_report_add(
        facts->report,
        is_empty ? RIA_MARK_FAULT : RIA_MARK_OK,
        "option file",
        is_empty ? "Add it: rds-iam setup mysql" : NULL,
        is_empty ? "no option file has options in [%s]" : "has options in [%s]",
        facts->target.group);
    if (!is_empty) {
        use_options(&facts->target, lines);
        check_options(facts, lines);
    }
}
