/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup sql: prints the SQL statements that create a database user who logs in with IAM
 * tokens. On request, also prints the statements that grant this user the rights for reading and
 * for replication. Every name is a quoted identifier (sql_name.h). Rejects a name that the server
 * would reject or would change when it stores the name. */
#include "cli/command_line.h"
#include "tool/sql_name.h"
#include "tool/tool.h"

enum {
    SQL_MAX = 16 * 1024
};

struct user_setup {
    enum ria_engine engine;
    const char *engine_given;
    const char *username;
    const char *dbname; /* or NULL */
    bool has_replication;
};

static const struct ria_option options[] = {
    {"username",
     "USER",
     "the database user; IAM policies and tokens distinguish upper and lower case in this name",
     RIA_REQUIRED(struct user_setup, username)},
    {"engine",
     "ENGINE",
     "mysql, mariadb, postgres or postgresql; for Aurora also aurora-mysql or "
     "aurora-postgresql; not for Aurora DSQL",
     RIA_REQUIRED(struct user_setup, engine_given)},
    {"dbname",
     "NAME",
     "also let the user read all tables of this database (PostgreSQL: those in the schema public)",
     RIA_VALUE(struct user_setup, dbname)},
    {"replication",
     NULL,
     "also let the user receive changes: logical replication (PostgreSQL), the binary log (MySQL, "
     "MariaDB)",
     RIA_FLAG(struct user_setup, has_replication)},
};

static const struct ria_syntax setup_sql_syntax = {
    .usage = "rds-iam setup sql --username USER --engine ENGINE [OPTION...]\n",
    .about = "Prints the SQL statements that create a database user who logs in with IAM\n"
             "tokens. Run them once, as the master user. The user gets no rights except those\n"
             "that the options name.\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
};

/* -- PostgreSQL ------------------------------------------------------------------------------ */

static void add_postgres_user(const struct user_setup *setup, const char *user, struct ria_buf *out)
{
    ria_buf_add_text(
        out,
        setup->dbname == NULL
            ? "-- Run this as the master user, in any database of the server.\n"
            : "-- Run this as the master user, connected to the database that GRANT CONNECT names: "
              "rights\n"
              "-- on schemas and tables apply to the database of the connection.\n");
    ria_buf_addf(out, "CREATE USER %s;\nGRANT rds_iam TO %s;\n", user, user);
}

static void add_postgres_read(const char *user, const char *database, struct ria_buf *out)
{
    ria_buf_addf(
        out,
        "\n"
        "-- To read the tables that exist now. For another schema, replace public.\n"
        "GRANT CONNECT ON DATABASE %s TO %s;\n"
        "GRANT USAGE ON SCHEMA public TO %s;\n"
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO %s;\n"
        "-- Also for the tables that the role which runs the statement creates later:\n"
        "-- ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO %s;\n",
        database,
        user,
        user,
        user,
        user);
}

static void add_postgres_replication(const char *user, struct ria_buf *out)
{
    ria_buf_addf(
        out,
        "\n"
        "-- For logical replication. PostgreSQL 11 or later also needs these settings in its "
        "parameter\n"
        "-- group, or it refuses a token for replication: rds.logical_replication = 1 and\n"
        "-- rds.iam_auth_for_replication = 1\n"
        "GRANT rds_replication TO %s;\n"
        "-- If the server has no role rds_replication, run this instead:\n"
        "-- ALTER USER %s WITH REPLICATION;\n",
        user,
        user);
}

static void add_postgres(const struct user_setup *setup, const char *user, struct ria_buf *out)
{
    RIA_AUTO(buf) database = {.max = SQL_MAX};
    add_postgres_user(setup, user, out);
    if (setup->dbname != NULL) {
        ria_sql_name_add(setup->engine, setup->dbname, &database);
        const char *name = ria_buf_text(&database);
        add_postgres_read(user, name == NULL ? "" : name, out);
        out->failed |= name == NULL;
    }
    if (setup->has_replication) {
        add_postgres_replication(user, out);
    }
}

