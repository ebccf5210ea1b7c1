/* SPDX-License-Identifier: MIT
 *
 * rds-iam exec: runs a command whose libpq, libmariadb and libmysqlclient load rds-iam's hooks.
 * Sets environment variables and then executes the command in the same process, so that its output
 * and its exit status are the command's. Does not set the variables of the hooks for a program that
 * cannot load them, and refuses to run with more privileges than its caller. */
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
    /* The exit statuses that shells and env(1) use. */
    EXIT_CANNOT_RUN = 126,
    EXIT_NOT_FOUND = 127,
};

static const char help[] =
    "usage: rds-iam exec [--ca FILE] -- COMMAND [ARGUMENT...]\n"
    "\n"
    "Runs COMMAND. Database logins of COMMAND, and of the programs that it starts, use IAM "
    "tokens:\n"
    "\n"
    "  rds-iam exec --ca global-bundle.pem -- psql -h ENDPOINT -U USER DATABASE\n"
    "  rds-iam exec -- mariadb -h ENDPOINT -u USER --ssl-ca=global-bundle.pem \\\n"
    "      --ssl-verify-server-cert\n"
    "  rds-iam exec -- mysql -h ENDPOINT -u USER --ssl-ca=global-bundle.pem \\\n"
    "      --ssl-mode=VERIFY_IDENTITY     (Oracle's mysql; use the line above for MariaDB's)\n"
    "\n"
    "  --ca FILE   Amazon's CA bundle, for PostgreSQL (PGSSLROOTCERT)\n"
    "  --help      print this text\n"
    "\n"
    "A token is sent only to a server whose certificate and name are verified. For PostgreSQL,\n"
    "rds-iam exec sets PGSSLMODE=verify-full and PGGSSENCMODE=disable if they are not set. "
    "MySQL's\n"
    "and MariaDB's clients have no such variables; give them the options above, or set the "
    "options\n"
    "in my.cnf.\n"
    "\n"
    "Give no password, not even a placeholder. A client that has a password sends the password "
    "and\n"
    "no token; a warning is printed if the host is one that tokens are made for. Oracle's library\n"
    "sends a password only if LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1 is set; otherwise the login "
    "fails.\n"
    "\n"
    "If no token can be made, the reason is printed on stderr. The variable RDS_IAM_LOG sets the\n"
    "level; 1 also prints reasons that the client does not show.\n"
    "\n"
    "exit status: that of COMMAND; 126 (COMMAND cannot be run), 127 (COMMAND is not found),\n"
    "1 (failure), 2 (usage error)\n";

/* -- variables ------------------------------------------------------------------------------- */

enum how {
    REPLACE,
    DEFAULT, /* set the variable only if it is not set */
    APPEND,  /* append to the present value, after a separator */
};

struct variable {
    const char *name;
    const char *value;
    enum how how;
    bool is_object;        /* names shared objects of rds-iam; for programs that can load them */
    const char *separator; /* characters that separate entries; the first is written; "": no list */
    const char *needs;     /* the variable is set only if this file can be read; NULL: always */
};

#define PRELOAD RIA_PKGLIBDIR "/librds-iam-pq.so"
#define MARIADB_PLUGIN RIA_MARIADB_PLUGIN_DIR "/mysql_clear_password.so"
#define ORACLE_PLUGIN RIA_ORACLE_PLUGIN_DIR "/rds_iam_v1.so"

static const struct variable variables[] = {
    {"LD_PRELOAD", PRELOAD, APPEND, true, ": ", NULL},
    {"PGSSLMODE", "verify-full", DEFAULT, false, "", NULL},
    /* With a Kerberos ticket, libpq would use GSS encryption instead of TLS. */
    {"PGGSSENCMODE", "disable", DEFAULT, false, "", NULL},
    {"MARIADB_PLUGIN_DIR", RIA_MARIADB_PLUGIN_DIR, REPLACE, true, "", MARIADB_PLUGIN},
    {"LIBMYSQL_PLUGINS", RIA_MARIADB_PLUGINS, APPEND, true, ";", MARIADB_PLUGIN},
    {"LIBMYSQL_PLUGIN_DIR", RIA_ORACLE_PLUGIN_DIR, REPLACE, true, "", ORACLE_PLUGIN},
    {"LIBMYSQL_PLUGINS", RIA_ORACLE_PLUGINS, APPEND, true, ";", ORACLE_PLUGIN},
    {"RDS_IAM_LOG", "warning", DEFAULT, false, "", NULL},
};

