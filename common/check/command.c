/* SPDX-License-Identifier: MIT
 *
 * rds-iam check: runs all checks for one login and explains a refusal. Rejects a command line that
 * does not name a login. */
#include "check/facts.h"
#include "tool/options.h"
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXIT_SERVER = 3,
    EXIT_NOT_REACHED = 4,
};

static const char help[] =
    "usage: rds-iam check --hostname HOST --username USER [OPTION...]\n"
    "       rds-iam check --service NAME | --defaults-group NAME [OPTION...]\n"
    "       rds-iam check\n"
    "\n"
    "Checks everything that a login needs, step by step, logs in once, and explains a refusal.\n"
    "Prints no secret. Changes nothing, neither here nor on the server. Without options, checks\n"
    "every service of pg_service.conf.\n"
    "\n"
    "  --hostname HOST    the RDS endpoint, or a name that rds-iam's configuration maps\n"
    "  --port PORT        default: 5432 with --engine postgres, otherwise 3306\n"
    "  --username USER    the database user\n"
    "  --service NAME     a service of pg_service.conf, as psql uses it\n"
    "  --defaults-group NAME\n"
    "                     a group of the MySQL option file, such as client or client-rds\n"
    "  --engine ENGINE    postgres or mysql (also for MariaDB); default: by the port\n"
    "  --dbname NAME      default: postgres, or none for mysql\n"
    "  --program FILE     log in with the client library of this program\n"
    "  --ca FILE          verify the server with FILE, not with the files of rds-iam setup ca\n"
    "  --profile NAME     use this AWS profile\n"
    "  --aws              also ask AWS about the database and the policies, which needs the\n"
    "                     permissions rds:Describe*, iam:GetRole and iam:SimulatePrincipalPolicy\n"
    "  --json             print one JSON object\n"
    "  --help             print this text\n"
    "\n"
    "exit status: 0 (logged in), 1 (refused on this side), 2 (usage error),\n"
    "3 (refused by the server), 4 (the server was not reached)\n";

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

static int run_checks(struct ria_facts *facts)
{
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
    }
    bool is_in = ria_check_explain(facts);
    enum ria_verdict verdict = is_in ? RIA_VERDICT_IN : facts->verdict;
    return ria_report_end(
        facts->report,
        &facts->times,
        results[verdict].result,
        results[verdict].text,
        results[verdict].status);
}

/* Sets target->engine from --engine, --service or --defaults-group. Returns RIA_CONTINUE, or the
 * exit status of a usage error. */
static int read_engine(const char *command, const char *engine, struct ria_target *target)
{
    if (target->service != NULL || target->group != NULL) {
        target->engine = target->service != NULL ? RIA_ENGINE_POSTGRES : RIA_ENGINE_MYSQL;
    } else if (engine != NULL && strcmp(engine, "postgres") == 0) {
        target->engine = RIA_ENGINE_POSTGRES;
    } else if (engine != NULL) {
        target->engine = RIA_ENGINE_MYSQL;
    }
    return engine == NULL || strcmp(engine, "postgres") == 0 || strcmp(engine, "mysql") == 0
               ? RIA_CONTINUE
               : ria_usage(command, "--engine \"%s\" is neither postgres nor mysql", engine);
}

static enum ria_engine engine_of_port(unsigned port)
{
    return port == RIA_POSTGRES_PORT ? RIA_ENGINE_POSTGRES
           : port == RIA_MYSQL_PORT  ? RIA_ENGINE_MYSQL
                                     : RIA_ENGINE_UNKNOWN;
}

/* Sets the engine and the port from each other. Returns RIA_CONTINUE, or the exit status of a usage
 * error. A service and a group contain the port themselves. */
static int set_engine(
    const char *command, const char *engine, const char *port, struct ria_target *target)
{
    int status = read_engine(command, engine, target);
    if (status == RIA_CONTINUE && port != NULL) {
        status = ria_options_port(command, port, &target->login.port);
    }
    if (port == NULL && target->service == NULL && target->group == NULL) {
        target->login.port =
            target->engine == RIA_ENGINE_POSTGRES ? RIA_POSTGRES_PORT : RIA_MYSQL_PORT;
    }
    if (target->engine == RIA_ENGINE_UNKNOWN) {
        target->engine = engine_of_port(target->login.port);
    }
    return status;
}