/* -- MySQL and MariaDB ----------------------------------------------------------------------- */

static void add_mysql(const struct user_setup *setup, const char *user, struct ria_buf *out)
{
    ria_buf_addf(
        out,
        "-- Run this as the master user.\n"
        "CREATE USER %s@`%%` IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL;\n",
        user);
    if (setup->dbname != NULL) {
        ria_buf_add_text(
            out,
            "\n"
            "-- To read the tables of one database. In the name of a database, GRANT takes _ and % "
            "for\n"
            "-- wildcards, so a backslash precedes them.\n"
            "GRANT SELECT ON ");
        ria_sql_name_add_pattern(setup->dbname, out);
        ria_buf_addf(out, ".* TO %s@`%%`;\n", user);
    }
    if (setup->has_replication) {
        ria_buf_addf(
            out,
            "\n"
            "-- To read the binary log, which contains the changes of all databases of the server. "
            "This needs\n"
            "-- automated backups, and binlog_format = ROW in the parameter group.\n"
            "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO %s@`%%`;\n",
            user);
    }
}

/* -- the command ----------------------------------------------------------------------------- */

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80) {
        text++;
    }
    return *text == '\0';
}

/* Adds a statement that sets the client's encoding to UTF-8, because the names are in UTF-8,
 * whatever the locale is. */
static void add_encoding(const struct user_setup *setup, struct ria_buf *out)
{
    if (!is_ascii(setup->username) || (setup->dbname != NULL && !is_ascii(setup->dbname))) {
        ria_buf_add_text(
            out,
            setup->engine == RIA_ENGINE_POSTGRES ? "SET client_encoding = 'UTF8';\n"
                                                 : "SET NAMES utf8mb4;\n");
    }
}

static int print_sql(const struct user_setup *setup)
{
    RIA_AUTO(buf) user = {.max = SQL_MAX};
    RIA_AUTO(buf) text = {.max = SQL_MAX};
    ria_sql_name_add(setup->engine, setup->username, &user);
    const char *name = ria_buf_text(&user);
    if (name == NULL) {
        return ria_out_of_memory();
    }
    add_encoding(setup, &text);
    if (setup->engine == RIA_ENGINE_POSTGRES) {
        add_postgres(setup, name, &text);
    } else {
        add_mysql(setup, name, &text);
    }
    const char *whole = ria_buf_text(&text);
    return whole == NULL ? ria_out_of_memory() : ria_print(whole);
}

static int setup_sql_check_name(
    const char *command, const struct user_setup *setup, enum ria_name_kind kind)
{
    static const char *const names[RIA_NAME_KINDS] = {"username", "dbname"};
    const char *name = kind == RIA_NAME_USER ? setup->username : setup->dbname;
    const char *fault = name == NULL ? NULL : ria_sql_name_fault(setup->engine, kind, name);
    return fault == NULL
               ? RIA_CONTINUE
               : ria_usage(command, "the name in --%s %s; give another name", names[kind], fault);
}

int ria_setup_sql(int argc, char **argv, const struct ria_world *world)
{
    (void)world;
    struct user_setup setup = {0};
    int status = ria_options_parse(argc, argv, &setup_sql_syntax, &setup);
    if (status != RIA_CONTINUE) {
        return status;
    }
    if (strcmp(setup.engine_given, "dsql") == 0 || strcmp(setup.engine_given, "aurora-dsql") == 0) {
        return ria_usage(
            argv[0], "Aurora DSQL has other statements; see the section Aurora DSQL of RECIPES.md");
    }
    if (!ria_engine_parse(setup.engine_given, &setup.engine)) {
        return ria_usage(argv[0], RIA_ENGINE_USAGE, setup.engine_given);
    }
    status = setup_sql_check_name(argv[0], &setup, RIA_NAME_USER);
    if (status == RIA_CONTINUE) {
        status = setup_sql_check_name(argv[0], &setup, RIA_NAME_DATABASE);
    }
    return status == RIA_CONTINUE ? print_sql(&setup) : status;
}
