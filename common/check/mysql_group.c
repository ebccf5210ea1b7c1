/* SPDX-License-Identifier: MIT
 *
 * Checks a group of MySQL's option files, which option_groups.c reads as the clients do. Uses the
 * group's host, port and user for the login. After a login without an option file, names the groups
 * that the user's programs may read. Shows only the options that it checks, because another option
 * may contain a password. */
#include "check/facts.h"

#include "tool/tool.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADD_LINES "Add the lines that rds-iam setup mysql prints."

/* Returns whether two paths lead to the same file. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat first;
    struct stat second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* Uses the time limit of the group. Uses its host, port, user and CA file unless the command line
 * gives them. `lines` may be NULL. */
static void use_options(struct ria_target *target, const char *lines)
{
    char port[16];
    char timeout[16];
    if (ria_check_find_option(lines, "connect-timeout", timeout, sizeof(timeout))) {
        ria_check_use_timeout(target, timeout, "connect-timeout");
    }
    if (target->login.host == NULL &&
        ria_check_find_option(lines, "host", target->host, sizeof(target->host))) {
        target->login.host = target->host;
    }
    if (target->login.user == NULL &&
        ria_check_find_option(lines, "user", target->user, sizeof(target->user))) {
        target->login.user = target->user;
    }
    if (target->ca == NULL &&
        ria_check_find_option(lines, "ssl-ca", target->ca_path, sizeof(target->ca_path)) &&
        target->ca_path[0] == '/') {
        target->ca = target->ca_path;
    }
    if (target->login.port == 0) {
        target->login.port = ria_check_find_option(lines, "port", port, sizeof(port))
                                 ? ria_port_parse(port)
                                 : RIA_MYSQL_PORT;
    }
}

/* Reports an option. If `value` is NULL, reports that the option is not set. */
static void add_option(struct ria_facts *facts, const char *name, const char *value)
{
    ria_report_add(
        facts->report,
        value != NULL ? RIA_MARK_OK : RIA_MARK_FAULT,
        name,
        value != NULL ? NULL : ADD_LINES,
        "%s",
        value != NULL ? value : "not set in this group");
}

/* The plugins of rds-iam. */
static const struct plugin {
    const char *library;   /* the client library that loads the plugin */
    const char *directory; /* of the installed plugin */
    const char *name;      /* the file name of the plugin, in any directory */
} plugins[] = {
    {"libmariadb", RIA_MARIADB_PLUGIN_DIR, "mysql_clear_password.so"},
    {"libmysqlclient", RIA_ORACLE_PLUGIN_DIR, "rds_iam_v1.so"},
};

/* Returns the plugin of rds-iam that the directory contains, or NULL. */
static const struct plugin *find_plugin(const char *directory)
{
    char path[PATH_MAX];
    char own[PATH_MAX];
    for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
        if (ria_text_format(path, sizeof(path), "%s/%s", directory, plugins[i].name) &&
            ria_text_format(own, sizeof(own), "%s/%s", plugins[i].directory, plugins[i].name) &&
            is_same_file(path, own)) {
            return &plugins[i];
        }
    }
    return NULL;
}

/* Reports a directory that contains no plugin for the client library. `found` is the plugin that
 * it contains, or NULL. */
static void add_wrong_plugin_dir(
    struct ria_facts *facts,
    const char *directory,
    const struct plugin *found,
    const struct plugin *wanted)
{
    char remedy[RIA_REPORT_TEXT_MAX];
    bool is_known = *facts->target.library != '\0'; /* the library that the program uses */
    if (found == NULL) {
        facts->is_plugin_dir_missing = true;
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "plugin-dir",
            ADD_LINES,
            "%s does not contain rds-iam's plugin",
            directory);
        return;
    }
    facts->is_plugin_dir_missing = is_known;
    facts->is_plugin_dir_for_oracle = !is_known;
    (void)ria_text_format(
        remedy, sizeof(remedy), "For %s: plugin-dir=%s", wanted->library, wanted->directory);
    ria_report_add(
        facts->report,
        is_known ? RIA_MARK_FAULT : RIA_MARK_WARNING,
        "plugin-dir",
        remedy,
        "%s is the directory for %s",
        directory,
        found->library);
}

