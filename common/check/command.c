/* SPDX-License-Identifier: MIT
 *
 * rds-iam check: runs all checks for one login and explains a refusal. Without arguments, or with
 * --json alone, checks every login that is configured (all_targets.c). Rejects any other command
 * line that names no login. */
#include "check/facts.h"
#include "cli/command_line.h"
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXIT_SERVER = 3,
    EXIT_NOT_REACHED = 4,
    NAME_SIZE = 768,
    JSON_MAX = 16 * 1024 * 1024,
};

/* The values from the command line. */
struct check_arguments {
    struct ria_target target;
    const char *port;
    const char *engine;
    bool is_json;
    bool is_all; /* no login is named */
};

static const struct ria_option options[] = {
    {"hostname",
     "HOST",
     "the RDS endpoint, or a name that rds-iam's configuration maps",
     RIA_VALUE(struct check_arguments, target.login.host)},
    {"port",
     "PORT",
     "default: 5432 for PostgreSQL and Aurora DSQL, otherwise 3306",
     RIA_VALUE(struct check_arguments, port)},
    {"username", "USER", "the database user", RIA_VALUE(struct check_arguments, target.login.user)},
    {"service",
     "NAME",
     "a service of pg_service.conf, as psql uses it",
     RIA_VALUE(struct check_arguments, target.service)},
    {"defaults-group",
     "NAME",
     "a group of the MySQL option file, such as client or client-rds",
     RIA_VALUE(struct check_arguments, target.group)},
    {"engine",
     "ENGINE",
     "mysql, mariadb, postgres or postgresql; default: derived from the port",
     RIA_VALUE(struct check_arguments, engine)},
    {"dbname",
     "NAME",
     "default: postgres for PostgreSQL, none for MySQL",
     RIA_VALUE(struct check_arguments, target.dbname)},
    {"program",
     "FILE",
     "log in with the client library of this program",
     RIA_VALUE(struct check_arguments, target.program)},
    {"ca",
     "FILE",
     "verify the server with FILE, not with the files of rds-iam setup ca",
     RIA_VALUE(struct check_arguments, target.ca)},
    {"profile",
     "NAME",
     "use this AWS profile",
     RIA_VALUE(struct check_arguments, target.login.profile)},
    {"aws",
     NULL,
     "also ask AWS about the database and the policies, which needs the permissions "
     "rds:Describe*, iam:GetRole and iam:SimulatePrincipalPolicy",
     RIA_FLAG(struct check_arguments, target.asks_aws)},
    {"json", NULL, "print one JSON object", RIA_FLAG(struct check_arguments, is_json)},
};

static const struct ria_syntax check_syntax = {
    .usage = "rds-iam check --hostname HOST --username USER [OPTION...]\n"
             "rds-iam check --service NAME [OPTION...]\n"
             "rds-iam check --defaults-group NAME [--hostname HOST --username USER]\n"
             "              [OPTION...]\n"
             "rds-iam check\n",
    .about = "Checks everything that a login needs, step by step, logs in once, and explains a\n"
             "refusal. Prints no secret. Changes nothing, neither here nor on the server.\n"
             "If no login is given, checks every service of pg_service.conf and every group of\n"
             "the MySQL option files whose host is an RDS endpoint.\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
    .exit_status = "exit status: 0 (logged in), 1 (no token was sent), 2 (usage error),\n"
                   "3 (refused by the server), 4 (the server was not reached)\n",
};

static const struct {
    const char *result;
    const char *text;
    int status;
} results[] = {
    [RIA_VERDICT_NONE] = {"not-tried", "No login was tried.", RIA_EXIT_FAILED},
    [RIA_VERDICT_IN] = {"in", "The login works.", RIA_EXIT_OK},
    [RIA_VERDICT_OURS] = {"refused-here", "No token was sent.", RIA_EXIT_FAILED},
    [RIA_VERDICT_SERVER] = {"refused-by-server", "The server refused the login.", EXIT_SERVER},
    [RIA_VERDICT_NOT_REACHED] = {"not-reached", "The server was not reached.", EXIT_NOT_REACHED},
};

