/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup postgres: prints an entry for pg_service.conf with the other steps as comments, or
 * writes the entry into the user's file, or prints what one program needs. Rejects values that
 * libpq cannot read. Also rejects values that make a line, with its newline, longer than 254 bytes.
 * The limit also applies to comments, because libpq limits the length of comments too. Does not
 * change a service that already exists. */
#include "tool/setup_postgres.h"

#include "cli/command_line.h"
#include "tool/part.h"
#include "tool/setup_files.h"
#include "tool/tool.h"

#include "passfile/agent_directory.h"
#include "service/service_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct ria_option options[] = {
    {"hostname", "HOST", "the RDS endpoint", RIA_VALUE(struct ria_postgres_setup, hostname)},
    {"port", "PORT", "its port; default: 5432", RIA_VALUE(struct ria_postgres_setup, port)},
    {"username", "USER", "the database user", RIA_VALUE(struct ria_postgres_setup, username)},
    {"dbname", "NAME", "the database", RIA_VALUE(struct ria_postgres_setup, dbname)},
    {"ca",
     "FILE",
     "the root certificates, as an absolute path; default: the file that rds-iam setup ca has "
     "installed for HOST",
     RIA_VALUE(struct ria_postgres_setup, ca_given)},
    {"service",
     "NAME",
     "the name of the entry; default: rds",
     RIA_VALUE(struct ria_postgres_setup, service)},
    {"write",
     NULL,
     "add the entry to ~/.pg_service.conf, or to the file that PGSERVICEFILE names. A second run "
     "changes nothing. The old file is copied to FILE.rds-iam-backup (.1, .2 ... if that name "
     "exists). A service that exists with other contents is refused.",
     RIA_FLAG(struct ria_postgres_setup, is_written)},
    {"program",
     "NAME",
     "print what this program needs (psycopg, Rails, JDBC, ODBC, PHP, pgcli ...), or what to write "
     "for \"environment\", \"systemd\", \"kubernetes\" or \"replication\"; --program list prints "
     "all "
     "names",
     RIA_VALUE(struct ria_postgres_setup, program)},
};

static const struct ria_hint hints[] = {{"--ssl-ca", "write --ca"}, {0}};

static const struct ria_syntax setup_postgres_syntax = {
    .usage = "rds-iam setup postgres [--hostname HOST --username USER --dbname NAME]\n"
             "                       [--write | --program NAME] [OPTION...]\n",
    .about = "Prints an entry for ~/.pg_service.conf. Comments in it name the other steps.\n"
             "With --write, adds the entry to the file.\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
    .hints = hints,
    .notes = "If none of --hostname, --username and --dbname is given, the output has\n"
             "ENDPOINT, USER and DATABASE in their places. --write needs all three.\n",
};

/* -- the texts ------------------------------------------------------------------------------- */

static const char short_text[] =
    "@FIRST@"
    "# 1. In the database, as its administrator, once:\n"
    "#      CREATE USER @SQLUSER@;\n"
    "#      GRANT rds_iam TO @SQLUSER@;\n"
    "# 2. In ~/.pg_service.conf (this command adds it, with --write):\n"
    "@ENTRY@"
    "# 3. Start the agent, which fills the passfile:\n"
    "@START@"
    "# 4. Connect: psql @CONNECT@\n"
    "#    Without the agent: rds-iam exec -- psql @CONNECT@\n"
    "# What another program needs: rds-iam setup postgres --program NAME, where NAME\n"
    "# is environment, systemd, kubernetes, replication, psycopg, Rails, JDBC ...;\n"
    "# --program list prints the other names.\n";

static const char written_text[] = "\n# Start the agent, which fills the passfile:\n"
                                   "@START@"
                                   "# Then: psql @CONNECT@\n";

/* -- values ---------------------------------------------------------------------------------- */

/* Returns whether a value can be written in a service file, where libpq supports no quotes. */
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

/* Checks the values of the options. Returns RIA_CONTINUE, or prints a usage error and returns the
 * exit status. */