static void check_plugin_dir(struct ria_facts *facts, const char *lines)
{
    char directory[PATH_MAX];
    const char *variable = ria_world_env(facts->world, "MARIADB_PLUGIN_DIR");
    bool is_set = ria_check_find_option(lines, "plugin-dir", directory, sizeof(directory)) &&
                  *directory != '\0';
    if (!is_set && variable != NULL) {
        is_set = ria_text_copy(directory, sizeof(directory), variable);
    }
    bool is_oracle = strstr(facts->target.library, plugins[1].library) != NULL;
    const struct plugin *wanted = &plugins[is_oracle ? 1 : 0];
    const struct plugin *found = is_set ? find_plugin(directory) : NULL;
    if (is_set && found != wanted) {
        add_wrong_plugin_dir(facts, directory, found, wanted);
        return;
    }
    facts->is_plugin_dir_missing = !is_set;
    add_option(facts, "plugin-dir", is_set ? directory : NULL);
}

/* Reports the file of root certificates. The clients do not expand ~ in an option file. */
static void check_ssl_ca(struct ria_facts *facts, const char *lines)
{
    char path[PATH_MAX];
    bool is_set = ria_check_find_option(lines, "ssl-ca", path, sizeof(path)) && path[0] != '\0';
    facts->is_ssl_ca_missing = !is_set || access(path, R_OK) != 0;
    if (!is_set || !facts->is_ssl_ca_missing) {
        add_option(facts, "ssl-ca", is_set ? path : NULL);
        return;
    }
    ria_report_add(
        facts->report,
        RIA_MARK_FAULT,
        "ssl-ca",
        path[0] == '~' ? "Write the whole path, because clients do not expand ~ in an option file."
                       : "Name the file that rds-iam setup ca installs.",
        "%s: %s",
        path,
        strerror(errno));
}

/* Returns whether the options make MariaDB's clients compare the certificate with the dialed name.
 */
static bool sets_verification(const char *lines)
{
    static const char *const off[] = {"0", "OFF", "FALSE"};
    char value[16];
    bool is_on = ria_check_find_option(lines, "ssl-verify-server-cert", value, sizeof(value));
    for (size_t i = 0; i < sizeof(off) / sizeof(off[0]) && is_on; i++) {
        is_on = !ria_ascii_same(value, off[i]);
    }
    return is_on;
}

/* A password in [client] is sent even if no option file has the group. */
static void check_password(struct ria_facts *facts, const char *lines)
{
    char value[PATH_MAX];
    if (ria_check_find_option(lines, "password", value, sizeof(value))) {
        ria_check_given_password(facts, value, "the option file");
    }
    explicit_bzero(value, sizeof(value));
}

/* Reports the options that a client needs to send a token. */
static void check_options(struct ria_facts *facts, const char *lines)
{
    check_plugin_dir(facts, lines);
    check_ssl_ca(facts, lines);
    facts->has_verify_option = sets_verification(lines);
}

/* Reports that no option file has options in the group. Names the groups that contain options. */
static void add_missing_group(struct ria_facts *facts)
{
    RIA_AUTO(buf) groups = {.max = RIA_PROBE_OUTPUT_MAX};
    const char *list =
        ria_check_list_client_groups(facts->world, &groups) ? ria_buf_text(&groups) : NULL;
    ria_report_add(
        facts->report,
        RIA_MARK_FAULT,
        "option file",
        list != NULL ? "Name one of these groups, or add the group: rds-iam setup mysql"
                     : "Add the group: rds-iam setup mysql",
        "no option file has options in [%s]%s%s",
        facts->target.group,
        list != NULL ? "; the groups that exist are: " : "",
        list != NULL ? list : "");
}

/* Writes the command that corrects the mode of the file in MariaDB's warning "World-writable config
 * file 'PATH' is ignored". */
static void find_mode_remedy(const char *warning, char *out, size_t size)
{
    static const char begin[] = "config file '";
    const char *path = strstr(warning, begin);
    const char *end = path == NULL ? NULL : strstr(path, "' is ignored");
    path = path == NULL ? "" : path + strlen(begin);
    size_t len = strspn(path, RIA_ALNUM "_-./"); /* of a path that needs no quotes in a shell */
    if (end != NULL && path + len == end) {
        (void)ria_text_format(out, size, "Run: chmod o-w %.*s", (int)len, path);
    } else {
        (void)ria_text_copy(out, size, "Correct what the message names.");
    }
}

/* Reports whether the group contains options. `warning` is what my_print_defaults has written to
 * stderr: the option files that it ignores, as other programs of MariaDB and MySQL do. */
