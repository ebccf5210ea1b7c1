/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup mysql: prints the lines of an option file for this machine, or writes them into
 * ~/.my.cnf, or prints what one program needs, or lists the clients of this machine. Rejects a path
 * that an option file cannot contain. Does not change a group that already exists in the option
 * file. */
#include "cli/command_line.h"
#include "tool/ca_store.h"
#include "tool/part.h"
#include "tool/setup_clients.h"
#include "tool/setup_files.h"
#include "tool/setup_programs.h"
#include "tool/tool.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTION_FILE_PATH_MAX = 500, /* MariaDB's programs cut a path at 512 bytes */
};

struct mysql_setup {
    const struct ria_world *world;
    const char *ca_given;
    const char *program;
    const char *client;
    bool is_for_all;
    bool is_written;
    bool has_clients;
    const char *group;
    char ca[PATH_MAX];
    bool has_ca; /* the file exists, or the user has given its path */
    struct ria_error err;
};

static const struct ria_option options[] = {
    {"program",
     "NAME",
     "print what this program needs (MySQLdb, DBD::mysql, mysql2, ODBC, Django, PHP, postfix, "
     "mysql ...), or what to write for \"systemd\" or \"docker\"; --program list prints all names",
     RIA_VALUE(struct mysql_setup, program)},
    {"write",
     NULL,
     "add the lines to ~/.my.cnf. A second run changes nothing. The old file is copied to "
     "~/.my.cnf.rds-iam-backup (.1, .2 ... if that name exists). A group that exists with other "
     "contents is refused.",
     RIA_FLAG(struct mysql_setup, is_written)},
    {"all-servers",
     NULL,
     "use the group [client] instead of [client-rds]. Clients need no option then, but MariaDB's "
     "clients refuse every server without TLS, also local servers and Unix sockets.",
     RIA_FLAG(struct mysql_setup, is_for_all)},
    {"ssl-ca",
     "FILE",
     "the root certificates of the servers; default: the file that rds-iam setup ca has installed. "
     "For an RDS Proxy, see --program proxy.",
     RIA_VALUE(struct mysql_setup, ca_given)},
    {"clients",
     NULL,
     "list the clients on this machine and what each of them needs",
     RIA_FLAG(struct mysql_setup, has_clients)},
    {"client",
     "FILE",
     "inspect this program (searched in PATH) or library",
     RIA_VALUE(struct mysql_setup, client)},
};

#define FOR_EVERY_SERVER "leave it out: the lines are for every server, and the client gets "
static const struct ria_hint hints[] = {
    {"--ca", "write --ssl-ca"},
    {"--hostname", FOR_EVERY_SERVER "the host, as in: mariadb -h ENDPOINT"},
    {"--port", FOR_EVERY_SERVER "the port, as in: mariadb -P PORT"},
    {"--username", FOR_EVERY_SERVER "the user, as in: mariadb -u USER"},
    {"--dbname", FOR_EVERY_SERVER "the database"},
    {0},
};

static const struct ria_syntax setup_mysql_syntax = {
    .usage = "rds-iam setup mysql [--program NAME] [--all-servers] [--ssl-ca FILE]\n"
             "rds-iam setup mysql --write [--all-servers] [--ssl-ca FILE]\n"
             "rds-iam setup mysql --clients | --client FILE\n",
    .about = "Prints the lines of an option file with which MySQL and MariaDB clients log in\n"
             "to RDS with IAM tokens. MariaDB's commands need nothing else. Other programs\n"
             "need an option that names the group, or other settings: use --program NAME.\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
    .hints = hints,
};

static const char lines[] = "[@GROUP@]\n"
                            "plugin-dir=@PLUGINS@\n"
                            "ssl-ca=@CA@\n"
                            "ssl-verify-server-cert=1\n";

static const char first_text[] = "# Run once: rds-iam setup ca\n";
static const char short_text[] =
    "# Add these lines to ~/.my.cnf, or run: rds-iam setup mysql@ALL@ --write\n"
    "\n"
    "@LINES@"
    "\n"
    "@NEXT@"
    "# What another program needs: rds-iam setup mysql --program NAME, where NAME is\n"
    "# MySQLdb, DBD::mysql, mysql2, ODBC, Django, PHP, postfix, mysql (Oracle's),\n"
    "# proxy (RDS Proxy), systemd, docker ...; --program list prints all names.\n"
    "# Without any file: rds-iam exec -- PROGRAM\n";