#define GROUP_INCOMPLETE                                                                           \
    "No login was tried: the group contains no host; give --hostname and --username as well."
#define OPTION_FILE_IGNORED                                                                        \
    "The login works in programs that read the option file. The commands of MariaDB and MySQL "    \
    "ignore it: see \"option file\" above."
#define CLIENT_REFUSED                                                                             \
    "The login works under rds-iam exec without option files, but programs that read [client] "    \
    "send no token."
#define TOKEN_ACCEPTED "The server accepted the token, but refused the login."

/* Writes the text that names the target in the JSON object. */
static void describe_target(const struct ria_target *target, char *out, size_t size)
{
    if (target->service != NULL) {
        (void)snprintf(out, size, "service %s", target->service);
    } else if (target->group != NULL) {
        (void)snprintf(out, size, "group %s", target->group);
    } else {
        const struct ria_login *login = &target->login;
        (void)snprintf(out, size, "%s at %s:%u", login->user, login->host, login->port);
    }
}

static const char *find_summary(const struct ria_facts *facts, bool is_accepted)
{
    bool is_ignored = facts->verdict == RIA_VERDICT_IN && facts->is_option_file_ignored;
    return is_accepted                ? TOKEN_ACCEPTED
           : is_ignored               ? OPTION_FILE_IGNORED
           : facts->is_client_refused ? CLIENT_REFUSED
                                      : results[facts->verdict].text;
}

/* Reports that no login is tried, because libpq cannot use the service, or because the settings
 * contain no host. */
static void add_missing_host(struct ria_facts *facts)
{
    bool is_missing = facts->is_service_missing;
    ria_report_section(facts->report, "Login");
    ria_report_add(
        facts->report,
        RIA_MARK_SKIPPED,
        "login",
        is_missing                      ? NULL
        : facts->target.service != NULL ? "Add host= to the service."
                                        : "Add the host, or give --hostname and --username.",
        "%s",
        is_missing ? "the service cannot be used"
                   : "the settings contain no host name, so a client uses localhost or a socket");
}

static int run_checks(struct ria_facts *facts)
{
    char name[NAME_SIZE];
    ria_check_settings(facts);
    if (facts->target.login.host != NULL && facts->target.login.user != NULL) {
        ria_check_credentials(facts);
        ria_check_server(facts);
        if (facts->target.asks_aws) {
            ria_check_aws(facts);
        }
        ria_check_login(facts);
        ria_check_take_times(facts);
        ria_check_add_times(facts);
    } else {
        add_missing_host(facts);
    }
    bool is_accepted = ria_check_explain(facts);
    enum ria_verdict verdict = facts->verdict;
    describe_target(&facts->target, name, sizeof(name));
    if (facts->is_group_incomplete) {
        return ria_report_end(
            facts->report, name, &facts->times, "usage-error", GROUP_INCOMPLETE, RIA_EXIT_USAGE);
    }
    return ria_report_end(
        facts->report,
        name,
        &facts->times,
        results[verdict].result,
        find_summary(facts, is_accepted),
        results[verdict].status);
}

#define LOGIN_MISSING "give --hostname and --username, --service or --defaults-group"
#define HOST_MISSING "--hostname is missing; without a host, a client uses localhost or a socket"
#define TOGETHER "%s and --%s cannot be used together"

/* Sets target->engine from --engine, --service or --defaults-group. Returns RIA_CONTINUE, or the
 * exit status of a usage error: --engine has an unknown value, or contradicts the service or the
 * group. */
static int read_engine(
    const char *command, const char *engine, struct ria_target *target, struct ria_error *err)
{
    bool is_configured = target->service != NULL || target->group != NULL;
    enum ria_engine configured = target->service != NULL ? RIA_ENGINE_POSTGRES : RIA_ENGINE_MYSQL;
    if (engine != NULL && !ria_engine_parse(engine, &target->engine)) {
        return ria_usage_error(err, command, RIA_ENGINE_USAGE, engine);
    }
    target->engine = ria_engine_protocol(target->engine);
    if (is_configured && engine != NULL && target->engine != configured) {
        return ria_usage_error(
            err,
            command,
            TOGETHER,
            target->service != NULL ? "--service" : "--defaults-group",
            "engine");
    }
    target->engine = is_configured ? configured : target->engine;
    return RIA_CONTINUE;
}

