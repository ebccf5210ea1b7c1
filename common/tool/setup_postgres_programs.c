/* SPDX-License-Identifier: MIT
 *
 * What each program for PostgreSQL servers needs: the table of rds-iam setup postgres --program.
 * Placeholders: @SERVICE@, @HOST@, @PORT@, @USER@, @DBNAME@, @CA@ and @PASSFILE@ (the values of the
 * entry in pg_service.conf), @SQLUSER@ (the user as an SQL identifier), @READY@ (what must exist
 * first), @EXPORTS@ (the environment of clients, for a shell), @UNIT@ (the same for a systemd
 * unit), @CONNECT@, @INFO@, @PERLINFO@, @URLSERVICE@, @WORD@ and @SQLSERVICE@ (the service, quoted:
 * see setup_postgres.h), @SYSTEM@ (how to run the agent for the account of a daemon), @SYSTEMCA@
 * (the root certificates for that account), @USERUNITS@ (the directory of the user's systemd units,
 * or nothing if systemd searches it), @LINKUNIT@ (the command that links the system's unit, if
 * systemd does not find it), @SIDECAR@ (the path of the Kubernetes example). */
#include "tool/setup_programs.h"

const char ria_setup_postgres_ready[] =
    "With the entry [@SERVICE@] in ~/.pg_service.conf (rds-iam setup postgres --write)\n"
    "and a running rds-iam-agent:\n"
    "\n";

const char ria_setup_postgres_system[] =
    "For the account of a daemon, write the entry into ~/.pg_service.conf of that\n"
    "account, with\n"
    "\n"
    "    passfile=/run/rds-iam/ACCOUNT/@SERVICE@\n"
    "    sslrootcert=@SYSTEMCA@\n"
    "\n"
    "and run as root:\n"
    "\n"
    "    rds-iam setup ca\n"
    "@LINKUNIT@"
    "    systemctl enable --now rds-iam-agent@ACCOUNT.service\n";