static int check_target(
    const struct ria_target *target, bool is_json, const struct ria_world *world)
{
    struct ria_report report;
    struct ria_error err;
    struct ria_facts facts = {
        .world = world,
        .report = &report,
        .target = *target,
        .agent = RIA_PROBE_INIT,
        .server = RIA_PROBE_INIT,
        .attempt = RIA_PROBE_INIT,
    };
    if (target->program != NULL && !ria_check_find_library(&facts.target, world, &err)) {
        (void)fprintf(stderr, "rds-iam: %s\n", err.text);
        return RIA_EXIT_FAILED;
    }
    for (size_t i = 0; i < RIA_PHASES; i++) {
        facts.times.us[i] = RIA_TIME_UNKNOWN;
    }
    ria_report_begin(&report, is_json, world);
    int status = run_checks(&facts);
    ria_report_release(&report);
    ria_probe_release(&facts.agent);
    ria_probe_release(&facts.server);
    ria_probe_release(&facts.attempt);
    return status;
}

/* Checks every service. Returns the exit status of the first one that fails. */
static int check_all_services(const char *command, const struct ria_world *world)
{
    char name[256];
    int status = RIA_EXIT_OK;
    size_t i = 0;
    for (; ria_check_service_name(world, i, name, sizeof(name)); i++) {
        struct ria_target target = {
            .login = {.channel = RIA_CHANNEL_NONE},
            .service = name,
            .engine = RIA_ENGINE_POSTGRES,
        };
        (void)printf("%sservice %s\n\n", i > 0 ? "\n\n" : "", name);
        int own = check_target(&target, false, world);
        status = status == RIA_EXIT_OK ? own : status;
    }
    if (i == 0) {
        return ria_usage(command, "no service to check: give --hostname and --username");
    }
    return status;
}

/* Returns the name of an option that a service or a group contradicts; or NULL. The login takes
 * host, port and user from the service alone. */
static const char *find_conflict(
    const struct ria_target *target, const char *engine, const char *port)
{
    bool has_service = target->service != NULL;
    const char *wrong = has_service ? "mysql" : "postgres";
    const struct {
        const char *name;
        bool is_conflict;
    } options[] = {
        {"defaults-group", has_service && target->group != NULL},
        {"hostname", has_service && target->login.host != NULL},
        {"port", has_service && port != NULL},
        {"username", has_service && target->login.user != NULL},
        {"engine",
         (has_service || target->group != NULL) && engine != NULL && strcmp(engine, wrong) == 0},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].is_conflict) {
            return options[i].name;
        }
    }
    return NULL;
}

/* Makes the login use --profile too. The client of the login has no such option, so the environment
 * names the profile. Like --profile, this overrides the keys of the environment. */
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

int ria_command_check(int argc, char **argv, const struct ria_world *world)
{
    struct ria_target target = {.login = {.channel = RIA_CHANNEL_NONE}};
    const char *port = NULL;
    const char *engine = NULL;
    bool is_json = false;
    const struct ria_option options[] = {
        {.name = "hostname", .value = &target.login.host},
        {.name = "port", .value = &port},
        {.name = "username", .value = &target.login.user},
        {.name = "service", .value = &target.service},
        {.name = "defaults-group", .value = &target.group},
        {.name = "engine", .value = &engine},
        {.name = "dbname", .value = &target.dbname},
        {.name = "program", .value = &target.program},
        {.name = "ca", .value = &target.ca},
        {.name = "profile", .value = &target.login.profile},
        {.name = "aws", .flag = &target.asks_aws},
        {.name = "json", .flag = &is_json},
    };
    int status = ria_options_parse(argc, argv, options, sizeof(options) / sizeof(options[0]), help);
    if (status == RIA_CONTINUE) {
        status = set_engine(argv[0], engine, port, &target);
    }
    if (status != RIA_CONTINUE) {
        return status;
    }
    const char *other = find_conflict(&target, engine, port);
    if (other != NULL) {
        return ria_usage(
            argv[0],
            "%s and --%s cannot be used together",
            target.service != NULL ? "--service" : "--defaults-group",
            other);
    }
    if (!use_profile(target.login.profile)) {
        return ria_out_of_memory();
    }
    if (target.service == NULL && target.group == NULL &&
        (target.login.host == NULL || target.login.user == NULL)) {
        return argc == 1
                   ? check_all_services(argv[0], world)
                   : ria_usage(
                         argv[0], "give --hostname and --username, --service or --defaults-group");
    }
    return check_target(&target, is_json, world);
}
