/* SPDX-License-Identifier: MIT
 *
 * rds-iam exec: runs a command whose libpq, libmariadb and libmysqlclient load rds-iam's hooks (the
 * preload and the plugins). Sets environment variables, and then replaces itself with the command
 * (execvp(3)), so the caller gets the output and the exit status of the command. If the program
 * cannot load the hooks, does not set the variables that name them. Refuses to run with more
 * privileges than its caller. */
#include "cli/command_line.h"
#include "tool/ca_store.h"
#include "tool/part.h"
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

struct exec_arguments {
    const char *ca;
};

static const struct ria_option options[] = {
    {"ca",
     "FILE",
     "verify the servers of RDS with FILE, not with the files of rds-iam setup ca",
     RIA_VALUE(struct exec_arguments, ca)},
};

static const struct ria_hint hints[] = {
    {"--profile", "set AWS_PROFILE in the environment"},
    {"--region", "the endpoint's name has the region; for an alias, see rds-iam.conf(5)"},
    {0},
};

static const struct ria_syntax exec_syntax = {
    .usage = "rds-iam exec [--ca FILE] -- COMMAND [ARGUMENT...]\n",
    .about = "Runs COMMAND. COMMAND, and every program that it starts, logs in to RDS with IAM\n"
             "tokens:\n"
             "\n"
             "  rds-iam setup ca                (once: installs the root certificates of RDS)\n"
             "  rds-iam exec -- psql -h ENDPOINT -U USER DATABASE\n"
             "  rds-iam exec -- mariadb -h ENDPOINT -u USER\n"
             "  rds-iam exec -- mysqldump -h ENDPOINT -u USER DATABASE\n"
             "  AWS_PROFILE=NAME rds-iam exec -- psql -h ENDPOINT -U USER DATABASE\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
    .hints = hints,
    .notes = "A token is sent only to a verified server. For hosts of RDS, rds-iam exec turns\n"
             "verification on, also for a login with a password. libpq uses\n"
             "sslmode=verify-full instead of prefer (the default) or allow. libmariadb and\n"
             "libmysqlclient verify the server's name, unless the program sets the\n"
             "verification itself. The tools of MariaDB and Oracle (mariadb, mysql, mysqldump\n"
             "and others) contain their client library. They verify the server's name if the\n"
             "host is in their arguments, ~/.my.cnf or MYSQL_HOST, unless the arguments or\n"
             "~/.my.cnf set the verification themselves. Connections to other hosts do not\n"
             "change.\n"
             "\n"
             "If the user gives a password, the client sends the password and no token; for a\n"
             "host of RDS, a warning is printed. Oracle's library sends the password only if\n"
             "the variable LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1 is set.\n"
             "\n"
             "If a login gets no token, the reason is printed on stderr. RDS_IAM_LOG=info\n"
             "prints more, debug each step; RDS_IAM_LOG=LEVEL:FILE writes to FILE.\n"
             "\n"
             "rds-iam exec changes only these variables in the environment of COMMAND:\n"
             "\n"
             "  LD_PRELOAD           librds-iam-pq.so is added to the list\n"
             "  LIBMYSQL_PLUGINS     rds-iam's plugins are added to the list\n"
             "  LIBMYSQL_PLUGIN_DIR  the directory of the plugins for Oracle's library\n"
             "  MARIADB_PLUGIN_DIR   the directory of the plugins for MariaDB's library\n"
             "  RDS_IAM_CA           the CA file for RDS: FILE, or that of rds-iam setup ca\n"
             "  RDS_IAM_CA_PUBLIC    the same for RDS Proxy and Aurora DSQL\n"
             "  RDS_IAM_LOG          warning, if it is not set; corrected, if it is not valid\n"
             "  ASAN_OPTIONS         verify_asan_link_order=0 is added, if COMMAND needs it\n"
             "  PGSSLMODE            verify-full, if it is not set and the preload does not\n"
             "                       reach the libpq of COMMAND\n"
             "  PGGSSENCMODE         disable, in the same case\n"
             "  PGSSLROOTCERT        the CA file for RDS, in the same case; --ca also\n"
             "                       replaces a value that is set already\n"
             "  MYSQL_HOME           in a tool that connects to RDS: the directory of the\n"
             "                       option file that the preload makes\n"
             "  MARIADB_HOME         the same, in a tool of MariaDB, if MARIADB_HOME is set\n"
             "                       but empty\n"
             "\n"
             "A program for another C library or processor cannot load LD_PRELOAD, and does\n"
             "not get the first four.\n",
    .exit_status = "exit status: the exit status of COMMAND; 126 (COMMAND cannot be run), 127\n"
                   "(COMMAND was not found), 1 (failure), 2 (usage error)\n",
};

