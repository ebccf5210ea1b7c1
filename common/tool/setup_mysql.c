/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup mysql: option file, environment and unit lines for MariaDB Connector/C and for
 * Oracle's library, and what the client programs of this machine need beyond them. */
#include "tool/client_library.h"
#include "tool/mysql_environment.h"
#include "tool/options.h"
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>

static const char help[] =
    "usage: rds-iam setup mysql [--ssl-ca FILE] [--client FILE]\n"
    "\n"
    "Prints what to write so that programs on MariaDB Connector/C (mariadb, mariadb-dump, "
    "MySQLdb,\n"
    "DBD::MariaDB, mysql2, ODBC ...) and on Oracle's library (the mysql command of MySQL ...) log "
    "in\n"
    "with rds-iam, and which of those that are installed here need more. Changes nothing.\n"
    "\n"
    "  --ssl-ca FILE      the RDS CA bundle, as it is to be written; it comes from\n"
    "                     https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem\n"
    "  --client FILE      look at this program or library, too\n"
    "  --help             this text\n";

/* =1 is the form that every reader of option files takes for "on". */
static const char option_file[] =
    "Option file: ~/.my.cnf, or a file in /etc/mysql/conf.d that is called exactly my.cnf "
    "(programs\n"
    "on libmariadb read no other name there), or one that !include names. Not under "
    "[client-server]:\n"
    "a server would take plugin-dir for its own.\n"
    "\n"
    "    [client]\n"
    "    plugin-dir=" RIA_MARIADB_PLUGIN_DIR "\n"
    "    ssl-ca=%s\n"
    "    ssl-verify-server-cert=1\n"
    "\n"
    "An RDS Proxy has a certificate of Amazon's public CAs: there ssl-ca= is AmazonRootCA1.pem, "
    "from\n"
    "https://www.amazontrust.com/repository/. It is needed although the system knows these CAs:\n"
    "without ssl-ca some versions of the library check no name.\n"
    "\n"
    "mariadb-backup takes no plugin-dir from [client] and needs none. It cannot log in with a "
    "token:\n"
    "give it an account with a password, and no plugin-dir of ours under [mariadb-backup].\n"
    "\n"
    "mariadb, mariadb-dump and their like read the option file. Programs on libmariadb read it "
    "only\n"
    "if they are told to: read_default_file or read_default_group (MySQLdb), default_file "
    "(mysql2),\n"
    "mysql_read_default_file (DBD::mysql), mariadb_read_default_file (DBD::MariaDB), USE_MYCNF=1\n"
    "(ODBC). For all others, the environment; CA and verification are then set in their own "
    "options:\n"
    "\n";

static const char environment[] =
    "    MARIADB_PLUGIN_DIR=" RIA_MARIADB_PLUGIN_DIR "\n"
    "    LIBMYSQL_PLUGINS=" RIA_MARIADB_PLUGINS "\n"
    "\n"
    "The second line loads the plugin before any thread asks for it: programs whose first logins\n"
    "come from many threads at once need both lines, beside the option file, too. Never write the\n"
    "second alone: it would load the distribution's plugin. In a systemd unit:\n"
    "\n"
    "    [Service]\n"
    "    Environment=MARIADB_PLUGIN_DIR=" RIA_MARIADB_PLUGIN_DIR "\n"
    "    Environment=LIBMYSQL_PLUGINS=" RIA_MARIADB_PLUGINS "\n"
    "\n"
    "In a Dockerfile:\n"
    "\n"
    "    ENV MARIADB_PLUGIN_DIR=" RIA_MARIADB_PLUGIN_DIR " \\\n"
    "        LIBMYSQL_PLUGINS=" RIA_MARIADB_PLUGINS "\n"
    "\n";

/* ssl-mode is an option of Oracle's programs alone, and ssl-verify-server-cert one of MariaDB's:
 * each ends on the other's, unless it is "loose-", which libmariadb's own reader does not know. */