static enum ria_engine engine_of_port(unsigned port)
{
    return port == RIA_POSTGRES_PORT ? RIA_ENGINE_POSTGRES
           : port == RIA_MYSQL_PORT  ? RIA_ENGINE_MYSQL
                                     : RIA_ENGINE_UNKNOWN;
}

/* Sets the engine and the port of the target. If no engine is given, the engine is PostgreSQL for
 * Aurora DSQL. For any other host it is the engine that usually has the given port (unknown for an
 * unusual port), or MySQL if no port is given either. If no port is given, the port is the usual
 * port of the engine. A service or a group contains its port, so this function sets no port for
 * these. Returns RIA_CONTINUE, or the exit status of a usage error. */
static int set_engine(
    const char *command,
    const char *engine,
    const char *port,
    struct ria_target *target,
    struct ria_error *err)
{
    int status = read_engine(command, engine, target, err);
    if (status == RIA_CONTINUE && port != NULL) {
        status = ria_options_read_port(command, port, &target->login.port, err);
    }
    if (target->engine == RIA_ENGINE_UNKNOWN && ria_host_is_dsql(target->login.host)) {
        target->engine = RIA_ENGINE_POSTGRES;
    }
    if (port == NULL && target->service == NULL && target->group == NULL) {
        target->is_port_assumed = target->engine == RIA_ENGINE_UNKNOWN;
        target->login.port =
            target->engine == RIA_ENGINE_POSTGRES ? RIA_POSTGRES_PORT : RIA_MYSQL_PORT;
    }
    if (target->engine == RIA_ENGINE_UNKNOWN) {
        target->engine = engine_of_port(target->login.port);
    }
    target->login.is_mysql = target->engine == RIA_ENGINE_MYSQL;
    return status;
}

/* Runs all checks for one target. If `json` is not NULL, appends one object to it; otherwise prints
 * text. */
int ria_check_target(
    const struct ria_target *target, struct ria_json_writer *json, const struct ria_world *world)
{
    struct ria_report report;
    struct ria_facts facts = {
        .world = world,
        .report = &report,
        .target = *target,
        .agent = RIA_PROBE_INIT,
        .server = RIA_PROBE_INIT,
        .attempt = RIA_PROBE_INIT,
    };
    for (size_t i = 0; i < RIA_PHASES; i++) {
        facts.times.us[i] = RIA_TIME_UNKNOWN;
    }
    ria_report_begin(&report, json, world);
    int status = run_checks(&facts);
    ria_probe_release(&facts.agent);
    ria_probe_release(&facts.server);
    ria_probe_release(&facts.attempt);
    return status;
}

/* Returns the name of an option that cannot be used together with --service, or NULL. With a
 * service, the login takes host, port and user only from the service. */
static const char *find_conflict(const struct ria_target *target, const char *port)
{
    const struct {
        const char *name;
        bool is_given;
    } rows[] = {
        {"defaults-group", target->group != NULL},
        {"hostname", target->login.host != NULL},
        {"port", port != NULL},
        {"username", target->login.user != NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && target->service != NULL; i++) {
        if (rows[i].is_given) {
            return rows[i].name;
        }
    }
    return NULL;
}

/* Makes the login use the profile of --profile. The client has no option for a profile, so this
 * function sets AWS_PROFILE in the environment. It also removes the variables of keys and of a web
 * identity, because --profile overrides them. */
static bool use_profile(const char *profile)
{
    static const char *const overridden[] = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
    };
    if (profile == NULL) {
        return true;
    }
    for (size_t i = 0; i < sizeof(overridden) / sizeof(overridden[0]); i++) {
        (void)unsetenv(overridden[i]); /* NOLINT(concurrency-mt-unsafe) */
    }
    return setenv("AWS_PROFILE", profile, 1) == 0; /* NOLINT(concurrency-mt-unsafe) */
}

