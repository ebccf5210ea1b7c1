/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup mysql: prints option files, environment variables and unit lines for MariaDB
 * Connector/C and for Oracle's library, and what each client program on this machine needs in
 * addition. Finds out which library a program contains by reading its file; runs no program. */
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
    "Prints the configuration that makes MySQL and MariaDB clients log in with rds-iam: programs "
    "that\n"
    "use MariaDB Connector/C (mariadb, mariadb-dump, MySQLdb, DBD::MariaDB, mysql2, ODBC ...) and\n"
    "programs that use Oracle's library (the mysql command of MySQL ...). Also lists the clients "
    "on\n"
    "this machine and what each of them needs. Changes nothing.\n"
    "\n"
    "  --ssl-ca FILE      the path of the RDS CA bundle, for the printed lines; download it from\n"
    "                     https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem\n"
    "  --client FILE      also inspect this program or library\n"
    "  --help             print this text\n";

/* -- texts ---------------------------------------------------------------------------------- */

/* Every parser of option files understands =1 as "on". */
static const char option_file[] =
    "For MariaDB Connector/C, write these lines to an option file: ~/.my.cnf, /etc/mysql/conf.d/"
    "my.cnf\n"
    "(libmariadb reads no other file name in that directory), or a file that another option file\n"
    "includes with !include. Do not use [client-server]: a server would use this plugin-dir too.\n"
    "\n"
    "    [client]\n"
    "    plugin-dir=" RIA_MARIADB_PLUGIN_DIR "\n"
    "    ssl-ca=%s\n"
    "    ssl-verify-server-cert=1\n"
    "\n"
    "An RDS Proxy has a certificate of Amazon's public CAs. For a proxy, set ssl-ca= to\n"
    "AmazonRootCA1.pem from https://www.amazontrust.com/repository/, even if the system trusts "
    "these\n"
    "CAs: without ssl-ca some versions of the library do not verify the server's name.\n"
    "\n"
    "mariadb-backup cannot log in with a token. Give it an account with a password, and set no\n"
    "plugin-dir under [mariadb-backup]. It ignores the plugin-dir of [client].\n"
    "\n"
    "The commands of MariaDB (mariadb, mariadb-dump ...) read the option file. Other programs that "
    "use\n"
    "libmariadb read it only if you set an option of the program: read_default_file or\n"
    "read_default_group (MySQLdb), default_file (mysql2), mysql_read_default_file (DBD::mysql),\n"
    "mariadb_read_default_file (DBD::MariaDB), USE_MYCNF=1 (ODBC). For all other programs, set "
    "these\n"
    "environment variables, and set the CA and the verification in the program's own options:\n"
    "\n";

static const char environment[] =
    "    MARIADB_PLUGIN_DIR=" RIA_MARIADB_PLUGIN_DIR "\n"
    "    LIBMYSQL_PLUGINS=" RIA_MARIADB_PLUGINS "\n"
    "\n"
    "The second line loads the plugin when the library is initialized. A program whose first "
    "logins\n"
    "come from several threads at once needs both lines, even with an option file. Never set the\n"
    "second line alone: it would load the plugin of the distribution. In a systemd unit:\n"
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

/* Only Oracle's programs know ssl-mode, and only MariaDB's know ssl-verify-server-cert. A program
 * exits at an option that it does not know, unless the option has the prefix "loose-". The parser
 * in libmariadb does not know that prefix. */
static const char oracle[] =
    "For Oracle's library (the mysql command of MySQL, libmysqlclient), set two environment "
    "variables.\n"
    "mysql_clear_password is built into this library, so no plugin-dir is needed. The library "
    "loads\n"
    "whichever of the two plugins has its interface version:\n"
    "\n"
    "    LIBMYSQL_PLUGIN_DIR=" RIA_ORACLE_PLUGIN_DIR "\n"
    "    LIBMYSQL_PLUGINS=\"" RIA_ORACLE_PLUGINS "\"\n"
    "\n"
    "Also turn on verification of the server's name, as shown below. A token needs no\n"
    "--enable-cleartext-plugin. Give no password (-p, password= in an option file, MYSQL_PWD, a\n"
    "placeholder in the program's settings): a program that has a password uses no token. It sends "
    "the\n"
    "password if LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1 is set in the environment; otherwise the "
    "login\n"
    "fails.\n"
    "\n"
    "The commands (mysql, mysqldump ...) need --ssl-mode=VERIFY_IDENTITY --ssl-ca=FILE, or these "
    "lines\n"
    "in an option file:\n"
    "\n"
    "    [client]\n"
    "    ssl-ca=%s\n"
    "    loose-ssl-mode=VERIFY_IDENTITY\n"
    "\n"
    "The prefix \"loose-\" makes MariaDB's programs ignore ssl-mode, which they do not know; they "
    "read\n"
    "[client] too. If programs of both kinds read one file, put the lines for MariaDB Connector/C "
    "under\n"
    "[client-mariadb], because Oracle's programs do not know ssl-verify-server-cert. "
    "libmysqlclient\n"
    "itself does not read ssl-mode from an option file, with or without \"loose-\": set it in the\n"
    "program's own options, MYSQL_OPT_SSL_MODE (C) or ssl_mode (MySQLdb 2, mysql2). In a systemd "
    "unit:\n"
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
    "Do not set these variables for mysqld, which uses the same library. If one environment "
    "serves\n"
    "programs of both kinds, set both directories and\n"
    "LIBMYSQL_PLUGINS=\"" RIA_MARIADB_PLUGINS ";" RIA_ORACLE_PLUGINS "\".\n"
    "\n";