/* AddressSanitizer aborts a program if a preloaded object comes before its library. The last value
 * in the list overrides the others. */
static const struct variable asan = {
    "ASAN_OPTIONS", "verify_asan_link_order=0", APPEND, false, ":", NULL};

/* Finds a value in a list. It is present if rds-iam exec runs within a command of another rds-iam
 * exec. Returns NULL if it is not present. */
static const char *find_in_list(const char *list, const char *value, const char *separator)
{
    size_t len = strlen(value);
    for (const char *at = strstr(list, value); at != NULL; at = strstr(at + 1, value)) {
        if ((at == list || strchr(separator, at[-1]) != NULL) &&
            strchr(separator, at[len]) != NULL) { /* a separator, or the end of the list */
            return at;
        }
    }
    return NULL;
}

/* Removes from the environment a value that an outer rds-iam exec has set. */
static bool exec_remove(const struct variable *variable)
{
    const char *set = secure_getenv(variable->name);
    const char *at = set == NULL ? NULL : find_in_list(set, variable->value, variable->separator);
    if (at == NULL) {
        return true;
    }
    const char *after = at + strlen(variable->value);
    size_t before = (size_t)(at - set);
    if (before > 0) {
        before--; /* remove one separator too */
    } else if (*after != '\0') {
        after++;
    }
    RIA_AUTO(buf) left = {.max = (size_t)1024 * 1024};
    ria_buf_addf(&left, "%.*s%s", (int)before, set, after);
    const char *value = ria_buf_text(&left);
    if (value != NULL && *value == '\0') {
        return unsetenv(variable->name) == 0; /* NOLINT(concurrency-mt-unsafe) */
    }
    return value != NULL && setenv(variable->name, value, 1) == 0;
}

/* Returns the first libpq in a value of LD_PRELOAD, or NULL. */
static const char *find_libpq(const char *list, const char *separator)
{
    static const char name[] = "libpq";
    for (const char *entry = list;; entry++) {
        size_t len = strcspn(entry, separator);
        const char *slash = memrchr(entry, '/', len);
        const char *file = slash == NULL ? entry : slash + 1;
        const char *end = file + strlen(name);
        if (strncmp(file, name, strlen(name)) == 0 && (*end == '.' || *end == '-')) {
            return entry;
        }
        entry += len;
        if (*entry == '\0') {
            return NULL;
        }
    }
}

/* Inserts the object of rds-iam before a libpq that is also in LD_PRELOAD, because the loader binds
 * a function of libpq to the first object that defines it. Without such a libpq the object is
 * appended, because the run-time library of a sanitizer must come first. */
static bool put_before(const struct variable *variable, const char *set, const char *libpq)
{
    const char *present = find_in_list(set, variable->value, variable->separator);
    if (present != NULL && present < libpq) {
        return true;
    }
    if (present != NULL) {
        if (!exec_remove(variable)) {
            return false;
        }
        set = secure_getenv(variable->name); /* not NULL: it still contains libpq */
        libpq = find_libpq(set, variable->separator);
    }
    RIA_AUTO(buf) text = {.max = (size_t)1024 * 1024};
    ria_buf_add(&text, set, (size_t)(libpq - set));
    ria_buf_addf(&text, "%s%c%s", variable->value, *variable->separator, libpq);
    const char *value = ria_buf_text(&text);
    return value != NULL && setenv(variable->name, value, 1) == 0;
}