/* Returns the exit status of a usage error if the options contradict each other or name no target;
 * otherwise RIA_CONTINUE. */
static int check_request(
    const char *command, struct check_arguments *request, struct ria_error *err)
{
    const struct ria_target *target = &request->target;
    const char *other = find_conflict(target, request->port);
    if (other != NULL) {
        return ria_usage_error(err, command, TOGETHER, "--service", other);
    }
    if (!request->is_all && target->service == NULL && target->group == NULL &&
        (target->login.host == NULL || target->login.user == NULL)) {
        return ria_usage_error(
            err,
            command,
            target->login.host != NULL   ? "--username is missing"
            : target->login.user != NULL ? HOST_MISSING
            : target->program != NULL    ? "--program names no login; " LOGIN_MISSING
                                         : LOGIN_MISSING);
    }
    return RIA_CONTINUE;
}

/* Reads the command line. Returns RIA_CONTINUE if the checks must run. Otherwise returns the exit
 * status: either this function has printed the text of --help, or *err contains a usage error. */
static int read_request(
    int argc,
    char **argv,
    const struct ria_world *world,
    struct check_arguments *request,
    struct ria_error *err)
{
    struct ria_target *target = &request->target;
    int status = ria_options_read(argc, argv, &check_syntax, request, err);
    request->is_all = status == RIA_CONTINUE && argc == (request->is_json ? 2 : 1);
    if (status == RIA_CONTINUE) {
        status = set_engine(argv[0], request->engine, request->port, target, err);
    }
    if (status == RIA_CONTINUE) {
        status = check_request(argv[0], request, err);
    }
    if (status == RIA_CONTINUE && target->program != NULL &&
        !ria_check_find_library(target, world, err)) {
        status = RIA_EXIT_USAGE;
    }
    return status;
}

/* Returns whether --json is on the command line. A usage error must then be reported as JSON too,
 * even if the parser has stopped at an error before --json. */
static bool has_json_option(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

/* Prints a usage error on stderr. Also appends a JSON object without items to `json`, unless `json`
 * is NULL. */
static int report_usage(
    const char *command,
    const struct ria_error *err,
    struct ria_json_writer *json,
    const struct ria_world *world)
{
    struct ria_report report;
    struct ria_times times;
    ria_print_error(command, err);
    for (size_t i = 0; i < RIA_PHASES; i++) {
        times.us[i] = RIA_TIME_UNKNOWN;
    }
    if (json != NULL) {
        ria_report_begin(&report, json, world);
        (void)ria_report_end(&report, NULL, &times, "usage-error", err->text, RIA_EXIT_USAGE);
    }
    return RIA_EXIT_USAGE;
}

int ria_command_check(int argc, char **argv, const struct ria_world *world)
{
    struct check_arguments request = {.target = {.login = {.channel = RIA_CHANNEL_NONE}}};
    struct ria_error err = {0};
    RIA_AUTO(buf) text = {.max = JSON_MAX};
    struct ria_json_writer writer = {.out = &text};
    struct ria_json_writer *json = has_json_option(argc, argv) ? &writer : NULL;
    int status = read_request(argc, argv, world, &request, &err);
    if (status == RIA_CONTINUE) {
        json = request.is_json ? &writer : NULL;
        status = !use_profile(request.target.login.profile) ? ria_out_of_memory()
                 : request.is_all ? ria_check_all_targets(argv[0], json, world)
                                  : ria_check_target(&request.target, json, world);
    } else if (err.text[0] != '\0') {
        status = report_usage(argv[0], &err, json, world);
    } else {
        return status; /* --help */
    }
    const char *document = json == NULL ? "" : ria_json_writer_finish(json);
    if (document == NULL) {
        return ria_out_of_memory();
    }
    return ria_print(document) == RIA_EXIT_OK ? status : RIA_EXIT_FAILED;
}