static const char oracle[] =
    "Programs on Oracle's library (the mysql command of MySQL, libmysqlclient) have "
    "mysql_clear_password\n"
    "built in and need no plugin-dir, but two variables; each library takes one of the two "
    "plugins:\n"
    "\n"
    "    LIBMYSQL_PLUGIN_DIR=" RIA_ORACLE_PLUGIN_DIR "\n"
    "    LIBMYSQL_PLUGINS=\"" RIA_ORACLE_PLUGINS "\"\n"
    "\n"
    "and verification of the server's name. For a token they need no --enable-cleartext-plugin, "
    "and "
    "no\n"
    "password: one that is given (-p, password= in an option file, MYSQL_PWD, a placeholder in "
    "the\n"
    "program's settings) is sent only where LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1 is set in the "
    "environment,\n"
    "and without it the login is refused. No token takes its place.\n"
    "\n"
    "The commands (mysql, mysqldump ...) take --ssl-mode=VERIFY_IDENTITY --ssl-ca=FILE, or the "
    "option "
    "file:\n"
    "\n"
    "    [client]\n"
    "    ssl-ca=%s\n"
    "    loose-ssl-mode=VERIFY_IDENTITY\n"
    "\n"
    "\"loose-\" is for MariaDB's programs, which read [client] too and do not know ssl-mode. "
    "Where both\n"
    "read one file, put MariaDB's lines from above under [client-mariadb]: Oracle's programs do "
    "not know\n"
    "ssl-verify-server-cert. libmysqlclient itself finds no ssl-mode in an option file, with "
    "\"loose-\"\n"
    "or without: a program sets it in its own options, MYSQL_OPT_SSL_MODE (C) or ssl_mode (MySQLdb "
    "2,\n"
    "mysql2). In a systemd unit:\n"
    "\n"
    "    [Service]\n"
    "    Environment=LIBMYSQL_PLUGIN_DIR=" RIA_ORACLE_PLUGIN_DIR "\n"
    "    Environment=\"LIBMYSQL_PLUGINS=" RIA_ORACLE_PLUGINS "\"\n"
    "\n"
    "In a Dockerfile:\n"
    "\n"
    "    ENV LIBMYSQL_PLUGIN_DIR=" RIA_ORACLE_PLUGIN_DIR " \\\n"
    "        LIBMYSQL_PLUGINS=\"" RIA_ORACLE_PLUGINS "\"\n"
    "\n"
    "Not for mysqld, which starts the same library. Programs of both libraries in one environment "
    "take\n"
    "LIBMYSQL_PLUGINS=\"" RIA_MARIADB_PLUGINS ";" RIA_ORACLE_PLUGINS "\" and both directories.\n"
    "\n";

static const char *const advice[] = {
    [RIA_LIBRARY_LOADS] = "loads the plugin: the lines above suffice",
    [RIA_LIBRARY_BUILT_IN] =
        "has mysql_clear_password built in: add default-auth=aws_rds_iam to [client]",
    [RIA_LIBRARY_ORACLE] =
        "is Oracle's: LIBMYSQL_PLUGIN_DIR, LIBMYSQL_PLUGINS and ssl-mode, as above",
    [RIA_LIBRARY_NONE] = "has no MySQL client library in it",
    [RIA_LIBRARY_UNREADABLE] = "cannot be read",
};

static int show_client(const char *path, enum ria_client_library library, void *unused)
{
    (void)unused;
    return printf("    %s %s\n", path, advice[library]) < 0 ? RIA_EXIT_FAILED : RIA_EXIT_OK;
}

int ria_setup_mysql(int argc, char **argv, const struct ria_world *world)
{
    const char *ca = "/path/to/global-bundle.pem";
    const char *client = NULL;
    const struct ria_option options[] = {
        {.name = "ssl-ca", .value = &ca},
        {.name = "client", .value = &client},
    };
    int status = ria_options_parse(argc, argv, options, sizeof(options) / sizeof(options[0]), help);
    if (status != RIA_GO_ON) {
        return status;
    }
    /* From wherever it is read. */
    char *whole = realpath(ca, NULL);
    ca = whole == NULL ? ca : whole;
    (void)printf(option_file, ca);
    (void)printf("%s", environment);
    (void)printf(oracle, ca);
    (void)printf("The client programs and libraries of this machine:\n\n");
    ria_client_library_each(ria_world_env(world, "PATH"), show_client, NULL);
    if (client != NULL) {
        (void)show_client(client, ria_client_library_of(client), NULL);
    }
    free(whole);
    return ria_print("");
}