/* -- client libraries ----------------------------------------------------------------------- */

/* The MySQL client library in a program file, and whether it loads a plugin of rds-iam. rds-iam
 * setup recognizes the library by strings in the file and does not run the program. Each library
 * contains the name of an environment variable that only this library reads. If a plugin is built
 * in, the file contains the plugin's name with a zero byte before and after it. */
enum client_library {
    LIBRARY_LOADS,    /* MariaDB Connector/C that loads mysql_clear_password.so */
    LIBRARY_BUILT_IN, /* MariaDB Connector/C with mysql_clear_password built in */
    LIBRARY_ORACLE,   /* libmysqlclient */
    LIBRARY_NONE,     /* no library: a script, or a program that is linked to a shared library */
    LIBRARY_UNREADABLE,
};

enum {
    SEEN_MAX = 64 /* files that are inspected at most */
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
    [LIBRARY_LOADS] = "loads the plugin: needs only the lines above",
    [LIBRARY_BUILT_IN] =
        "has mysql_clear_password built in: add default-auth=aws_rds_iam to [client]",
    [LIBRARY_ORACLE] =
        "is Oracle's: set LIBMYSQL_PLUGIN_DIR, LIBMYSQL_PLUGINS and ssl-mode, as above",
    [LIBRARY_NONE] = "contains no MySQL client library",
    [LIBRARY_UNREADABLE] = "cannot be read",
};

static int show_client(const char *path, enum client_library library)
{
    return printf("    %s %s\n", path, advice[library]) < 0 ? RIA_EXIT_FAILED : RIA_EXIT_OK;
}

/* -- the clients on this machine ------------------------------------------------------------ */

struct search {
    struct {
        dev_t device;
        ino_t inode;
    } seen[SEEN_MAX];
    size_t count;
    bool has_failed; /* stdout cannot be written */
};

/* Returns true if the file has not been inspected yet. On most systems, mysql and mariadb are the
 * same file. Returns false if the table of files is full. */
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

static void setup_mysql_inspect(struct search *search, const char *path)
{
    struct stat status;
    if (search->has_failed || stat(path, &status) != 0 || !is_new(search, &status)) {
        return;
    }
    enum client_library library = library_of(path);
    if (library != LIBRARY_NONE) {
        search->has_failed = show_client(path, library) != RIA_EXIT_OK;
    }
}

static void search_path(struct search *search, const char *at, const char *name)
{
    while (at != NULL && *at != '\0') {
        char path[PATH_MAX];
        size_t len = strcspn(at, ":");
        if (len > 0 &&
            snprintf(path, sizeof(path), "%.*s/%s", (int)len, at, name) < (int)sizeof(path)) {
            setup_mysql_inspect(search, path);
        }
        at += len + (at[len] == ':' ? 1 : 0);
    }
}

static void search_pattern(struct search *search, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) {
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        setup_mysql_inspect(search, found.gl_pathv[i]);
    }
    globfree(&found);
}

/* Prints the usual client programs in `path`, the value of PATH or NULL, and the libraries in the
 * usual directories. Prints each file once, and only if it contains a client library. */
static void show_clients(const char *path)
{
    struct search search = {0};
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        search_path(&search, path, programs[i]);
    }
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        search_pattern(&search, libraries[i]);
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
    if (status != RIA_CONTINUE) {
        return status;
    }
    /* The printed path must be absolute, because programs run in any directory. */
    char *whole = realpath(ca, NULL);
    ca = whole == NULL ? ca : whole;
    (void)printf(option_file, ca);
    (void)printf("%s", environment);
    (void)printf(oracle, ca);
    (void)printf("The client programs and libraries on this machine:\n\n");
    show_clients(ria_world_env(world, "PATH"));
    if (client != NULL) {
        (void)show_client(client, library_of(client));
    }
    free(whole);
    return ria_print("");
}