static void add_option_file(struct ria_facts *facts, const char *warning)
{
    char remedy[RIA_REPORT_TEXT_MAX];
    bool is_missing = facts->is_group_missing;
    facts->is_option_file_ignored =
        is_missing && warning != NULL && strstr(warning, "is ignored") != NULL;
    if (warning == NULL || *warning == '\0') {
        if (is_missing) {
            add_missing_group(facts);
        } else {
            ria_report_add(
                facts->report,
                RIA_MARK_OK,
                "option file",
                NULL,
                "has options in [%s]",
                facts->target.group);
        }
        return;
    }
    find_mode_remedy(warning, remedy, sizeof(remedy));
    ria_report_add(
        facts->report,
        is_missing ? RIA_MARK_FAULT : RIA_MARK_WARNING,
        "option file",
        remedy,
        "%s [%s]: %.*s",
        is_missing ? "no option file has options in" : "has options in",
        facts->target.group,
        (int)strcspn(warning, "\n"),
        warning);
}

void ria_check_option_file(struct ria_facts *facts)
{
    RIA_AUTO(probe) own = RIA_PROBE_INIT;
    RIA_AUTO(probe) all = RIA_PROBE_INIT;
    const char *group = facts->target.group;
    /* A client that reads a group also reads [client]. */
    if (!ria_check_print_defaults(facts->world, group, NULL, &own) ||
        !ria_check_print_defaults(facts->world, "client", group, &all)) {
        ria_report_add(
            facts->report,
            RIA_MARK_SKIPPED,
            "option file",
            "Give --hostname and --username as well.",
            "my_print_defaults, which reads it, is not installed");
        use_options(&facts->target, NULL);
        return;
    }
    const char *lines = ria_buf_text(&own.lines);
    facts->is_group_missing = lines == NULL || lines[strspn(lines, "\n")] == '\0';
    add_option_file(facts, ria_buf_text(&own.errors));
    if (!facts->is_group_missing) {
        use_options(&facts->target, ria_buf_text(&all.lines));
        ria_check_use_default_user(&facts->target, facts->world);
        facts->is_group_incomplete = facts->target.login.host == NULL;
        check_options(facts, ria_buf_text(&all.lines));
    } else {
        use_options(&facts->target, NULL);
    }
    check_password(facts, ria_buf_text(&all.lines));
}

/* -- option files that a login has not used ---------------------------------------------------- */

/* Returns what is wrong with [client] for programs that read it, as the beginning of a sentence.
 * Returns "" if nothing is wrong. */
static const char *find_client_fault(struct ria_facts *facts)
{
    RIA_AUTO(probe) output = RIA_PROBE_INIT;
    char value[PATH_MAX] = "";
    if (!ria_check_print_defaults(facts->world, "client", NULL, &output)) {
        return "";
    }
    const char *lines = ria_buf_text(&output.lines);
    (void)ria_check_find_option(lines, "password", value, sizeof(value));
    bool has_password = value[0] != '\0';
    explicit_bzero(value, sizeof(value));
    facts->is_client_refused = facts->is_name_ignored && sets_verification(lines);
    return has_password ? "[client] contains a password, which programs send in place of a token; "
           : facts->is_client_refused
               ? "[client] sets ssl-verify-server-cert, which overrides tls = verify-ca; "
               : "";
}

void ria_check_unused_option_files(struct ria_facts *facts)
{
    RIA_AUTO(buf) groups = {.max = RIA_PROBE_OUTPUT_MAX};
    char command[RIA_REPORT_TEXT_MAX];
    const struct ria_target *target = &facts->target;
    bool has_groups = ria_check_list_client_groups(facts->world, &groups);
    const char *list = ria_buf_text(&groups);
    if (!has_groups || list == NULL) {
        return;
    }
    const char *fault = find_client_fault(facts);
    char group[RIA_CHECK_NAME_SIZE] = ""; /* "" if the name is too long */
    (void)ria_text_format(group, sizeof(group), "%.*s", (int)strcspn(list, ","), list);
    (void)ria_text_format(
        command,
        sizeof(command),
        "rds-iam check --defaults-group %s --hostname %s --port %u --username %s",
        ria_check_is_plain(group) ? group : "GROUP",
        target->login.host,
        target->login.port,
        ria_check_is_plain(target->login.user) ? target->login.user : "USER");
    ria_report_add(
        facts->report,
        *fault != '\0' ? RIA_MARK_WARNING : RIA_MARK_NOTE,
        "option files",
        command,
        "%sthis login used no option file; to check the login of programs that read %s:",
        fault,
        list);
}
