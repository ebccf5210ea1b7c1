/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup mysql: option file, environment and unit lines for MariaDB Connector/C and for
 * Oracle's library, and what the client programs of this machine need beyond them. */
#include "tool/options.h"
#include "tool/tool.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* -- texts ---------------------------------------------------------------------------------- */

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

/* -- client libraries ----------------------------------------------------------------------- */

/* Which MySQL client library a program has in it, and whether it would load a plugin of ours: read
 * from the strings in its file, without running it. Both libraries name the environment variables
 * that they read, and each has one of its own; a plugin that is built in has its name in the file,
 * with a 0 before and behind it. */
enum client_library {
    LIBRARY_LOADS,    /* MariaDB Connector/C that looks for mysql_clear_password.so */
    LIBRARY_BUILT_IN, /* MariaDB Connector/C that has it built in */
    LIBRARY_ORACLE,   /* libmysqlclient */
    LIBRARY_NONE,     /* none: a script, or a program that loads a library */
    LIBRARY_UNREADABLE,
};

enum {
    SEEN_MAX = 64 /* files that are looked at */
};

static const char *const programs[] = {
    "mariadb", "mariadb-dump", "mariadb-admin", "mysql", "mysqldump", "mydumper"};
static const char *const libraries[] = {
    "/usr/lib/*/libmariadb.so.3",
    "/usr/lib/libmariadb.so.3",
    "/usr/lib64/libmariadb.so.3",
    "/usr/lib/*/libmysqlclient.so.2[0-9]",
    "/usr/lib64/*/libmysqlclient.so.2[0-9]",
    "/usr/local/lib/*/libmariadb.so.3",
    "/usr/local/lib/libmariadb.so.3",
    "/home/linuxbrew/.linuxbrew/lib/libmariadb.so.3",
};

struct bytes {
    const void *at;
    size_t len;
};

#define HAS(file, text) (memmem((file).at, (file).len, text, sizeof(text)) != NULL)

static enum client_library setup_mysql_classify(struct bytes file)
{
    if (HAS(file, "MARIADB_PLUGIN_DIR")) {
        return HAS(file, "\0mysql_clear_password") ? LIBRARY_BUILT_IN : LIBRARY_LOADS;
    }
    return HAS(file, "LIBMYSQL_PLUGIN_DIR") ? LIBRARY_ORACLE : LIBRARY_NONE;
}

static enum client_library library_of(const char *path)
{
    struct stat status;
    enum client_library library = LIBRARY_UNREADABLE;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return library;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        size_t len = (size_t)status.st_size;
        void *at = len == 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        library = len == 0 ? LIBRARY_NONE : library;
        if (at != MAP_FAILED) {
            library = setup_mysql_classify((struct bytes){at, len});
            (void)munmap(at, len);
        }
    }
    (void)close(fd);
    return library;
}

static const char *const advice[] = {
    [LIBRARY_LOADS] = "loads the plugin: the lines above suffice",
    [LIBRARY_BUILT_IN] =
        "has mysql_clear_password built in: add default-auth=aws_rds_iam to [client]",
    [LIBRARY_ORACLE] = "is Oracle's: LIBMYSQL_PLUGIN_DIR, LIBMYSQL_PLUGINS and ssl-mode, as above",
    [LIBRARY_NONE] = "has no MySQL client library in it",
    [LIBRARY_UNREADABLE] = "cannot be read",
};

static int show_client(const char *path, enum client_library library)
{
    return printf("    %s %s\n", path, advice[library]) < 0 ? RIA_EXIT_FAILED : RIA_EXIT_OK;
}

/* -- where they are ------------------------------------------------------------------------- */

struct search {
    struct {
        dev_t device;
        ino_t inode;
    } seen[SEEN_MAX];
    size_t count;
    bool is_over;
};

/* mysql and mariadb are one file on most systems. */
static bool is_new(struct search *search, const struct stat *status)
{
    for (size_t i = 0; i < search->count; i++) {
        if (search->seen[i].device == status->st_dev && search->seen[i].inode == status->st_ino) {
            return false;
        }
    }
    if (search->count == SEEN_MAX) {
        return false;
    }
    search->seen[search->count].device = status->st_dev;
    search->seen[search->count].inode = status->st_ino;
    search->count++;
    return true;
}

static void setup_mysql_look_at(struct search *search, const char *path)
{
    struct stat status;
    if (search->is_over || stat(path, &status) != 0 || !is_new(search, &status)) {
        return;
    }
    enum client_library library = library_of(path);
    if (library != LIBRARY_NONE) {
        search->is_over = show_client(path, library) != RIA_EXIT_OK;
    }
}

static void look_in_path(struct search *search, const char *at, const char *name)
{
    while (at != NULL && *at != '\0') {
        char path[PATH_MAX];
        size_t len = strcspn(at, ":");
        if (len > 0 &&
            snprintf(path, sizeof(path), "%.*s/%s", (int)len, at, name) < (int)sizeof(path)) {
            setup_mysql_look_at(search, path);
        }
        at += len + (at[len] == ':' ? 1 : 0);
    }
}

static void look_for(struct search *search, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) {
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        setup_mysql_look_at(search, found.gl_pathv[i]);
    }
    globfree(&found);
}

/* The usual programs in `path`, as the variable PATH has it, or NULL, and the libraries where
 * systems have them: each file once, and only where there is a client library in it. */
static void show_clients(const char *path)
{
    struct search search = {0};
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        look_in_path(&search, path, programs[i]);
    }
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        look_for(&search, libraries[i]);
    }
}

/* -- the whole ------------------------------------------------------------------------------ */

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
    show_clients(ria_world_env(world, "PATH"));
    if (client != NULL) {
        (void)show_client(client, library_of(client));
    }
    free(whole);
    return ria_print("");
}
