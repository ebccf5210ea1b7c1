/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup postgres. All that it prints is a piece of pg_service.conf: the entry, and the rest
 * as comments, so that it can be appended to that file as it is. Comments count for libpq's limit
 * of 254 bytes a line too, so values that make any line longer are refused. */
#include "tool/options.h"
#include "tool/tool.h"

#include "passfile/agent_directory.h"
#include "service/service_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TEXT_MAX = 16 * 1024,
};

static const char help[] =
    "usage: rds-iam setup postgres --hostname HOST --username USER --dbname NAME --ca FILE\n"
    "                              [OPTION...]\n"
    "\n"
    "Prints an entry for ~/.pg_service.conf, and as comments in it all else that has to be done: "
    "the\n"
    "SQL, what replication needs, the agent's service, the environment of its clients. To append "
    "it:\n"
    "\n"
    "  rds-iam setup postgres ... >>~/.pg_service.conf\n"
    "\n"
    "  --hostname HOST   the endpoint\n"
    "  --port PORT       5432\n"
    "  --username USER   the database user\n"
    "  --dbname NAME     the database\n"
    "  --ca FILE         Amazon's CA bundle (global-bundle.pem)\n"
    "  --service NAME    the entry's name: rds\n"
    "  --help            this text\n"
    "\n"
    "exit status: 0, 1 (failed: one sentence on stderr), 2 (usage)\n";

struct setup {
    const char *hostname;
    const char *port;
    const char *username;
    const char *dbname;
    const char *ca;
    const char *service;
    char passfile[PATH_MAX];
    bool has_runtime; /* the passfile is where the user's own unit keeps it */
};

/* -- the texts ------------------------------------------------------------------------------- */

static const char replication[] =
    "#    For replication (CREATE SUBSCRIPTION, pg_recvlogical), with PostgreSQL 11 and later:\n"
    "#    in the parameter group rds.logical_replication=1 and rds.iam_auth_for_replication=1, "
    "and\n"
    "#      ALTER USER %s WITH REPLICATION;\n"
    "#    With the second parameter on, a user who has rds_iam and rds_replication must use IAM "
    "for\n"
    "#    replication. A subscription is the subscriber's own client: its CONNECTION string names "
    "a\n"
    "#    passfile that an agent of that server's account keeps: the settings below, as words, "
    "with\n"
    "#    passfile=/run/rds-iam/ACCOUNT/%s, as in 3.\n"
    "#\n";

static const char agent[] =
    "\n"
    "# 3. The agent that fills the passfile. Your own, with systemd, for a passfile in\n"
    "#    $XDG_RUNTIME_DIR/" RIA_AGENT_DIRECTORY " (%s):\n"
    "#      systemctl --user enable --now %srds-iam-agent.service\n"
    "#    Without systemd: rds-iam-agent\n"
    "#    For the account of a daemon, as root; the entry in that account's ~/.pg_service.conf "
    "then\n"
    "#    says passfile=/run/rds-iam/ACCOUNT/%s\n"
    "%s"
    "#      systemctl enable --now rds-iam-agent@ACCOUNT.service\n"
    "#\n";

static const char environment[] =
    "# 4. psql service=%s\n"
    "#    For other programs, set the environment. Some drivers (Ruby's pg, pgcli) ignore the\n"
    "#    sslmode of a service that they are given as service=, and a program that reads the\n"
    "#    passfile by PGPASSFILE has no sslmode: it sends the token to a server that it does not\n"
    "#    verify. ODBC and JDBC ignore PGSSLMODE: write SSLmode=verify-full into the data source,\n"
    "#    and sslmode=verify-full&sslrootcert=FILE into the URL.\n";

#define BELT "PGSSLMODE=verify-full PGGSSENCMODE=disable\n"

static const char kubernetes[] =
    "# In Kubernetes the agent is a container beside the client's, as in the pod of\n"
    "#   " RIA_SIDECAR "\n"
    "# There the entry, which both see as PGSERVICEFILE, says passfile=/tokens/run/%s\n";

/* Both empty where systemd finds the units by their names. */
#define LINK_UNIT "#      systemctl link " RIA_UNITS "/system/rds-iam-agent@.service\n"
static const char *const user_units = sizeof(RIA_UNITS) > 1 ? RIA_UNITS "/user/" : "";
static const char *const link_unit = sizeof(RIA_UNITS) > 1 ? LINK_UNIT : "";

