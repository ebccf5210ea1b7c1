/* SPDX-License-Identifier: MIT
 *
 * Checks a group of MySQL's option files, which option_groups.c reads as the clients do. Uses the
 * group's host, port and user for the login. After a login without an option file, names the groups
 * that the user's programs may read. Shows only the options that it checks, because another option
 * may contain a password. */
#include "check/facts.h"

#include "tool/tool.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

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

static void check_plugin_dir(struct ria_facts *facts, const char *lines)
{
    static const struct {
        const char *own;  /* the installed path of a plugin of rds-iam */
        const char *name; /* the file name of this plugin, in any directory */
    } plugins[] = {
        {RIA_MARIADB_PLUGIN_DIR "/mysql_clear_password.so", "mysql_clear_password.so"},
        {RIA_ORACLE_PLUGIN_DIR "/rds_iam_v1.so", "rds_iam_v1.so"},
    };
    char directory[PATH_MAX];
    char path[PATH_MAX];
    const char *variable = ria_world_env(facts->world, "MARIADB_PLUGIN_DIR");
    bool is_set = ria_check_find_option(lines, "plugin-dir", directory, sizeof(directory)) &&
                  *directory != '\0';
    if (!is_set && variable != NULL) {
        is_set = ria_text_copy(directory, sizeof(directory), variable);
    }
    bool has_plugin = false;
    for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]) && is_set; i++) {
        has_plugin = has_plugin ||
                     (ria_text_format(path, sizeof(path), "%s/%s", directory, plugins[i].name) &&
                      is_same_file(path, plugins[i].own));
    }
    facts->is_plugin_dir_missing = !has_plugin;
    if (is_set && !has_plugin) {
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "plugin-dir",
            ADD_LINES,
            "%s does not contain rds-iam's plugin",
            directory);
    } else {
        add_option(facts, "plugin-dir", is_set ? directory : NULL);
    }
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
    char value[PATH_MAX];
    bool is_set = ria_check_find_option(lines, "ssl-ca", value, sizeof(value)) && value[0] != '\0';
    check_plugin_dir(facts, lines);
    add_option(facts, "ssl-ca", is_set ? value : NULL);
    facts->is_ssl_ca_missing = !is_set;
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

/* Reports whether the group contains options. `warning` is what my_print_defaults has written to
 * stderr: the option files that it ignores. */
static void add_option_file(struct ria_facts *facts, const char *warning)
{
    bool is_missing = facts->is_group_missing;
    bool has_warning = warning != NULL && *warning != '\0';
    if (is_missing && !has_warning) {
        add_missing_group(facts);
        return;
    }
    ria_report_add(
        facts->report,
        is_missing ? RIA_MARK_FAULT : RIA_MARK_OK,
        "option file",
        is_missing ? "Correct what the message names, such as the file's mode: chmod 600 FILE"
                   : NULL,
        "%s [%s]%s%.*s",
        is_missing ? "no option file has options in" : "has options in",
        facts->target.group,
        has_warning ? ": " : "",
        has_warning ? (int)strcspn(warning, "\n") : 0,
        has_warning ? warning : "");
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

static bool has_client_password(const struct ria_world *world)
{
    RIA_AUTO(probe) output = RIA_PROBE_INIT;
    char value[PATH_MAX];
    bool is_set =
        ria_check_print_defaults(world, "client", NULL, &output) &&
        ria_check_find_option(ria_buf_text(&output.lines), "password", value, sizeof(value)) &&
        value[0] != '\0';
    explicit_bzero(value, sizeof(value));
    return is_set;
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
    bool has_password = has_client_password(facts->world);
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
        has_password ? RIA_MARK_WARNING : RIA_MARK_NOTE,
        "option files",
        command,
        "%sthis login used no option file; to check the login of programs that read %s:",
        has_password ? "[client] contains a password, which programs send in place of a token; "
                     : "",
        list);
}
