/* SPDX-License-Identifier: MIT
 *
 * rds-iam exec: runs a command whose libpq, libmariadb and libmysqlclient find the hooks. It sets
 * environment variables and becomes the command: what it prints and how it ends is its own. */
#include "tool/options.h"
#include "tool/program.h"
#include "tool/tool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    /* What shells and env(1) say of a command. */
    EXIT_CANNOT_RUN = 126,
    EXIT_NOT_FOUND = 127,
};

static const char help[] =
    "usage: rds-iam exec [--ca FILE] -- COMMAND [ARGUMENT...]\n"
    "\n"
    "Runs COMMAND so that it, and what it starts, logs in to RDS with tokens of their own making:\n"
    "\n"
    "  rds-iam exec --ca global-bundle.pem -- psql -h ENDPOINT -U USER DATABASE\n"
    "  rds-iam exec -- mariadb -h ENDPOINT -u USER --ssl-ca=global-bundle.pem \\\n"
    "      --ssl-verify-server-cert\n"
    "  rds-iam exec -- mysql -h ENDPOINT -u USER --ssl-ca=global-bundle.pem \\\n"
    "      --ssl-mode=VERIFY_IDENTITY     (Oracle's mysql; MariaDB's takes the line above)\n"
    "\n"
    "  --ca FILE   Amazon's CA bundle: for PostgreSQL (PGSSLROOTCERT), and for programs that use\n"
    "              libmariadb or libmysqlclient (RDS_IAM_CA, RDS_IAM_CA_PUBLIC)\n"
    "  --help      this text\n"
    "\n"
    "A token goes to a verified server alone. For PostgreSQL that is asked for here, by\n"
    "PGSSLMODE=verify-full and PGGSSENCMODE=disable where they are not set; MySQL's and MariaDB's\n"
    "clients have no variable for it, so their options are typed, or stand in my.cnf. A password\n"
    "that is given goes where it always went, and a warning says so if tokens are made for that\n"
    "host. With Oracle's library it goes only if LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1 is set; "
    "without\n"
    "it the login is refused: give no password, not even a placeholder, for a token. Why there is\n"
    "no token is reported on stderr (RDS_IAM_LOG; 1 reports refusals that a client does not "
    "show).\n"
    "\n"
    "exit status: that of COMMAND; 126 or 127 (it cannot be run, or found), 1 (failed), 2 "
    "(usage)\n";

/* -- variables ------------------------------------------------------------------------------- */

enum how {
    REPLACE,
    DEFAULT, /* where it is not set */
    APPEND,  /* to what is set, behind the separator */
};

struct variable {
    const char *name;
    const char *value;
    enum how how;
    bool is_object;        /* names objects of ours, for programs that can load them */
    const char *separator; /* of the list: each that counts, ours first; "": it is no list */
    const char *needs;     /* a file without which it is left alone; or NULL */
};

#define PRELOAD RIA_PKGLIBDIR "/librds-iam-pq.so"
#define MARIADB_PLUGIN RIA_MARIADB_PLUGIN_DIR "/mysql_clear_password.so"
#define ORACLE_PLUGIN RIA_ORACLE_PLUGIN_DIR "/rds_iam_v1.so"

static const struct variable variables[] = {
    {"LD_PRELOAD", PRELOAD, APPEND, true, ": ", NULL},
    {"PGSSLMODE", "verify-full", DEFAULT, false, "", NULL},
    /* With a ticket, GSS comes before TLS. */
    {"PGGSSENCMODE", "disable", DEFAULT, false, "", NULL},
    {"MARIADB_PLUGIN_DIR", RIA_MARIADB_PLUGIN_DIR, REPLACE, true, "", MARIADB_PLUGIN},
    {"LIBMYSQL_PLUGINS", RIA_MARIADB_PLUGINS, APPEND, true, ";", MARIADB_PLUGIN},
    {"LIBMYSQL_PLUGIN_DIR", RIA_ORACLE_PLUGIN_DIR, REPLACE, true, "", ORACLE_PLUGIN},
    {"LIBMYSQL_PLUGINS", RIA_ORACLE_PLUGINS, APPEND, true, ";", ORACLE_PLUGIN},
    {"RDS_IAM_LOG", "warning", DEFAULT, false, "", NULL},
};