/* -- variables ------------------------------------------------------------------------------- */

enum how {
    REPLACE,
    DEFAULT, /* set the variable only if the user has not set it */
    APPEND,  /* append to the present value, after a separator */
};

struct variable {
    const char *name;
    const char *value;
    enum how how;
    bool is_object;        /* the value names shared objects of rds-iam; set only for a program that
                              can load them */
    const char *separator; /* characters that separate entries; rds-iam writes the first of them;
                              "": no list */
    const char *needs;     /* the variable is set only if this file can be read; NULL: always */
};

#define PRELOAD RIA_PKGLIBDIR "/librds-iam-pq.so"
#define MARIADB_PLUGIN RIA_MARIADB_PLUGIN_DIR "/mysql_clear_password.so"
#define ORACLE_PLUGIN RIA_ORACLE_PLUGIN_DIR "/rds_iam_v1.so"

static const struct variable variables[] = {
    {"LD_PRELOAD", PRELOAD, APPEND, true, ": ", NULL},
    {"MARIADB_PLUGIN_DIR", RIA_MARIADB_PLUGIN_DIR, REPLACE, true, "", MARIADB_PLUGIN},
    {"LIBMYSQL_PLUGINS", RIA_MARIADB_PLUGINS, APPEND, true, ";", MARIADB_PLUGIN},
    {"LIBMYSQL_PLUGIN_DIR", RIA_ORACLE_PLUGIN_DIR, REPLACE, true, "", ORACLE_PLUGIN},
    {"LIBMYSQL_PLUGINS", RIA_ORACLE_PLUGINS, APPEND, true, ";", ORACLE_PLUGIN},
    {"RDS_IAM_LOG", "warning", DEFAULT, false, "", NULL},
};

/* Variables for a command whose libpq the preload does not reach: the command does not load the
 * preload, or loads libpq with RTLD_DEEPBIND (deep_programs). The variables make libpq verify the
 * server, in the command and in the programs that it starts. Where the preload reaches libpq, the
 * preload decides for each connection whether libpq must verify the server. */
static const struct variable unreached[] = {
    {"PGSSLMODE", "verify-full", DEFAULT, false, "", NULL},
    /* With a Kerberos ticket, libpq tries GSS encryption before TLS. */
    {"PGGSSENCMODE", "disable", DEFAULT, false, "", NULL},
};

/* Prefixes of the names of programs that load their modules with RTLD_DEEPBIND (PHP before 8.3, on
 * its own and in Apache). Such a module calls libpq's own functions, not the functions of the
 * preloaded object. */
static const char *const deep_programs[] = {"php", "apache2", "httpd"};

/* AddressSanitizer aborts a program if a preloaded object comes before AddressSanitizer's own
 * library. This option turns that check off. It is appended to the list, because the last value in
 * the list overrides the earlier values. */
static const struct variable asan = {
    "ASAN_OPTIONS", "verify_asan_link_order=0", APPEND, false, ":", NULL};

/* Finds a value in a list. The list contains the value if this rds-iam exec runs within a command
 * of another rds-iam exec. Returns NULL if the list does not contain the value. */
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
        before--; /* also remove one separator */
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

static bool is_client_library(const char *file)
{
    static const char *const names[] = {"libpq", "libmariadb", "libmysqlclient"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(file, names[i], len) == 0 && (file[len] == '.' || file[len] == '-')) {
            return true;
        }
    }
    return false;
}

/* Returns the first client library in a value of LD_PRELOAD, or NULL. */
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

/* Inserts the object of rds-iam before a client library that is also in LD_PRELOAD, because the
 * loader binds a function to the first object that defines it. If LD_PRELOAD contains no client
 * library, exec_append() appends the object instead, because the run-time library of a sanitizer
 * must come first. */