const struct ria_setup_program ria_setup_postgres_programs[] = {
    {"psql pg_dump pg_dumpall pg_restore pgbench vacuumdb libpq ecpg pgcopydb pg_repack",
     "@READY@"
     "    psql @CONNECT@\n"
     "    pg_dump -d @CONNECT@\n"
     "    psql \"@INFO@ dbname=OTHER\"   # another database\n"
     "\n"
     "Or without the agent:\n"
     "\n"
     "    rds-iam exec -- psql @CONNECT@\n"
     "\n"
     "After 15 minutes, a reset of a connection and pg_restore -j get a new token only\n"
     "under rds-iam exec. In psql, after \"Attempting reset: Failed\", enter:\n"
     "\n"
     "    \\c @CONNECT@\n"},
    {"environment variables env PGSERVICE PGSSLMODE PGPASSFILE",
     "@READY@"
     "Set these variables for programs that use the agent. A program that names the\n"
     "service itself (service=) may ignore the sslmode of the service. Such a program\n"
     "sends the token to a server that it does not verify.\n"
     "\n"
     "@EXPORTS@"
     "\n"
     "A program that reads PGPASSFILE alone needs this instead of PGSERVICE:\n"
     "\n"
     "    export PGPASSFILE=@PASSFILE@\n"
     "\n"
     "ODBC and JDBC ignore PGSSLMODE: see --program odbc and --program jdbc.\n"},
    {"systemd unit service",
     "In the unit of a program that uses the agent:\n"
     "\n"
     "    [Service]\n"
     "@UNIT@"
     "\n"
     "@SYSTEM@"},
    {"agent rds-iam-agent daemon",
     "The agent fills the passfile of an entry when a client opens it. For your own\n"
     "account and a passfile in $XDG_RUNTIME_DIR/rds-iam/run:\n"
     "\n"
     "    systemctl --user enable --now @USERUNITS@rds-iam-agent.service\n"
     "\n"
     "Without systemd, and for a passfile in ~/.cache/rds-iam/run:\n"
     "\n"
     "    rds-iam-agent\n"
     "\n"
     "Before a job that connects within 15 minutes, run: rds-iam-agent --once\n"
     "\n"
     "@SYSTEM@"},
    {"kubernetes k8s sidecar pod docker container",
     "In Kubernetes, run the agent as a sidecar container of the client, as in this\n"
     "example:\n"
     "\n"
     "    @SIDECAR@\n"
     "\n"
     "There, the entry in pg_service.conf has\n"
     "\n"
     "    passfile=/tokens/run/@SERVICE@\n"
     "\n"
     "and PGSERVICEFILE names the file with the entry in both containers.\n"},
    {"replication subscription pg_recvlogical logical CDC",
     "With PostgreSQL 11 and later, set in the parameter group:\n"
     "\n"
     "    rds.logical_replication=1\n"
     "    rds.iam_auth_for_replication=1\n"
     "\n"
     "and run as the administrator of the database:\n"
     "\n"
     "    ALTER USER @SQLUSER@ WITH REPLICATION;\n"
     "\n"
     "With rds.iam_auth_for_replication=1, a user who has rds_iam and rds_replication\n"
     "must use IAM for replication. pg_recvlogical takes -d @CONNECT@. For\n"
     "CREATE SUBSCRIPTION, the server of the subscriber is the client, so the agent\n"
     "must run for the account of that server:\n"
     "\n"
     "    CREATE SUBSCRIPTION NAME CONNECTION 'host=@HOST@\n"
     "      port=@PORT@ user=@USER@ dbname=@DBNAME@\n"
     "      sslmode=verify-full gssencmode=disable\n"
     "      sslrootcert=@SYSTEMCA@\n"
     "      passfile=/run/rds-iam/postgres/@SERVICE@' PUBLICATION NAME;\n"
     "\n"
     "@SYSTEM@"},
    {"postgres_fdw dblink plproxy foreign-data-wrapper",
     "The server with the extension is the client, so the agent must run for the\n"
     "account of that server:\n"
     "\n"
     "    CREATE SERVER @SQLSERVICE@ FOREIGN DATA WRAPPER postgres_fdw OPTIONS (\n"
     "      host '@HOST@',\n"
     "      port '@PORT@', dbname '@DBNAME@',\n"
     "      sslmode 'verify-full', gssencmode 'disable',\n"
     "      sslrootcert '@SYSTEMCA@',\n"
     "      passfile '/run/rds-iam/postgres/@SERVICE@');\n"
     "    CREATE USER MAPPING FOR CURRENT_USER SERVER @SQLSERVICE@\n"
     "      OPTIONS (user '@USER@');\n"
     "\n"
     "dblink and plproxy take the same settings in a connection string. A user who is\n"
     "not a superuser needs password_required 'false' in the mapping.\n"
     "\n"
     "@SYSTEM@"},
    {"psycopg psycopg2 psycopg3 python PyGreSQL peewee",
     "@READY@"
     "    psycopg2.connect(\"@INFO@\")   # psycopg 2\n"
     "    psycopg.connect(\"@INFO@\")    # psycopg 3\n"
     "\n"
     "If the program runs under rds-iam exec, the agent is not needed.\n"},
    {"SQLAlchemy alembic",
     "@READY@"
     "    create_engine(\"postgresql+psycopg2:///?service=@URLSERVICE@\")\n"
     "\n"
     "Each new connection of the pool gets its own token.\n"},
    {"Django",
     "@READY@"
     "    DATABASES = {\"default\": {\n"
     "        \"ENGINE\": \"django.db.backends.postgresql\",\n"
     "        \"NAME\": \"@DBNAME@\", \"OPTIONS\": {\"service\": \"@SERVICE@\"},\n"
     "    }}\n"
     "\n"
     "manage.py dbshell starts psql without the service, so it also needs the\n"
     "variables of --program environment.\n"},
    {"ruby-pg pg ruby Sequel",
     "Ruby's pg adds the defaults of libpq to the settings that the program gives, and\n"
     "these defaults override sslmode of the entry. So name the service in the\n"
     "environment, and not in the program:\n"
     "\n"
     "@EXPORTS@"
     "\n"
     "    PG.connect\n"
     "    Sequel.connect(\"postgres:///\")\n"},
    {"Rails ActiveRecord",
     "ActiveRecord uses Ruby's pg, which drops the sslmode of a service that the\n"
     "program names. So set, in the environment of Rails:\n"
     "\n"
     "@EXPORTS@"
     "\n"
     "and leave host, port, username and service out of config/database.yml:\n"
     "\n"
     "    production:\n"
     "      adapter: postgresql\n"},
    {"DBD::Pg perl Mojo::Pg",
     "@READY@"
     "    DBI->connect(\"dbi:Pg:@PERLINFO@\", \"\", \"\")\n"
     "    Mojo::Pg->new(\"postgresql://?service=@URLSERVICE@\")\n"},
    {"PHP PDO php-pgsql",
     "@READY@"
     "    pg_connect(\"@INFO@\");\n"
     "    new PDO(\"pgsql:@INFO@\");\n"
     "\n"
     "rds-iam exec does not reach PHP before 8.3, so the agent is needed there.\n"},
    {"pgcli",
     "pgcli drops sslmode and the CA of a service that its arguments name. So set:\n"
     "\n"
     "@EXPORTS@"
     "\n"
     "and start pgcli without arguments.\n"},
    {"GDAL ogr2ogr osm2pgsql QGIS",
     "@READY@"
     "    ogrinfo PG:\"@INFO@\"\n"
     "    PGSERVICE=@WORD@ osm2pgsql ...\n"},
    {"libpqxx Qt QPSQL lua-sql tdbc::postgres Pgtcl RPostgreSQL OCaml Haskell libdbi sysbench",
     "Programs and drivers on libpq that take a connection string take\n"
     "\n"
     "    @INFO@\n"
     "\n"
     "For a driver with separate options (libdbi, sysbench), set these variables, or\n"
     "run the program under rds-iam exec with the host, the port and the user:\n"
     "\n"
     "@EXPORTS@"},
    {"ODBC psqlodbc pyodbc isql",
     "psqlodbc turns TLS off unless the connection string or the data source has\n"
     "SSLmode. It ignores PGSSLMODE:\n"
     "\n"
     "    Driver=PostgreSQL Unicode;SSLmode=verify-full;\n"
     "\n"
     "with the server and the user from the environment:\n"
     "\n"
     "@EXPORTS@"},
    {"JDBC pgjdbc Java HikariCP",
     "@READY@"
     "pgjdbc rejects an entry with a passfile and ignores PGSSLMODE. Give it the\n"
     "passfile by its own variable, and the verification in the URL:\n"
     "\n"
     "    export PGPASSFILE=@PASSFILE@\n"
     "\n"
     "    jdbc:postgresql://@HOST@:@PORT@/@DBNAME@?user=@USER@\n"
     "      &sslmode=verify-full&sslrootcert=@CA@\n"
     "\n"
     "Write the URL in one line. pgjdbc reads the passfile at each connection.\n"},
    {"node-postgres nodejs Node knex",
     "node-postgres reads the passfile at each connection, but it reads no service:\n"
     "\n"
     "    export PGPASSFILE=@PASSFILE@\n"
     "    export PGHOST=@HOST@ PGPORT=@PORT@\n"
     "    export PGUSER=@USER@ PGDATABASE=@DBNAME@ PGSSLMODE=verify-full\n"
     "    export NODE_EXTRA_CA_CERTS=@CA@\n"},
    {"Go pgx golang go-pq",
     "lib/pq and a single connection of pgx read the passfile:\n"
     "\n"
     "    host=@HOST@ port=@PORT@\n"
     "    user=@USER@ dbname=@DBNAME@ sslmode=verify-full\n"
     "    sslrootcert=@CA@\n"
     "    passfile=@PASSFILE@\n"
     "\n"
     "Leave out gssencmode, which they do not know. A pgxpool uses the first token for\n"
     "all connections, unless its BeforeConnect parses the configuration again.\n"},
    {"Npgsql .NET dotnet",
     "In the connection string (not tested):\n"
     "\n"
     "    Host=@HOST@;Port=@PORT@;\n"
     "    Username=@USER@;Database=@DBNAME@;SSL Mode=VerifyFull;\n"
     "    Root Certificate=@CA@;\n"
     "    Passfile=@PASSFILE@\n"},
    {"DBeaver",
     "Choose the authentication Pgpass, turn on verify-full in the SSL settings of the\n"
     "connection, and start DBeaver with (not tested):\n"
     "\n"
     "    PGPASSFILE=@PASSFILE@\n"},
    {"asyncpg sqlx tokio-postgres postgres.js pgbouncer pgloader Rust",
     "These programs read no passfile, or read a token in it wrongly. Give them a\n"
     "token as the password of each new connection, and verify the server with\n"
     "@CA@:\n"
     "\n"
     "    rds-iam token --hostname @HOST@ \\\n"
     "      --port @PORT@ --username @USER@\n"},
    {"postfix",
     "In the file of each table of Postfix (pgsql:/etc/postfix/NAME.cf), in one line:\n"
     "\n"
     "    hosts = postgresql://@USER@@@HOST@:@PORT@/@DBNAME@\n"
     "      ?sslmode=verify-full&gssencmode=disable\n"
     "      &sslrootcert=@SYSTEMCA@\n"
     "      &passfile=/run/rds-iam/postfix/@SERVICE@\n"
     "\n"
     "Postfix also requires the line dbname = @DBNAME@\n"
     "\n"
     "@SYSTEM@"},
    {"dovecot",
     "In dovecot-sql.conf.ext (Dovecot 2.3):\n"
     "\n"
     "    driver = pgsql\n"
     "    connect = host=@HOST@ port=@PORT@ \\\n"
     "      user=@USER@ dbname=@DBNAME@ sslmode=verify-full gssencmode=disable \\\n"
     "      sslrootcert=@SYSTEMCA@ \\\n"
     "      passfile=/run/rds-iam/dovecot/@SERVICE@\n"
     "\n"
     "@SYSTEM@"},
    {"PowerDNS pdns gpgsql",
     "In pdns.conf, the last three lines as one:\n"
     "\n"
     "    launch=gpgsql\n"
     "    gpgsql-host=@HOST@\n"
     "    gpgsql-port=@PORT@\n"
     "    gpgsql-user=@USER@\n"
     "    gpgsql-dbname=@DBNAME@\n"
     "    gpgsql-extra-connection-parameters=sslmode=verify-full gssencmode=disable\n"
     "      sslrootcert=@SYSTEMCA@\n"
     "      passfile=/run/rds-iam/pdns/@SERVICE@\n"
     "\n"
     "@SYSTEM@"},
    {"exim",
     "Exim gives libpq only the host, the database, the user and the password. Start\n"
     "Exim under rds-iam exec, and let keep_environment contain LD_PRELOAD, RDS_IAM_CA\n"
     "and the variables of the AWS credentials:\n"
     "\n"
     "    hide pgsql_servers = @HOST@/@DBNAME@/@USER@/\n"},
    {"rsyslog ompgsql kamailio Zabbix coturn collectd apache httpd",
     "These daemons use libpq and read the environment of their service:\n"
     "\n"
     "    [Service]\n"
     "@UNIT@"
     "\n"
     "The entry must be in the ~/.pg_service.conf of the daemon's account.\n"
     "\n"
     "@SYSTEM@"},
    {"proxy RDS-Proxy",
     "For the name of an RDS Proxy, rds-iam setup postgres takes rds-ca-public.pem,\n"
     "because a proxy has a certificate of the public CAs of Amazon. rds-iam setup ca\n"
     "installs that file.\n"},
    {0},
};