/* AddressSanitizer ends a program that has a preload in front of it. The last value counts. */
static const struct variable asan = {
    "ASAN_OPTIONS", "verify_asan_link_order=0", APPEND, false, ":", NULL};

/* A command that is run by rds-iam exec may run rds-iam exec itself. NULL: it is not there. */
static const char *find_in_list(const char *list, const char *value, const char *separator)
{
    size_t len = strlen(value);
    for (const char *at = strstr(list, value); at != NULL; at = strstr(at + 1, value)) {
        if ((at == list || strchr(separator, at[-1]) != NULL) &&
            strchr(separator, at[len]) != NULL) { /* also at the end */
            return at;
        }
    }
    return NULL;
}

/* Takes away what a rds-iam exec above this one has set. */
static bool withdraw(const struct variable *variable)
{
    const char *set = secure_getenv(variable->name);
    const char *at = set == NULL ? NULL : find_in_list(set, variable->value, variable->separator);
    if (at == NULL) {
        return true;
    }
    const char *behind = at + strlen(variable->value);
    size_t before = (size_t)(at - set);
    if (before > 0) {
        before--; /* with the separator */
    } else if (*behind != '\0') {
        behind++;
    }
    RIA_AUTO(buf) left = {.max = (size_t)1024 * 1024};
    ria_buf_addf(&left, "%.*s%s", (int)before, set, behind);
    const char *value = ria_buf_text(&left);
    if (value != NULL && *value == '\0') {
        return unsetenv(variable->name) == 0; /* NOLINT(concurrency-mt-unsafe) */
    }
    return value != NULL && setenv(variable->name, value, 1) == 0;
}

static bool is_client_library(const char *file)
{
    static const char *const names[] = {"libpq", "libmariadb", "libmysqlclient"};
    bool is_one = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);
        is_one =
            is_one || (strncmp(file, names[i], len) == 0 && (file[len] == '.' || file[len] == '-'));
    }
    return is_one;
}

/* The first client library in LD_PRELOAD; NULL: none. */
static const char *find_client_library(const char *list, const char *separator)
{
    for (const char *entry = list;; entry++) {
        size_t len = strcspn(entry, separator);
        const char *slash = memrchr(entry, '/', len);
        if (is_client_library(slash == NULL ? entry : slash + 1)) {
            return entry;
        }
        entry += len;
        if (*entry == '\0') {
            return NULL;
        }
    }
}

/* The loader takes a client library's functions from the first object that has them, so ours stands
 * before a client library that is preloaded as well. Else it stands last: a sanitizer's run time
 * wants to be first.
 */
static bool put_before(const struct variable *variable, const char *set, const char *theirs)
{
    const char *ours = find_in_list(set, variable->value, variable->separator);
    if (ours != NULL && ours < theirs) {
        return true;
    }
    if (ours != NULL) {
        if (!withdraw(variable)) {
            return false;
        }
        set = secure_getenv(variable->name); /* theirs is in it still */
        theirs = find_client_library(set, variable->separator);
    }
    RIA_AUTO(buf) text = {.max = (size_t)1024 * 1024};
    ria_buf_add(&text, set, (size_t)(theirs - set));
    ria_buf_addf(&text, "%s%c%s", variable->value, *variable->separator, theirs);
    const char *value = ria_buf_text(&text);
    return value != NULL && setenv(variable->name, value, 1) == 0;
}

static bool exec_append(const struct variable *variable, const char *set)
{
    const char *theirs = strcmp(variable->name, "LD_PRELOAD") == 0
                             ? find_client_library(set, variable->separator)
                             : NULL;
    if (theirs != NULL) {
        return put_before(variable, set, theirs);
    }
    if (find_in_list(set, variable->value, variable->separator) != NULL) {
        return true;
    }
    RIA_AUTO(buf) text = {.max = (size_t)1024 * 1024};
    ria_buf_addf(&text, "%s%c%s", set, *variable->separator, variable->value);
    const char *value = ria_buf_text(&text);
    return value != NULL && setenv(variable->name, value, 1) == 0;
}