static const char next_text[] = "# Then: @COMMAND@ -h ENDPOINT -u USER\n"
                                "@OTHERS@";
static const char others_separate[] =
    "# Without --defaults-group-suffix=-rds, logins to other servers do not change.\n";
static const char others_refused[] =
    "# MariaDB's clients now refuse every server without TLS, also local ones.\n";

/* Texts that explain how to write the option file: the first for daemons, which have no home
 * directory, the second for users. */
static const char system_text[] = "As root, once:\n"
                                  "\n"
                                  "    rds-iam setup ca\n"
                                  "    rds-iam setup mysql@ALL@ >>/etc/mysql/conf.d/my.cnf\n"
                                  "\n";
static const char file_text[] = "Once:\n"
                                "\n"
                                "@FIRST@"
                                "    rds-iam setup mysql@ALL@ --write\n"
                                "\n"
                                "Then:\n"
                                "\n";
static const char variables[] = "    MARIADB_PLUGIN_DIR=" RIA_MARIADB_PLUGIN_DIR "\n"
                                "    LIBMYSQL_PLUGINS=" RIA_MARIADB_PLUGINS "\n";

/* -- values ---------------------------------------------------------------------------------- */

/* Checks that the path can be written into an option file. The programs that read an option file
 * end a value at a #, and replace backslashes and quotes in it. */
static int setup_mysql_check_ca(const char *command, const char *ca)
{
    size_t len = strlen(ca);
    bool is_plain = strpbrk(ca, "#\\'\"") == NULL && !ria_ascii_is_space(ca[0]) &&
                    !ria_ascii_is_space(ca[len - 1]);
    for (const char *at = ca; *at != '\0'; at++) {
        is_plain = is_plain && !ria_ascii_is_control(*at);
    }
    if (is_plain && len <= OPTION_FILE_PATH_MAX) {
        return RIA_CONTINUE;
    }
    return ria_usage(
        command,
        "the path of the root certificates is too long for an option file, begins or ends with a "
        "blank, or contains a control character or one of # \\ ' \"; copy the file, and name the "
        "copy with --ssl-ca");
}

/* Writes the path of the root certificates to setup->ca. If the user has given a path and the file
 * can be read, writes the absolute path, because programs may run in any directory. */
static bool setup_mysql_find_ca(struct mysql_setup *setup)
{
    if (setup->ca_given == NULL) {
        return ria_ca_store_path(setup->world, RIA_CA_RDS, setup->ca, &setup->has_ca, &setup->err);
    }
    bool is_readable = realpath(setup->ca_given, setup->ca) != NULL && access(setup->ca, R_OK) == 0;
    setup->has_ca = true;
    if (!is_readable && setup->is_written) {
        return ria_fail(
            &setup->err,
            RIA_E_CONFIG,
            "--ssl-ca %s: cannot be read, so nothing was written; name Amazon's bundle",
            setup->ca_given);
    }
    if (!is_readable) {
        ria_world_log(/* the lines may be for another machine */
                      setup->world,
                      RIA_LOG_WARNING,
                      "--ssl-ca %s" RIA_CA_UNREADABLE,
                      setup->ca_given);
    }
    return is_readable || ria_text_copy(setup->ca, sizeof(setup->ca), setup->ca_given) ||
           ria_fail(
               &setup->err,
               RIA_E_CONFIG,
               "--ssl-ca: the path is too long; copy the file to a shorter path");
}

enum {
    VALUES = 14,
};

/* Fills the values of the placeholders. */
static void fill_values(const struct mysql_setup *setup, struct ria_setup_value values[VALUES])
{
    const struct ria_setup_value filled[VALUES] = {
        {"CA", setup->ca, false},
        {"SYSTEMCA",
         setup->ca_given != NULL ? setup->ca : RIA_CA_SYSTEM_DIRECTORY "/rds-ca.pem",
         false},
        {"PLUGINS", RIA_MARIADB_PLUGIN_DIR, false},
        {"GROUP", setup->group, false},
        {"ALL", setup->is_for_all ? " --all-servers" : "", false},
        {"FIRST", setup->has_ca ? "" : "    rds-iam setup ca\n", false},
        {"COMMAND", setup->is_for_all ? "mariadb" : "mariadb --defaults-group-suffix=-rds", false},
        {"OTHERS", setup->is_for_all ? others_refused : others_separate, false},
        {"VARIABLES", variables, false},
        {"LINES", lines, true},
        {"NEXT", next_text, true},
        {"FILE", file_text, true},
        {"SYSTEM", system_text, true},
        {NULL, NULL, false},
    };
    (void)memcpy(values, filled, sizeof(filled));
}