static bool exec_append(const struct variable *variable, const char *set)
{
    const char *libpq =
        strcmp(variable->name, "LD_PRELOAD") == 0 ? find_libpq(set, variable->separator) : NULL;
    if (libpq != NULL) {
        return put_before(variable, set, libpq);
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

/* Checks that the preloaded object and the object that makes its tokens can be read. Without this
 * check the loader would ignore a missing object, and the command would run without tokens. */
static bool check_preload(void)
{
    static const char *const objects[] = {PRELOAD, RIA_PKGLIBDIR "/rds-iam-pq-token.so"};
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

static bool set_variables(const char *ca, enum ria_program program)
{
    bool ok = program != RIA_PROGRAM_ASAN || apply(&asan);
    bool can_load = program != RIA_PROGRAM_OTHER_LIBC && program != RIA_PROGRAM_OTHER_MACHINE;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        ok = (can_load || !variables[i].is_object ? apply(&variables[i])
                                                  : exec_remove(&variables[i])) &&
             ok;
    }
    if (ca != NULL) {
        ok = setenv("PGSSLROOTCERT", ca, 1) == 0 && ok; /* NOLINT(concurrency-mt-unsafe) */
    }
    if (!ok) {
        (void)ria_out_of_memory();
    }
    return ok;
}

/* -- the certificate ------------------------------------------------------------------------- */

/* The functions below guess from the command line and the environment whether the client will find
 * a CA certificate. Without one libpq fails, and its message suggests to turn verification off, so
 * a better warning is printed first. Scripts and other programs are not checked, because they may
 * name a certificate themselves. */
enum client {
    POSTGRESQL,
    MYSQL,
    OTHER,
};

/* Prefixes of the names of client programs. */
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

/* Returns whether a host is given. Without a host the client uses a Unix socket, and no TLS. */
static bool names_host(char *const *argv, const struct ria_world *world)
{
    bool found = ria_world_env(world, "PGHOST") != NULL ||
                 ria_world_env(world, "PGHOSTADDR") != NULL || any_word_has(argv, "host=") ||
                 any_word_has(argv, "hostaddr=") || any_word_has(argv, "://");
    for (; *argv != NULL && !found; argv++) {
        found = exec_begins_with(*argv, "-h") || exec_begins_with(*argv, "--host");
    }
    return found;
}

/* Returns whether a connection string or a service entry may set a certificate or another sslmode.
 */
static bool may_set_certificate(char *const *argv, const struct ria_world *world)
{
    return ria_world_env(world, "PGSERVICE") != NULL || any_word_has(argv, "service=") ||
           any_word_has(argv, "sslmode=") || any_word_has(argv, "sslrootcert=");
}

static bool is_verified(const struct ria_world *world)
{
    const char *mode = ria_world_env(world, "PGSSLMODE");
    return mode != NULL && (strcmp(mode, "verify-full") == 0 || strcmp(mode, "verify-ca") == 0);
}

/* Returns whether libpq's default root certificate can be read. Fills `path` with its path. */
static bool has_default_certificate(const char *home, char path[PATH_MAX])
{
    int len = home == NULL ? -1 : snprintf(path, PATH_MAX, "%s/.postgresql/root.crt", home);
    return len < 0 || len >= PATH_MAX || access(path, R_OK) == 0;
}

/* Warns if libpq will find no root certificate. */
static void warn_of_missing_certificate(
    const char *program, char *const *argv, const struct ria_world *world)
{
    char path[PATH_MAX];
    if (ria_world_env(world, "PGSSLROOTCERT") != NULL || !is_verified(world) ||
        !names_host(argv, world) || may_set_certificate(argv, world) ||
        has_default_certificate(ria_world_home(world), path)) {
        return;
    }
    ria_world_log(
        world,
        RIA_LOG_WARNING,
        "%s has no CA certificate to verify the server with: %s: %s; add --ca with Amazon's "
        "bundle, "
        "or set PGSSLROOTCERT",
        program,
        path,
        strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
}

/* Warns if a program of PostgreSQL in argv will find no root certificate, and if --ca is given with
 * a program of MySQL or MariaDB, which ignores it. `ca` is the value of --ca. Prints nothing in a
 * case of doubt. */
static void warn_of_certificate(char *const *argv, const char *ca, const struct ria_world *world)
{
    const char *program = base_name(argv[0]);
    enum client client = client_of(program);
    if (client == POSTGRESQL && ca == NULL) {
        warn_of_missing_certificate(program, argv + 1, world);
    } else if (client == MYSQL && ca != NULL && !any_word_has(argv + 1, "ssl-ca")) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "--ca is for PostgreSQL, and %s ignores it; add --ssl-ca=FILE to its arguments, or "
            "ssl-ca=FILE to my.cnf",
            program);
    }
}

/* -- the command ----------------------------------------------------------------------------- */

/* Makes the value of --ca absolute, because the command may change its directory. Prints an error
 * and returns false if the file cannot be read or is a directory. The caller frees *out. */
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

/* Returns the index of the argument after the options of rds-iam exec: the first "--", or the first
 * argument that is not an option. So the -h of "psql -h ENDPOINT" is not parsed as an option of
 * rds-iam exec. */
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
    if (status != RIA_CONTINUE) {
        return status;
    }
    if (end < argc && strcmp(argv[end], "--") != 0) {
        return ria_usage(argv[0], "write -- before the command \"%s\"", argv[end]);
    }
    if (end + 1 >= argc) {
        return ria_usage(argv[0], "no command given: write -- and the command");
    }
    /* execvp() searches the caller's PATH, which a privileged process must not trust. */
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