static bool apply(const struct variable *variable)
{
    const char *set = secure_getenv(variable->name);
    bool is_set = set != NULL && *set != '\0';
    if (variable->needs != NULL && access(variable->needs, R_OK) != 0) {
        return true;
    }
    if (variable->how == APPEND && is_set) {
        return exec_append(variable, set);
    }
    return (variable->how == DEFAULT && is_set) ||
           setenv(variable->name, variable->value, 1) == 0; /* NOLINT(concurrency-mt-unsafe) */
}

/* The loader goes on without a preload that it cannot find, the preload without the object that
 * makes its tokens, and the command without a password. */
static bool check_preload(void)
{
    static const char *const objects[] = {
        PRELOAD, RIA_PKGLIBDIR "/rds-iam-pq-token.so", RIA_PKGLIBDIR "/rds-iam-mysql-host.so"};
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        if (access(objects[i], R_OK) != 0) {
            (void)fprintf(
                stderr,
                "rds-iam: %s: cannot be read (%s); reinstall rds-iam\n",
                objects[i],
                strerror(errno));
            return false;
        }
    }
    return true;
}

/* The last two are read by the preload: the CA file for certificates of RDS's own roots, and the
 * one for those of Amazon's public roots. */
static bool set_ca(const char *ca)
{
    static const char *const names[] = {"PGSSLROOTCERT", "RDS_IAM_CA", "RDS_IAM_CA_PUBLIC"};
    bool ok = true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ok = setenv(names[i], ca, 1) == 0 && ok; /* NOLINT(concurrency-mt-unsafe) */
    }
    return ok;
}

static bool set_variables(const char *ca, enum ria_program program)
{
    bool ok = program != RIA_PROGRAM_ASAN || apply(&asan);
    bool can_load = program != RIA_PROGRAM_OTHER_LIBC && program != RIA_PROGRAM_OTHER_MACHINE;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        ok = (can_load || !variables[i].is_object ? apply(&variables[i])
                                                  : withdraw(&variables[i])) &&
             ok;
    }
    ok = (ca == NULL || set_ca(ca)) && ok;
    if (!ok) {
        (void)ria_out_of_memory();
    }
    return ok;
}

/* -- the certificate ------------------------------------------------------------------------- */

/* What can be told, before the client is there, of the certificate by which it verifies its server:
 * by the command's name and words. libpq's own words for a missing one advise to verify nothing. A
 * script or a program of the user's own is not looked into: it may name a certificate in a place of
 * its own. */
enum client {
    POSTGRESQL,
    MYSQL,
    OTHER,
};

/* What the names of the clients' programs begin with. */
static const struct {
    const char *start;
    enum client client;
} names[] = {
    {"psql", POSTGRESQL},
    {"pg_", POSTGRESQL},
    {"pgbench", POSTGRESQL},
    {"mariadb", MYSQL},
    {"mysql", MYSQL},
};

static bool exec_begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static enum client client_of(const char *name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (exec_begins_with(name, names[i].start)) {
            return names[i].client;
        }
    }
    return OTHER;
}

static bool any_word_has(char *const *argv, const char *text)
{
    while (*argv != NULL && strstr(*argv, text) == NULL) {
        argv++;
    }
    return *argv != NULL;
}

/* Without a host there is no TLS: the connection goes to a Unix socket. */
static bool names_a_host(char *const *argv, const struct ria_world *world)
{
    bool found = ria_world_env(world, "PGHOST") != NULL ||
                 ria_world_env(world, "PGHOSTADDR") != NULL || any_word_has(argv, "host=") ||
                 any_word_has(argv, "hostaddr=") || any_word_has(argv, "://");
    for (; *argv != NULL && !found; argv++) {
        found = exec_begins_with(*argv, "-h") || exec_begins_with(*argv, "--host");
    }
    return found;
}

/* A connection string or a service entry may name a certificate, or do without one. */
static bool may_say_more(char *const *argv, const struct ria_world *world)
{
    return ria_world_env(world, "PGSERVICE") != NULL || any_word_has(argv, "service=") ||
           any_word_has(argv, "sslmode=") || any_word_has(argv, "sslrootcert=");
}

static bool is_verified(const struct ria_world *world)
{
    const char *mode = ria_world_env(world, "PGSSLMODE");
    return mode != NULL && (strcmp(mode, "verify-full") == 0 || strcmp(mode, "verify-ca") == 0);
}