/* -- the command ----------------------------------------------------------------------------- */

static int setup_mysql_fail(const struct mysql_setup *setup)
{
    return ria_failure("%s", setup->err.text);
}

static int setup_mysql_write(struct mysql_setup *setup, const struct ria_setup_value *values)
{
    RIA_AUTO(buf) text = {.max = RIA_SETUP_TEXT_MAX};
    RIA_AUTO(buf) next = {.max = RIA_SETUP_TEXT_MAX};
    const struct ria_setup_value settings[] = {
        {"plugin-dir", RIA_MARIADB_PLUGIN_DIR, false},
        {"ssl-ca", setup->ca, false},
        {"ssl-verify-server-cert", "1", false},
        {0},
    };
    ria_setup_expand(lines, values, &text);
    ria_setup_expand(next_text, values, &next);
    const struct ria_setup_section section = {
        .name = setup->group,
        .settings = settings,
        .text = ria_buf_text(&text),
        .next = ria_buf_text(&next),
    };
    if (section.text == NULL || section.next == NULL) {
        return ria_out_of_memory();
    }
    if (!setup->has_ca) {
        char searched[RIA_CA_SEARCHED_SIZE];
        ria_ca_store_searched(setup->world, searched);
        (void)ria_fail(
            &setup->err,
            RIA_E_CONFIG,
            "no root certificates of RDS are in %s, so nothing was written; run: rds-iam setup ca",
            searched);
        return setup_mysql_fail(setup);
    }
    return ria_setup_write_group(&section, setup->world, &setup->err) ? ria_print("")
                                                                      : setup_mysql_fail(setup);
}

/* Prints the text that the command line asks for, or writes the option file. Returns the exit
 * status. */
static int setup_mysql_run(struct mysql_setup *setup, const char *command)
{
    struct ria_setup_value values[VALUES];
    RIA_AUTO(buf) text = {.max = RIA_SETUP_TEXT_MAX};
    fill_values(setup, values);
    if (setup->program != NULL) {
        return ria_setup_print_program(command, setup->program, ria_setup_mysql_programs, values);
    }
    if (setup->is_written) {
        return setup_mysql_write(setup, values);
    }
    ria_setup_expand(setup->has_ca ? "" : first_text, values, &text);
    ria_setup_expand(short_text, values, &text);
    ria_setup_add_clients(ria_world_env(setup->world, "PATH"), true, "# ", &text);
    const char *whole = ria_buf_text(&text);
    return whole == NULL ? ria_out_of_memory() : ria_print(whole);
}

static int print_clients(const struct mysql_setup *setup)
{
    RIA_AUTO(buf) text = {.max = RIA_SETUP_TEXT_MAX};
    if (setup->has_clients) {
        ria_setup_add_clients(ria_world_env(setup->world, "PATH"), false, "", &text);
    }
    if (setup->client != NULL) {
        ria_setup_add_client(setup->client, ria_world_env(setup->world, "PATH"), &text);
    }
    const char *whole = ria_buf_text(&text);
    return whole == NULL ? ria_out_of_memory() : ria_print(whole);
}

int ria_setup_mysql(int argc, char **argv, const struct ria_world *world)
{
    struct mysql_setup setup = {.world = world};
    int status = ria_options_parse(argc, argv, &setup_mysql_syntax, &setup);
    if (status != RIA_CONTINUE) {
        return status;
    }
    if ((setup.program != NULL) + setup.is_written + (setup.has_clients || setup.client != NULL) >
        1) {
        return ria_usage(argv[0], "write only one of --program, --write, --clients and --client");
    }
    if (setup.has_clients || setup.client != NULL) {
        return print_clients(&setup);
    }
    setup.group = setup.is_for_all ? "client" : "client-rds";
    if (!setup_mysql_find_ca(&setup)) {
        return setup_mysql_fail(&setup);
    }
    status = setup_mysql_check_ca(argv[0], setup.ca);
    ria_part_warn(RIA_PART_MYSQL, world);
    return status == RIA_CONTINUE ? setup_mysql_run(&setup, argv[0]) : status;
}