/* In a session of systemd's there would be one; su and cron have none. */
static const char advice[] = "not as above: XDG_RUNTIME_DIR is not set here, so log in and\n"
                             "#    run this again, or leave systemd out";

/* -- values ---------------------------------------------------------------------------------- */

/* libpq knows no quoting in a service file: what stands behind the = is the value. */
static bool is_writable(const char *value)
{
    size_t len = strlen(value);
    for (const char *at = value; *at != '\0'; at++) {
        if (ria_ascii_is_control(*at)) {
            return false;
        }
    }
    return len > 0 && !ria_ascii_is_space(value[0]) && !ria_ascii_is_space(value[len - 1]);
}

/* RIA_GO_ON, or the exit status. */
static int check_values(const char *command, const struct setup *setup)
{
    const struct {
        const char *option;
        const char *value;
    } values[] = {
        {"hostname", setup->hostname},
        {"username", setup->username},
        {"dbname", setup->dbname},
        {"ca", setup->ca},
        {"service", setup->service},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (!is_writable(values[i].value) ||
            strlen(values[i].value) > RIA_SERVICE_LINE_OLD - sizeof("sslrootcert=")) {
            return ria_usage(
                command,
                "--%s has blanks at an end, control characters or too many bytes for a line of "
                "pg_service.conf",
                values[i].option);
        }
    }
    const char *colon = strchr(setup->hostname, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL) { /* an IPv6 address has more of them */
        return ria_usage(
            command, "--hostname \"%s\" has a port in it; write it as --port", setup->hostname);
    }
    if (strpbrk(setup->service, "]/") != NULL) {
        return ria_usage(command, "--service must not hold ] or /");
    }
    if (*setup->ca != '/') {
        return ria_usage(command, "--ca must begin with /: programs run in any directory");
    }
    unsigned port;
    return ria_options_port(command, setup->port, &port);
}

/* Where rds-iam-agent keeps passfiles unless it is told otherwise. */
static bool find_passfile(const struct ria_world *world, struct setup *setup)
{
    struct ria_agent_directory directory;
    if (!ria_agent_find_directory(world, &directory)) {
        (void)fputs(
            "rds-iam: neither XDG_RUNTIME_DIR nor HOME names a directory; set one\n", stderr);
        return false;
    }
    if (!directory.is_runtime && strcmp(directory.base, "/") == 0 && geteuid() != 0) {
        (void)fputs(
            "rds-iam: HOME is /, where you have no directory of your own; set HOME, or "
            "XDG_RUNTIME_DIR\n",
            stderr);
        return false;
    }
    setup->has_runtime = directory.is_runtime;
    int len = snprintf(
        setup->passfile,
        sizeof(setup->passfile),
        "%s/%s/%s",
        directory.base,
        directory.below,
        setup->service);
    if (len < 0 || len > RIA_SERVICE_LINE_OLD - (int)sizeof("passfile=")) {
        (void)fputs("rds-iam: the passfile's path is too long for pg_service.conf\n", stderr);
        return false;
    }
    return true;
}

/* A name as SQL has it: quoted unless it is plain. */
static void quote(const char *name, struct ria_buf *out)
{
    bool is_plain = !ria_ascii_is_digit(*name) &&
                    strspn(name, RIA_LOWER_LETTERS RIA_DIGITS "_") == strlen(name);
    if (is_plain) {
        ria_buf_add_text(out, name);
        return;
    }
    ria_buf_add_char(out, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"') {
            ria_buf_add_char(out, '"');
        }
        ria_buf_add_char(out, *name);
    }
    ria_buf_add_char(out, '"');
}

/* How a variable's value is written. */
enum quoting {
    SHELL, /* without quotes, each special character behind a backslash */
    UNIT,  /* between double quotes in a systemd unit, where % begins a specifier */
};

static void setup_postgres_add_value(
    struct ria_buf *text,
    const char *before,
    const char *value,
    enum quoting how,
    const char *after)
{
    ria_buf_add_text(text, before);
    for (const char *at = value; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        bool is_plain = ria_ascii_is_alnum(*at) || byte >= 0x80 || strchr("_-+./:,@", byte) != NULL;
        if (how == SHELL ? !is_plain : byte == '"' || byte == '\\') {
            ria_buf_add_char(text, '\\');
        } else if (how == UNIT && byte == '%') {
            ria_buf_add_char(text, '%');
        }
        ria_buf_add_char(text, *at);
    }
    ria_buf_add_text(text, after);
}

