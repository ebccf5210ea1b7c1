/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup postgres: prints an entry for pg_service.conf, with all other steps as comments, so
 * that the user can append the whole output to that file. Rejects values that libpq cannot read,
 * and values that make a line longer than 254 bytes, because libpq's limit also applies to
 * comments. */
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
    "Prints an entry for ~/.pg_service.conf. Comments in it describe the other steps: the SQL for "
    "the\n"
    "database user, replication, the agent's service, and the environment of clients. Append it "
    "with:\n"
    "\n"
    "  rds-iam setup postgres ... >>~/.pg_service.conf\n"
    "\n"
    "  --hostname HOST   the RDS endpoint\n"
    "  --port PORT       its port; default: 5432\n"
    "  --username USER   the database user\n"
    "  --dbname NAME     the database\n"
    "  --ca FILE         Amazon's CA bundle (global-bundle.pem), as an absolute path\n"
    "  --service NAME    the name of the entry; default: rds\n"
    "  --help            print this text\n"
    "\n"
    "exit status: 0 (success), 1 (failure, with one message on stderr), 2 (usage error)\n";

struct setup {
    const char *hostname;
    const char *port;
    const char *username;
    const char *dbname;
    const char *ca;
    const char *service;
    char passfile[PATH_MAX];
    bool has_runtime; /* the passfile is in $XDG_RUNTIME_DIR, where the user's unit expects it */
};

/* -- the texts ------------------------------------------------------------------------------- */

static const char replication[] =
    "#    For replication (CREATE SUBSCRIPTION, pg_recvlogical), with PostgreSQL 11 and later, "
    "set\n"
    "#    rds.logical_replication=1 and rds.iam_auth_for_replication=1 in the parameter group, and "
    "run:\n"
    "#      ALTER USER %s WITH REPLICATION;\n"
    "#    With rds.iam_auth_for_replication=1, a user who has rds_iam and rds_replication must "
    "use\n"
    "#    IAM for replication. For a subscription, the subscriber's server is the client, so the "
    "agent\n"
    "#    must run for the account of that server (see 3). Write the settings below into the\n"
    "#    CONNECTION string, with passfile=/run/rds-iam/ACCOUNT/%s\n"
    "#\n";

static const char agent[] =
    "\n"
    "# 3. Start the agent that fills the passfile. With systemd, for your own account and a "
    "passfile "
    "in\n"
    "#    $XDG_RUNTIME_DIR/" RIA_AGENT_DIRECTORY " (%s), run:\n"
    "#      systemctl --user enable --now %srds-iam-agent.service\n"
    "#    Without systemd, run: rds-iam-agent\n"
    "#    For the account of a daemon, write passfile=/run/rds-iam/ACCOUNT/%s\n"
    "#    into the entry in that account's ~/.pg_service.conf, and run as root:\n"
    "%s"
    "#      systemctl enable --now rds-iam-agent@ACCOUNT.service\n"
    "#\n";

static const char environment[] =
    "# 4. Connect: psql service=%s\n"
    "#    For other programs, set the environment variables below. Some drivers (Ruby's pg, "
    "pgcli)\n"
    "#    ignore the sslmode of a service that they get as service=, and a program that finds the\n"
    "#    passfile with PGPASSFILE has no sslmode: without these variables, they send the token to "
    "a\n"
    "#    server that they do not verify. ODBC and JDBC ignore PGSSLMODE: for ODBC, write\n"
    "#    SSLmode=verify-full into the data source; for JDBC, write\n"
    "#    sslmode=verify-full&sslrootcert=FILE into the URL.\n";

#define TLS_VARIABLES "PGSSLMODE=verify-full PGGSSENCMODE=disable\n"

static const char kubernetes[] =
    "# In Kubernetes, run the agent as a sidecar container of the client, as in this example:\n"
    "#   " RIA_SIDECAR "\n"
    "# There, write passfile=/tokens/run/%s\n"
    "# into the entry, and set PGSERVICEFILE to the file with the entry in both containers.\n";