static int check_values(const char *command, const struct ria_postgres_setup *setup)
{
    const struct {
        const char *option;
        const char *value;
    } values[] = {
        {"hostname", setup->hostname},
        {"username", setup->username},
        {"dbname", setup->dbname},
        {"ca", setup->ca_given},
        {"service", setup->service},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (values[i].value != NULL &&
            (!is_writable(values[i].value) ||
             strlen(values[i].value) > RIA_SERVICE_LINE_OLD - sizeof("sslrootcert="))) {
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
    if (setup->hostname[strlen(setup->hostname) - 1] == '.') {
        return ria_usage(
            command,
            "--hostname \"%s\" ends with a dot, which the server's certificate does not contain; "
            "remove the dot",
            setup->hostname);
    }
    if (strpbrk(setup->service, "]/") != NULL) {
        return ria_usage(command, "--service must not contain ] or /");
    }
    if (*setup->service == '.' || ria_agent_owns_name(setup->service)) {
        return ria_usage(
            command,
            "rds-iam-agent fills no passfile called \"%s\"; use another --service",
            setup->service);
    }
    if (setup->ca_given != NULL && *setup->ca_given != '/') {
        return ria_usage(command, "--ca must begin with /, because programs run in any directory");
    }
    unsigned port;
    return ria_options_port(command, setup->port, &port);
}

/* Writes the path of the passfile in the default directory of rds-iam-agent. */
static bool find_passfile(struct ria_postgres_setup *setup)
{
    struct ria_agent_directory directory;
    if (!ria_agent_find_directory(setup->world, &directory)) {
        return ria_fail(
            &setup->err,
            RIA_E_CONFIG,
            "neither XDG_RUNTIME_DIR nor HOME names a directory; set one of them");
    }
    if (!directory.is_runtime && strcmp(directory.base, "/") == 0 && geteuid() != 0) {
        return ria_fail(
            &setup->err,
            RIA_E_CONFIG,
            "HOME is /, where you cannot have a directory of your own; set HOME or "
            "XDG_RUNTIME_DIR");
    }
    setup->has_runtime = directory.is_runtime;
    int len = snprintf(
        setup->passfile,
        sizeof(setup->passfile),
        "%s/%s/%s",
        directory.base,
        directory.below,
        setup->service);
    if (!is_writable(setup->passfile)) {
        return ria_fail(
            &setup->err,
            RIA_E_CONFIG,
            "the passfile's path %s contains a control character, which pg_service.conf cannot "
            "contain; set XDG_RUNTIME_DIR or HOME to another directory",
            setup->passfile);
    }
    return (len > 0 && len <= RIA_SERVICE_LINE_OLD - (int)sizeof("passfile=")) ||
           ria_fail(
               &setup->err, RIA_E_CONFIG, "the passfile's path is too long for pg_service.conf");
}

/* Returns whether the certificate chain of the host ends at one of Amazon's public roots. Decides
 * this by the name of the endpoint to which the host leads. Logs a warning if rds-iam makes no
 * token for the host, or if clients will reject its server. */
static bool has_public_ca(const struct ria_postgres_setup *setup)
{
    unsigned port = ria_port_parse(setup->port);
    struct ria_login_certificate certificate = {0};
    struct ria_error err;
    const struct ria_login login = {
        .host = setup->hostname,
        .port = port,
        .user = setup->username,
        .channel = RIA_CHANNEL_VERIFIED,
        .is_service = true,
    };
    if (ria_login_certificate(&login, setup->world, &certificate, &err) == RIA_FOUND) {
        if (!ria_service_check_host(&login, setup->world, &err)) {
            ria_world_log(setup->world, RIA_LOG_WARNING, "%s", err.text);
        }
        return certificate.is_public;
    }
    ria_world_log(setup->world, RIA_LOG_WARNING, "%s", err.text);
    return ria_host_has_public_ca(setup->hostname);
}

/* Writes the path of the root certificates to setup->ca. `has_host` is true if the user has given a
 * host. */
static bool setup_postgres_find_ca(struct ria_postgres_setup *setup, bool has_host)
{
    enum ria_ca_kind kind = has_host && has_public_ca(setup) ? RIA_CA_PUBLIC : RIA_CA_RDS;
    const char *name = ria_ca_store_names[kind];
    (void)ria_text_format(
        setup->system_ca, sizeof(setup->system_ca), RIA_CA_SYSTEM_DIRECTORY "/%s", name);
    if (setup->ca_given == NULL) {
        return ria_ca_store_path(setup->world, kind, setup->ca, &setup->has_ca, &setup->err);
    }
    (void)ria_text_copy(setup->system_ca, sizeof(setup->system_ca), setup->ca_given);
    setup->has_ca = true;
    (void)ria_text_copy(setup->ca, sizeof(setup->ca), setup->ca_given);
    if (access(setup->ca, R_OK) == 0) {
        return true;
    }
    if (setup->is_written) {
        return ria_fail(
            &setup->err,
            RIA_E_CONFIG,
            "--ca %s: cannot be read, so no entry was written; name Amazon's bundle",
            setup->ca);
    }
    ria_world_log(/* the entry may be for another machine */
                  setup->world,
                  RIA_LOG_WARNING,
                  "--ca %s" RIA_CA_UNREADABLE,
                  setup->ca);
    return true;
}

/* Returns whether each line is within the limit of libpq 10 to 13. */
static bool fits(const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        if (len >= RIA_SERVICE_LINE_OLD) {
            return false;
        }
        text += len + (text[len] == '\n' ? 1 : 0);
    }
    return true;
}

/* -- the command ----------------------------------------------------------------------------- */

static int setup_postgres_fail(const struct ria_postgres_setup *setup)
{
    return ria_failure("%s", setup->err.text);
}

static int setup_postgres_write(
    struct ria_postgres_setup *setup, const char *entry, const char *next)
{
    const struct ria_setup_value settings[] = {
        {"host", setup->hostname, false},
        {"port", setup->port, false},
        {"user", setup->username, false},
        {"dbname", setup->dbname, false},
        {"sslmode", "verify-full", false},
        {"sslrootcert", setup->ca, false},
        {"gssencmode", "disable", false},
        {"passfile", setup->passfile, false},
        {0},
    };
    const struct ria_setup_section section = {
        .name = setup->service, .settings = settings, .text = entry, .next = next};
    if (!setup->has_ca) {
        char searched[RIA_CA_SEARCHED_SIZE];
        ria_ca_store_searched(setup->world, searched);
        (void)ria_fail(
            &setup->err,
            RIA_E_CONFIG,
            "no root certificates are in %s, so no entry was written; run: rds-iam setup ca",
            searched);
        return setup_postgres_fail(setup);
    }
    return ria_setup_write_service(&section, setup->world, &setup->err)
               ? ria_print("")
               : setup_postgres_fail(setup);
}

static int write_or_print(
    struct ria_postgres_setup *setup, const struct ria_setup_value values[RIA_POSTGRES_VALUES])
{
    RIA_AUTO(buf) entry = {.max = RIA_SETUP_TEXT_MAX};
    RIA_AUTO(buf) text = {.max = RIA_SETUP_TEXT_MAX};
    ria_setup_expand(ria_postgres_entry_text, values, &entry);
    ria_setup_expand(setup->is_written ? written_text : short_text, values, &text);
    const char *whole = ria_buf_text(&text);
    const char *part = ria_buf_text(&entry);
    if (whole == NULL || part == NULL) {
        return ria_out_of_memory();
    }
    if (!fits(whole) || !fits(part)) {
        return ria_failure(
            "libpq 10 to 13 reads lines of at most %d bytes, including comments; use a shorter "
            "--service or --username",
            RIA_SERVICE_LINE_OLD);
    }
    return setup->is_written ? setup_postgres_write(setup, part, whole) : ria_print(whole);
}

static int setup_postgres_run(struct ria_postgres_setup *setup, const char *command)
{
    struct ria_setup_value values[RIA_POSTGRES_VALUES];
    RIA_AUTO(postgres_texts) texts;
    if (!ria_postgres_texts_make(setup, &texts)) {
        return ria_out_of_memory();
    }
    ria_postgres_values_fill(setup, &texts, values);
    return setup->program != NULL
               ? ria_setup_print_program(
                     command, setup->program, ria_setup_postgres_programs, values)
               : write_or_print(setup, values);
}

/* Puts a placeholder in the place of each missing value. But missing values are an error in two
 * cases: with --write; and without --program if some of the values are given. The message names all
 * missing values. */
static int fill_missing(const char *command, struct ria_postgres_setup *setup)
{
    const struct {
        const char **value;
        const char *option;
        const char *placeholder;
    } required[] = {
        {&setup->hostname, "--hostname", "ENDPOINT"},
        {&setup->username, "--username", "USER"},
        {&setup->dbname, "--dbname", "DATABASE"},
    };
    const size_t count = sizeof(required) / sizeof(required[0]);
    char missing[64] = "";
    size_t missing_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (*required[i].value == NULL) {
            size_t len = strlen(missing);
            (void)ria_text_format(
                missing + len,
                sizeof(missing) - len,
                "%s%s",
                len == 0 ? "" : ", ",
                required[i].option);
            *required[i].value = required[i].placeholder;
            missing_count++;
        }
    }
    bool is_needed = setup->is_written || (setup->program == NULL && missing_count < count);
    return missing_count > 0 && is_needed ? ria_usage(command, "missing: %s", missing)
                                          : RIA_CONTINUE;
}

int ria_setup_postgres(int argc, char **argv, const struct ria_world *world)
{
    struct ria_postgres_setup setup = {.world = world, .port = "5432", .service = "rds"};
    int status = ria_options_parse(argc, argv, &setup_postgres_syntax, &setup);
    bool has_host = setup.hostname != NULL;
    if (status == RIA_CONTINUE && setup.is_written && setup.program != NULL) {
        status = ria_usage(argv[0], "--write and --program cannot be used together");
    }
    status = status == RIA_CONTINUE ? fill_missing(argv[0], &setup) : status;
    status = status == RIA_CONTINUE ? check_values(argv[0], &setup) : status;
    if (status != RIA_CONTINUE) {
        return status;
    }
    bool is_ready = find_passfile(&setup) && setup_postgres_find_ca(&setup, has_host);
    ria_part_warn(RIA_PART_POSTGRESQL, world);
    return is_ready ? setup_postgres_run(&setup, argv[0]) : setup_postgres_fail(&setup);
}