/* -- the whole ------------------------------------------------------------------------------- */

static void setup_postgres_add_entry(const struct setup *setup, struct ria_buf *text)
{
    ria_buf_addf(
        text,
        "# 2. In ~/.pg_service.conf:\n"
        "[%s]\nhost=%s\nport=%s\nuser=%s\ndbname=%s\nsslmode=verify-full\nsslrootcert=%s\n"
        "# With a Kerberos ticket GSS comes before TLS otherwise. Libpq 10 and 11 and pgx know no\n"
        "# gssencmode: remove the line for them.\n"
        "gssencmode=disable\n"
        "passfile=%s\n",
        setup->service,
        setup->hostname,
        setup->port,
        setup->username,
        setup->dbname,
        setup->ca,
        setup->passfile);
}

/* What a client needs that does not read the whole entry. */
static void setup_postgres_add_environment(const struct setup *setup, struct ria_buf *text)
{
    ria_buf_addf(text, environment, setup->service);
    ria_buf_add_text(text, "#    In a shell:\n#      export " BELT);
    setup_postgres_add_value(text, "#      export PGSERVICE=", setup->service, SHELL, "\n");
    setup_postgres_add_value(text, "#      export PGSSLROOTCERT=", setup->ca, SHELL, "\n");
    ria_buf_add_text(text, "#    In a systemd unit:\n#      Environment=" BELT);
    setup_postgres_add_value(text, "#      Environment=\"PGSERVICE=", setup->service, UNIT, "\"\n");
    setup_postgres_add_value(
        text, "#      Environment=\"PGSSLROOTCERT=", setup->ca, UNIT, "\"\n#\n");
}

static bool fits(const char *text)
{
    for (; *text != '\0'; text += strcspn(text, "\n") + 1) {
        if (strcspn(text, "\n") >= RIA_SERVICE_LINE_OLD) {
            return false;
        }
    }
    return true;
}

static int print_setup(const struct setup *setup)
{
    RIA_AUTO(buf) user = {.max = 1024};
    RIA_AUTO(buf) text = {.max = TEXT_MAX};
    quote(setup->username, &user);
    const char *name = ria_buf_text(&user);
    if (name != NULL) {
        ria_buf_addf(
            &text,
            "# 1. In the database, as its administrator, once:\n"
            "#      CREATE USER %s;\n"
            "#      GRANT rds_iam TO %s;\n"
            "#\n",
            name,
            name);
        ria_buf_addf(&text, replication, name, setup->service);
    }
    setup_postgres_add_entry(setup, &text);
    ria_buf_addf(
        &text,
        agent,
        setup->has_runtime ? "as above" : advice,
        user_units,
        setup->service,
        link_unit);
    setup_postgres_add_environment(setup, &text);
    ria_buf_addf(&text, kubernetes, setup->service);
    const char *whole = name == NULL ? NULL : ria_buf_text(&text);
    if (whole == NULL) {
        return ria_out_of_memory();
    }
    if (!fits(whole)) {
        (void)fprintf(
            stderr,
            "rds-iam: libpq 10 to 13 reads lines of %d bytes, comments included; give a shorter "
            "--service, --username or --ca\n",
            RIA_SERVICE_LINE_OLD);
        return RIA_EXIT_FAILED;
    }
    return ria_print(whole);
}

int ria_setup_postgres(int argc, char **argv, const struct ria_world *world)
{
    struct setup setup = {.port = "5432", .service = "rds"};
    const struct ria_option options[] = {
        {.name = "hostname", .value = &setup.hostname, .is_required = true},
        {.name = "username", .value = &setup.username, .is_required = true},
        {.name = "dbname", .value = &setup.dbname, .is_required = true},
        {.name = "ca", .value = &setup.ca, .is_required = true},
        {.name = "port", .value = &setup.port},
        {.name = "service", .value = &setup.service},
    };
    int status = ria_options_parse(argc, argv, options, sizeof(options) / sizeof(options[0]), help);
    if (status != RIA_GO_ON) {
        return status;
    }
    status = check_values(argv[0], &setup);
    if (status != RIA_GO_ON) {
        return status;
    }
    if (access(setup.ca, R_OK) != 0) { /* it may be for another machine */
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "--ca %s cannot be read here, and without it no server is verified",
            setup.ca);
    }
    return find_passfile(world, &setup) ? print_setup(&setup) : RIA_EXIT_FAILED;
}