static bool put_before(const struct variable *variable, const char *set, const char *library)
{
    const char *present = find_in_list(set, variable->value, variable->separator);
    if (present != NULL && present < library) {
        return true;
    }
    if (present != NULL) {
        if (!exec_remove(variable)) {
            return false;
        }
        set = secure_getenv(variable->name); /* not NULL: it still contains the library */
        library = find_client_library(set, variable->separator);
    }
    RIA_AUTO(buf) text = {.max = (size_t)1024 * 1024};
    ria_buf_add(&text, set, (size_t)(library - set));
    ria_buf_addf(&text, "%s%c%s", variable->value, *variable->separator, library);
    const char *value = ria_buf_text(&text);
    return value != NULL && setenv(variable->name, value, 1) == 0;
}

static bool exec_append(const struct variable *variable, const char *set)
{
    const char *library = strcmp(variable->name, "LD_PRELOAD") == 0
                              ? find_client_library(set, variable->separator)
                              : NULL;
    if (library != NULL) {
        return put_before(variable, set, library);
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

/* Prints an error and returns false if the object cannot be read. */
static bool check_object(const char *path)
{
    if (access(path, R_OK) == 0) {
        return true;
    }
    (void)ria_failure("%s: cannot be read (%s); reinstall rds-iam", path, strerror(errno));
    return false;
}

/* Checks that the preloaded object, and the object of at least one part of rds-iam (part.h), are
 * installed. Without this check the loader would ignore a missing object, and the command would run
 * without tokens. If one part is not installed, the preload logs a warning in a program that needs
 * it. */
static bool check_preload(void)
{
    bool is_ready = check_object(PRELOAD);
    int absent = 0;
    for (int i = 0; i < RIA_PARTS; i++) {
        if (ria_part_is_absent((enum ria_part)i)) {
            absent++;
        } else {
            is_ready = is_ready && check_object(ria_part_files[i].object);
        }
    }
    if (is_ready && absent == RIA_PARTS) {
        (void)ria_failure(
            "neither %s nor %s is installed; install one of these packages",
            RIA_PACKAGE_MYSQL,
            RIA_PACKAGE_POSTGRESQL);
        return false;
    }
    return is_ready;
}

/* -- root certificates ----------------------------------------------------------------------- */

/* The variables by which the preloads find the files of the CA store. */
static const char *const ca_variables[RIA_CA_KINDS] = {"RDS_IAM_CA", "RDS_IAM_CA_PUBLIC"};

/* Sets the variable of one kind of file. Uses the first of these values that exists: the value of
 * --ca; the value that is set already, for example by an outer rds-iam exec; the file of the CA
 * store. If the store has no usable file, leaves the variable unset; in this case a login fails
 * with a message that names the command to run. */
static bool set_ca_variable(enum ria_ca_kind kind, const char *ca, const struct ria_world *world)
{
    char path[RIA_CA_PATH_SIZE];
    struct ria_error err;
    if (ca == NULL && ria_world_env(world, ca_variables[kind]) != NULL) {
        return true;
    }
    if (ca == NULL) {
        enum ria_outcome outcome = ria_ca_store_find(world, kind, path, &err);
        if (outcome == RIA_FAILED) {
            ria_world_log(world, RIA_LOG_WARNING, "%s", err.text);
        }
        if (outcome != RIA_FOUND) {
            return true;
        }
        ria_ca_store_warn(world, path);
    }
    return setenv(ca_variables[kind], ca != NULL ? ca : path, 1) == 0;
}

/* Warns that no root certificates of RDS were found, if HOME is not set. In this case the user's
 * files may be in another directory, so the warning names the directories that were searched. */
static void warn_without_home(const struct ria_world *world)
{
    char searched[RIA_CA_SEARCHED_SIZE];
    if (ria_world_env(world, "HOME") == NULL) {
        ria_ca_store_searched(world, searched);
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "no usable root certificates of RDS are in %s; set HOME to the directory of a user who "
            "has run rds-iam setup ca, or run this command",
            searched);
    }
}

/* Sets the variables of both kinds of files. If the preload does not reach the libpq of the
 * program, also sets PGSSLROOTCERT, because that libpq reads only its own variables. */
static bool set_ca(const char *ca, bool is_reached, const struct ria_world *world)
{
    bool ok = set_ca_variable(RIA_CA_RDS, ca, world) && set_ca_variable(RIA_CA_PUBLIC, ca, world);
    const char *rds = ria_world_env(world, ca_variables[RIA_CA_RDS]);
    if (rds == NULL) {
        warn_without_home(world);
    }
    return ok && (is_reached || rds == NULL || setenv("PGSSLROOTCERT", rds, ca != NULL) == 0);
}

/* -- all variables --------------------------------------------------------------------------- */

static bool binds_deeply(const char *command)
{
    const char *slash = strrchr(command, '/');
    const char *name = slash == NULL ? command : slash + 1;
    for (size_t i = 0; i < sizeof(deep_programs) / sizeof(deep_programs[0]); i++) {
        if (strncmp(name, deep_programs[i], strlen(deep_programs[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Replaces an invalid RDS_IAM_LOG by the value that is used instead. rds-iam itself has already
 * warned about the invalid value (ria_process_world()), and each process of the command would
 * repeat the warning. */
static bool correct_log(void)
{
    const char *set = secure_getenv("RDS_IAM_LOG");
    struct ria_log_setting setting;
    if (!ria_log_setting_parse(set, &setting) ||
        (!setting.is_unknown_level && !setting.is_relative_path)) {
        return true;
    }
    RIA_AUTO(buf) text = {.max = (size_t)1024 * 1024};
    if (setting.is_unknown_level) {
        ria_buf_add_text(&text, "info");
    } else {
        ria_buf_add(&text, set, strcspn(set, ":"));
    }
    if (setting.path != NULL) {
        ria_buf_addf(&text, ":%s", setting.path);
    }
    const char *value = ria_buf_text(&text);
    return value != NULL && setenv("RDS_IAM_LOG", value, 1) == 0;
}

static bool set_variables(const char *ca, const char *command, const struct ria_world *world)
{
    enum ria_program program = ria_program_inspect(command, world);
    bool can_load = program != RIA_PROGRAM_OTHER_LIBC && program != RIA_PROGRAM_OTHER_MACHINE;
    bool is_reached = can_load && program != RIA_PROGRAM_STATIC &&
                      program != RIA_PROGRAM_PRIVILEGED && !binds_deeply(command);
    bool ok = (program != RIA_PROGRAM_ASAN || apply(&asan)) && correct_log();
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        ok = (can_load || !variables[i].is_object ? apply(&variables[i])
                                                  : exec_remove(&variables[i])) &&
             ok;
    }
    for (size_t i = 0; !is_reached && i < sizeof(unreached) / sizeof(unreached[0]); i++) {
        ok = apply(&unreached[i]) && ok;
    }
    if (!is_reached) {
        ria_world_log(
            world,
            RIA_LOG_INFO,
            "the preload does not reach %s, so PGSSLMODE=verify-full verifies its connections",
            command);
    }
    ok = set_ca(ca, is_reached, world) && ok;
    if (!ok) {
        (void)ria_out_of_memory();
    }
    return ok;
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
        (void)ria_failure("--ca %s: %s; name Amazon's bundle, or omit --ca", ca, strerror(errno));
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
        bool has_value = end + 1 < argc && strcmp(argv[end + 1], "--") != 0;
        end += strcmp(argv[end], "--ca") == 0 && has_value ? 2 : 1;
    }
    return end;
}

int ria_command_exec(int argc, char **argv, const struct ria_world *world)
{
    struct exec_arguments arguments = {0};
    int end = find_end(argc, argv);
    int status = ria_options_parse(end, argv, &exec_syntax, &arguments);
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
    if (world->is_privileged(world->self, NULL)) {
        return ria_failure(RIA_REFUSAL_PRIVILEGED);
    }
    char **command = argv + end + 1;
    char *resolved = NULL;
    bool ok = resolve_ca(arguments.ca, &resolved) && check_preload() &&
              set_variables(resolved, command[0], world);
    free(resolved);
    if (!ok) {
        return RIA_EXIT_FAILED;
    }
    (void)execvp(command[0], command);
    int error = errno;
    (void)ria_failure("cannot run %s: %s", command[0], strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