static bool has_default(const char *home, char path[PATH_MAX])
{
    int len = home == NULL ? -1 : snprintf(path, PATH_MAX, "%s/.postgresql/root.crt", home);
    return len < 0 || len >= PATH_MAX || access(path, R_OK) == 0;
}

static void warn_of_none(const char *program, char *const *argv, const struct ria_world *world)
{
    char path[PATH_MAX];
    if (ria_world_env(world, "PGSSLROOTCERT") != NULL || !is_verified(world) ||
        !names_a_host(argv, world) || may_say_more(argv, world) ||
        has_default(ria_world_home(world), path)) {
        return;
    }
    ria_world_log(
        world,
        RIA_LOG_WARNING,
        "%s has no certificate to verify the server by: %s: %s; add --ca with Amazon's bundle, or "
        "set "
        "PGSSLROOTCERT",
        program,
        path,
        strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
}

/* Warns where PostgreSQL's program in argv will look for a root certificate in vain, by the
 * environment as it is now, and where ca, the value of --ca, is given to a program of MySQL's or
 * MariaDB's, which does not see it. Silent where the words or the environment leave a doubt. */
static void warn_of_certificate(char *const *argv, const char *ca, const struct ria_world *world)
{
    const char *program = base_name(argv[0]);
    enum client client = client_of(program);
    if (client == POSTGRESQL && ca == NULL) {
        warn_of_none(program, argv + 1, world);
    } else if (client == MYSQL && ca != NULL && !any_word_has(argv + 1, "ssl-ca")) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s has the client library linked in and does not see --ca; type --ssl-ca=FILE behind "
            "%s, or "
            "write "
            "ssl-ca=FILE into my.cnf",
            program,
            program);
    }
}

/* -- the command ----------------------------------------------------------------------------- */

/* A relative name would mean another file wherever the command goes. */
static bool resolve_ca(const char *ca, char **out)
{
    struct stat status = {0};
    *out = ca == NULL ? NULL : realpath(ca, NULL);
    bool ok = ca == NULL || (*out != NULL && access(*out, R_OK) == 0 && stat(*out, &status) == 0);
    if (ok && S_ISDIR(status.st_mode)) {
        ok = false;
        errno = EISDIR;
    }
    if (!ok) {
        (void)fprintf(stderr, "rds-iam: --ca %s: %s; name Amazon's bundle\n", ca, strerror(errno));
    }
    return ok;
}

/* The options of our own end at the first "--". Without one they end at a word that is none: the -h
 * of "psql -h ENDPOINT" shall not be taken for one of ours. */
static int find_end(int argc, char **argv)
{
    int end = 1;
    while (end < argc && *argv[end] == '-' && strcmp(argv[end], "--") != 0) {
        end += strcmp(argv[end], "--ca") == 0 && end + 1 < argc ? 2 : 1;
    }
    return end;
}

int ria_command_exec(int argc, char **argv, const struct ria_world *world)
{
    const char *ca = NULL;
    const struct ria_option options[] = {{.name = "ca", .value = &ca}};
    int end = find_end(argc, argv);
    int status = ria_options_parse(end, argv, options, 1, help);
    if (status != RIA_GO_ON) {
        return status;
    }
    if (end < argc && strcmp(argv[end], "--") != 0) {
        return ria_usage(argv[0], "write -- in front of the command \"%s\"", argv[end]);
    }
    if (end + 1 >= argc) {
        return ria_usage(argv[0], "no command given: write -- and the command");
    }
    /* The command is looked for in the caller's PATH. */
    if (world->is_privileged(world->self)) {
        (void)fputs("rds-iam: " RIA_REFUSAL_PRIVILEGED "\n", stderr);
        return RIA_EXIT_FAILED;
    }
    char **command = argv + end + 1;
    char *resolved = NULL;
    bool ok = resolve_ca(ca, &resolved) && check_preload() &&
              set_variables(resolved, ria_program_inspect(command[0], world));
    free(resolved);
    if (!ok) {
        return RIA_EXIT_FAILED;
    }
    warn_of_certificate(command, ca, world);
    (void)execvp(command[0], command);
    int error = errno;
    (void)fprintf(stderr, "rds-iam: cannot run %s: %s\n", command[0], strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