/* user_units and link_unit are empty if systemd finds the units by name. */
#define LINK_UNIT "#      systemctl link " RIA_UNITS "/system/rds-iam-agent@.service\n"
static const char *const user_units = sizeof(RIA_UNITS) > 1 ? RIA_UNITS "/user/" : "";
static const char *const link_unit = sizeof(RIA_UNITS) > 1 ? LINK_UNIT : "";

/* Printed if XDG_RUNTIME_DIR is not set. A login session of systemd sets it; su and cron do not. */
static const char advice[] = "not the one above: XDG_RUNTIME_DIR is not set here, so log in\n"
                             "#    and run this command again, or use no systemd";

/* -- values ---------------------------------------------------------------------------------- */

/* Returns whether a value can be written in a service file. libpq supports no quoting in a service
 * file; the value is all the text after the = sign. */
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

/* Returns RIA_CONTINUE, or prints a usage error and returns the exit status. */
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
                "--%s is too long for a line of pg_service.conf, begins or ends with a blank, or "
                "contains control characters",
                values[i].option);
        }
    }
    const char *colon = strchr(setup->hostname, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL) { /* an IPv6 address has more colons */
        return ria_usage(command, "--hostname \"%s\" contains a port; use --port", setup->hostname);
    }
    if (strpbrk(setup->service, "]/") != NULL) {
        return ria_usage(command, "--service must not contain ] or /");
    }
    if (*setup->ca != '/') {
        return ria_usage(command, "--ca must begin with /, because programs run in any directory");
    }
    unsigned port;
    return ria_options_port(command, setup->port, &port);
}

/* Writes the path of the passfile in the default directory of rds-iam-agent. */
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
            "rds-iam: HOME is /, where you cannot have a directory of your own; set HOME or "
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

/* Appends a name as an SQL identifier, with quotes if they are needed. */
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

/* How to quote a variable's value. */
enum quoting {
    SHELL, /* for a shell, without quotes: a backslash before each special character */
    UNIT,  /* within double quotes in a systemd unit, where % begins a specifier */
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
        "# Without gssencmode=disable, a client with a Kerberos ticket uses GSS instead of TLS.\n"
        "# libpq 10 and 11 and pgx do not know gssencmode: remove the line for them.\n"
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

/* Appends the environment variables for a client that does not use all settings of the entry. */
static void setup_postgres_add_environment(const struct setup *setup, struct ria_buf *text)
{
    ria_buf_addf(text, environment, setup->service);
    ria_buf_add_text(text, "#    In a shell:\n#      export " TLS_VARIABLES);
    setup_postgres_add_value(text, "#      export PGSERVICE=", setup->service, SHELL, "\n");
    setup_postgres_add_value(text, "#      export PGSSLROOTCERT=", setup->ca, SHELL, "\n");
    ria_buf_add_text(text, "#    In a systemd unit:\n#      Environment=" TLS_VARIABLES);
    setup_postgres_add_value(text, "#      Environment=\"PGSERVICE=", setup->service, UNIT, "\"\n");
    setup_postgres_add_value(
        text, "#      Environment=\"PGSSLROOTCERT=", setup->ca, UNIT, "\"\n#\n");
}

/* Returns whether each line is within the limit of libpq 10 to 13. */
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
            "rds-iam: libpq 10 to 13 reads lines of at most %d bytes, including comments; use a "
            "shorter --service, --username or --ca\n",
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
    if (status != RIA_CONTINUE) {
        return status;
    }
    status = check_values(argv[0], &setup);
    if (status != RIA_CONTINUE) {
        return status;
    }
    if (access(setup.ca, R_OK) != 0) { /* the entry may be for another machine */
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "--ca %s cannot be read here, so clients here cannot verify the server; copy the file",
            setup.ca);
    }
    return find_passfile(world, &setup) ? print_setup(&setup) : RIA_EXIT_FAILED;
}
