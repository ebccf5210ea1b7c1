/* SPDX-License-Identifier: MIT
 *
 * What each program for MySQL and MariaDB servers needs: the table of rds-iam setup mysql
 * --program. Placeholders: @CA@ (the file of root certificates), @GROUP@ (the group in the option
 * file), @COMMAND@ (the mariadb command that reads this group), @FILE@ (how to write the option
 * file of the user), @SYSTEM@ (the same for a daemon), @VARIABLES@ (the environment of
 * Connector/C), @PLUGINS@ (the directory of rds-iam's plugins for Connector/C), @SYSTEMCA@ (the
 * root certificates for a daemon). */
#include "tool/setup_programs.h"
#include "tool/tool.h"

/* Every parser of option files understands =1 as "on". Only Oracle's programs know ssl-mode, and
 * only MariaDB's programs know ssl-verify-server-cert. If an option file contains an option that a
 * program does not know, the program exits; but if the option has the prefix "loose-", the program
 * continues. The parser in libmariadb does not know this prefix. */
const struct ria_setup_program ria_setup_mysql_programs[] = {
    {"mariadb mariadb-dump mariadb-admin mariadb-import mariadb-show mariadb-check mysqldump",
     "MariaDB's commands (mariadb, mariadb-dump, mariadb-admin ...) read the option\n"
     "file themselves. @FILE@"
     "    @COMMAND@ -h ENDPOINT -u USER\n"
     "\n"
     "--defaults-group-suffix=-rds must be the first option of a command.\n"
     "MARIADB_GROUP_SUFFIX=-rds in the environment has the same effect. For Oracle's\n"
     "commands, see: rds-iam setup mysql --program mysql\n"},
    {"option-file my.cnf client-server",
     "Connector/C (libmariadb) and MariaDB's commands read these files:\n"
     "\n"
     "    ~/.my.cnf\n"
     "    /etc/mysql/conf.d/my.cnf (libmariadb up to 3.3 reads no other name there)\n"
     "    a file that another option file includes with !include\n"
     "\n"
     "Do not use the group [client-server], because a server would use this plugin-dir\n"
     "too. Write =1 for \"on\": not every reader understands on and true. With these\n"
     "lines under [client], MariaDB's programs refuse every server without TLS, and\n"
     "Unix sockets too. Under [client-rds], logins to other servers do not change.\n"},
    {"mariadb-backup mariabackup",
     "mariadb-backup cannot log in with a token. Give it an account with a password,\n"
     "and set no plugin-dir under [mariadb-backup]. It ignores the plugin-dir of\n"
     "[client].\n"},
    {"MySQLdb mysqlclient python",
     "MySQLdb (the package mysqlclient) reads the option file if it is given a group.\n"
     "@FILE@"
     "    MySQLdb.connect(host=\"ENDPOINT\", user=\"USER\", db=\"DATABASE\",\n"
     "                    read_default_group=\"@GROUP@\")\n"
     "\n"
     "It does not expand ~ in read_default_file. If it is built with Oracle's library,\n"
     "see: rds-iam setup mysql --program libmysqlclient\n"},
    {"mysql2 ruby Sequel",
     "Ruby's mysql2 reads the option file if it is given a group. @FILE@"
     "    Mysql2::Client.new(host: \"ENDPOINT\", username: \"USER\",\n"
     "                       database: \"DATABASE\", default_group: \"@GROUP@\")\n"
     "\n"
     "Sequel passes default_group to mysql2.\n"},
    {"Rails ActiveRecord",
     "Rails passes default_group to mysql2. @FILE@"
     "    # config/database.yml\n"
     "    production:\n"
     "      adapter: mysql2\n"
     "      host: ENDPOINT\n"
     "      username: USER\n"
     "      database: DATABASE\n"
     "      default_group: @GROUP@\n"},
    {"DBD::mysql perl",
     "DBD::mysql reads the option file if it is given a group. @FILE@"
     "    DBI->connect(\"DBI:mysql:host=ENDPOINT;database=DATABASE;\"\n"
     "                 . \"mysql_read_default_group=@GROUP@\", \"USER\", \"\")\n"},
    {"DBD::MariaDB",
     "DBD::MariaDB reads the option file if it is given a group. @FILE@"
     "    DBI->connect(\"DBI:MariaDB:host=ENDPOINT;database=DATABASE;\"\n"
     "                 . \"mariadb_read_default_group=@GROUP@\", \"USER\", \"\")\n"},
    {"ODBC MariaDB-ODBC Connector/ODBC",
     "MariaDB's ODBC driver needs no option file. Write these settings into the\n"
     "connection string, or one to a line into the data source:\n"
     "\n"
     "    Driver=MariaDB Unicode;Server=ENDPOINT;UID=USER;Database=DATABASE;\n"
     "    PLUGIN_DIR=@PLUGINS@;\n"
     "    SSLCA=@CA@;SSLVERIFY=1\n"
     "\n"
     "Up to version 3.1, the driver ignores other names of these settings, such as\n"
     "SSL_VERIFY.\n"},
    {"Django",
     "Django passes OPTIONS to MySQLdb. @FILE@"
     "    DATABASES = {\"default\": {\n"
     "        \"ENGINE\": \"django.db.backends.mysql\",\n"
     "        \"HOST\": \"ENDPOINT\", \"USER\": \"USER\", \"NAME\": \"DATABASE\",\n"
     "        \"OPTIONS\": {\"read_default_group\": \"@GROUP@\"},\n"
     "    }}\n"
     "\n"
     "Set no PASSWORD. manage.py dbshell starts the mysql command, which needs\n"
     "MARIADB_GROUP_SUFFIX=-rds in the environment.\n"},
    {"SQLAlchemy",
     "SQLAlchemy passes the parameters of the URL to MySQLdb. @FILE@"
     "    create_engine(\"mysql+mysqldb://USER@ENDPOINT/DATABASE\"\n"
     "                  \"?read_default_group=@GROUP@\")\n"
     "\n"
     "With mysql+pymysql, see: rds-iam setup mysql --program PyMySQL\n"},
    {"mydumper myloader",
     "mydumper and myloader read the group [client] and no other. Give them an option\n"
     "file of their own:\n"
     "\n"
     "    rds-iam setup mysql --all-servers >rds.cnf\n"
     "    mydumper --defaults-file=rds.cnf -h ENDPOINT -u USER\n"
     "\n"
     "or none, with the option that turns TLS on:\n"
     "\n"
     "    rds-iam exec -- mydumper \\\n"
     "      --ssl -h ENDPOINT -u USER\n"},
    {"percona-toolkit pt-table-checksum mytop check_mysql mysqltcl",
     "These programs read the group [client] of the option file and, unless an option\n"
     "names it, no other group. Run them without an option file:\n"
     "\n"
     "    rds-iam exec -- PROGRAM\n"
     "\n"
     "or write the lines under [client] in an option file that only they read, in the\n"
     "directory that MYSQL_HOME names:\n"
     "\n"
     "    rds-iam setup mysql --all-servers >/etc/rds-iam/client/my.cnf\n"
     "    MYSQL_HOME=/etc/rds-iam/client PROGRAM\n"},
    {"RMySQL",
     "RMySQL reads the option file if it is given a group. @FILE@"
     "    dbConnect(MySQL(), host=\"ENDPOINT\", username=\"USER\",\n"
     "              dbname=\"DATABASE\", group=\"@GROUP@\")\n"},
    {"Connector/C++ connector-cpp libmysqlcppconn",
     "Connector/C++ 1.1 on libmariadb reads the option file if it is given a group.\n"
     "@FILE@"
     "    properties[\"OPT_READ_DEFAULT_GROUP\"] = \"@GROUP@\";\n"
     "\n"
     "For Connector/C++ on Oracle's library, see:\n"
     "\n"
     "    rds-iam setup mysql --program libmysqlclient\n"},
    {"postfix",
     "@SYSTEM@"
     "Then, in the file of each table of Postfix (mysql:/etc/postfix/NAME.cf):\n"
     "\n"
     "    hosts = ENDPOINT\n"
     "    user = USER\n"
     "    dbname = DATABASE\n"
     "    option_group = @GROUP@\n"
     "\n"
     "Postfix clears the environment of its daemons. If the AWS credentials are in\n"
     "variables, name these in import_environment (main.cf).\n"},
    {"dovecot",
     "@SYSTEM@"
     "Then, in dovecot-sql.conf.ext (Dovecot 2.3):\n"
     "\n"
     "    driver = mysql\n"
     "    connect = host=ENDPOINT user=USER dbname=DATABASE \\\n"
     "      option_file=/etc/mysql/conf.d/my.cnf option_group=@GROUP@\n"
     "\n"
     "If the AWS credentials are in variables of the daemon, name these in\n"
     "import_environment.\n"},
    {"pdns PowerDNS gmysql",
     "@SYSTEM@"
     "Then, in pdns.conf:\n"
     "\n"
     "    launch=gmysql\n"
     "    gmysql-host=ENDPOINT\n"
     "    gmysql-user=USER\n"
     "    gmysql-dbname=DATABASE\n"
     "    gmysql-group=@GROUP@\n"},
    {"exim",
     "@SYSTEM@"
     "Then, in Exim's configuration, with an empty password:\n"
     "\n"
     "    hide mysql_servers = ENDPOINT[@GROUP@]/DATABASE/USER/\n"
     "\n"
     "Exim clears its environment. If the AWS credentials are in variables, name these\n"
     "in keep_environment.\n"},
    {"rsyslog ommysql",
     "@SYSTEM@"
     "Then, in rsyslog.conf:\n"
     "\n"
     "    action(type=\"ommysql\" server=\"ENDPOINT\" uid=\"USER\" pwd=\"\" db=\"DATABASE\"\n"
     "           mysqlconfig.file=\"/etc/mysql/conf.d/my.cnf\"\n"
     "           mysqlconfig.section=\"@GROUP@\")\n"},
    {"Apache mod_dbd httpd",
     "@SYSTEM@"
     "Then, in the configuration of Apache's mod_dbd:\n"
     "\n"
     "    DBDriver mysql\n"
     "    DBDParams \"host=ENDPOINT user=USER dbname=DATABASE group=@GROUP@\"\n"},
    {"Zabbix",
     "Zabbix server has its own TLS options. Run rds-iam setup ca as root, then write\n"
     "into zabbix_server.conf:\n"
     "\n"
     "    DBHost=ENDPOINT\n"
     "    DBUser=USER\n"
     "    DBTLSConnect=verify_full\n"
     "    DBTLSCAFile=@SYSTEMCA@\n"
     "\n"
     "and in the environment of the service (systemctl edit zabbix-server):\n"
     "\n"
     "@VARIABLES@"},
    {"Qt QMYSQL sphinx coturn collectd tdbc::mysql tdbc",
     "These programs have an option for the CA, but none that verifies the server's\n"
     "name. Run the program without any option for TLS:\n"
     "\n"
     "    rds-iam exec -- PROGRAM\n"
     "\n"
     "The preload and the variables of rds-iam exec make the library verify the name.\n"
     "If you cannot start the program that way, set its option for the CA to\n"
     "@CA@,\n"
     "set these variables, and allow the chain alone for this host:\n"
     "\n"
     "@VARIABLES@"
     "\n"
     "    # ~/.config/rds-iam/config\n"
     "    [ENDPOINT:3306]\n"
     "    endpoint = ENDPOINT:3306\n"
     "    tls = verify-ca\n"
     "\n"
     "Then any server with a certificate of that CA gets the token. Qt's option is\n"
     "SSL_CA.\n"},
    {"sysbench GDAL lua-sql lua-dbi OCaml libdbi syslog-ng lighttpd Pike mariadb-report pam_mysql",
     "These programs have no options for TLS. Under rds-iam exec, the library verifies\n"
     "the server and loads the plugin:\n"
     "\n"
     "    rds-iam exec -- sysbench \\\n"
     "      --db-driver=mysql --mysql-host=ENDPOINT --mysql-user=USER ...\n"
     "\n"
     "rds-iam exec cannot help a program that runs with other rights than its caller\n"
     "(setuid, seteuid), such as proftpd or FreeRADIUS started as root.\n"},
    {"mysql Oracle mysqladmin mysqlimport mysqlpump mysqlsh",
     "Oracle's commands (mysql, mysqldump ...) contain libmysqlclient, in which\n"
     "mysql_clear_password is built in, so no plugin-dir is needed. Set two variables.\n"
     "The library loads whichever of the two plugins has its interface version:\n"
     "\n"
     "    export LIBMYSQL_PLUGIN_DIR=" RIA_ORACLE_PLUGIN_DIR "\n"
     "    export LIBMYSQL_PLUGINS=\"" RIA_ORACLE_PLUGINS "\"\n"
     "    mysql -h ENDPOINT -u USER --ssl-mode=VERIFY_IDENTITY \\\n"
     "      --ssl-ca=@CA@\n"
     "\n"
     "Give no password (-p, password=, MYSQL_PWD, a placeholder): a program that has a\n"
     "password uses no token. It sends the password if\n"
     "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1 is set; otherwise the login fails. A token\n"
     "needs no --enable-cleartext-plugin. The TLS options may be in an option file:\n"
     "\n"
     "    [client-rds]\n"
     "    ssl-ca=@CA@\n"
     "    loose-ssl-mode=VERIFY_IDENTITY\n"
     "\n"
     "    mysql --defaults-group-suffix=-rds -h ENDPOINT -u USER\n"
     "\n"
     "With the prefix \"loose-\", MariaDB's programs only warn about ssl-mode, which\n"
     "they do not know. If they read this file too, put their lines under\n"
     "[client-mariadb-rds], because Oracle's programs do not know\n"
     "ssl-verify-server-cert. If mysql is MariaDB's, see: --program mariadb\n"},
    {"libmysqlclient MYSQL_OPT_SSL_MODE",
     "Programs on Oracle's library need two variables:\n"
     "\n"
     "    LIBMYSQL_PLUGIN_DIR=" RIA_ORACLE_PLUGIN_DIR "\n"
     "    LIBMYSQL_PLUGINS=\"" RIA_ORACLE_PLUGINS "\"\n"
     "\n"
     "libmysqlclient itself does not read ssl-mode from an option file, with or\n"
     "without \"loose-\". Set it in the program's own options, MYSQL_OPT_SSL_MODE (C) or\n"
     "ssl_mode (MySQLdb 2, mysql2), with the CA\n"
     "@CA@\n"
     "Under rds-iam exec, the library verifies the server without these options. Do\n"
     "not set the variables for mysqld, which uses the same library.\n"},
    {"environment variables env threads",
     "The environment of programs on MariaDB Connector/C that read no option file. Set\n"
     "the CA and the verification of the name in the program's own options.\n"
     "\n"
     "@VARIABLES@"
     "\n"
     "The second line loads the plugin when the library is initialized. A program\n"
     "whose first logins come from several threads at once needs both lines, even with\n"
     "an option file. Never set the second line alone: it would load the plugin of the\n"
     "distribution. If one environment serves programs of both libraries, set\n"
     "LIBMYSQL_PLUGIN_DIR too (--program libmysqlclient), and:\n"
     "\n"
     "    LIBMYSQL_PLUGINS=\"" RIA_MARIADB_PLUGINS ";" RIA_ORACLE_PLUGINS "\"\n"},
    {"systemd unit service",
     "In a systemd unit, for MariaDB Connector/C:\n"
     "\n"
     "    [Service]\n"
     "    Environment=MARIADB_PLUGIN_DIR=" RIA_MARIADB_PLUGIN_DIR "\n"
     "    Environment=LIBMYSQL_PLUGINS=" RIA_MARIADB_PLUGINS "\n"
     "\n"
     "For Oracle's library:\n"
     "\n"
     "    [Service]\n"
     "    Environment=LIBMYSQL_PLUGIN_DIR=" RIA_ORACLE_PLUGIN_DIR "\n"
     "    Environment=\"LIBMYSQL_PLUGINS=" RIA_ORACLE_PLUGINS "\"\n"
     "\n"
     "What the variables do: rds-iam setup mysql --program environment\n"},
    {"docker Dockerfile container podman",
     "In a Dockerfile, for MariaDB Connector/C:\n"
     "\n"
     "    ENV MARIADB_PLUGIN_DIR=" RIA_MARIADB_PLUGIN_DIR " \\\n"
     "        LIBMYSQL_PLUGINS=" RIA_MARIADB_PLUGINS "\n"
     "\n"
     "For the library of Oracle:\n"
     "\n"
     "    ENV LIBMYSQL_PLUGIN_DIR=" RIA_ORACLE_PLUGIN_DIR " \\\n"
     "        LIBMYSQL_PLUGINS=\"" RIA_ORACLE_PLUGINS "\"\n"
     "\n"
     "For the meaning of these variables: rds-iam setup mysql --program environment\n"},
    {"built-in static Gentoo Homebrew default-auth aws_rds_iam",
     "Some builds of Connector/C have mysql_clear_password built in and load no file\n"
     "of that name (Gentoo, Homebrew, static builds). Add to the group [@GROUP@]:\n"
     "\n"
     "    default-auth=aws_rds_iam\n"
     "\n"
     "rds-iam setup mysql --clients shows which clients of this machine need it.\n"},
    {"proxy RDS-Proxy",
     "An RDS Proxy has a certificate of Amazon's public CAs. rds-iam setup ca installs\n"
     "their roots as rds-ca-public.pem, beside rds-ca.pem. Write the lines of rds-iam\n"
     "setup mysql under a group of their own, such as [client-proxy], with that file\n"
     "in ssl-ca, and use --defaults-group-suffix=-proxy. Without rds-iam setup ca, use\n"
     "AmazonRootCA1.pem from https://www.amazontrust.com/repository/, even if the\n"
     "system trusts these CAs: without ssl-ca some versions of the library do not\n"
     "verify the server's name.\n"},
    {"mycli PyMySQL peewee aiomysql asyncmy mysqld_exporter",
     "These programs implement the protocol themselves and load no plugin. Give them a\n"
     "token as the password. It is good for new logins during 15 minutes:\n"
     "\n"
     "    MYSQL_PWD=$(rds-iam token --hostname ENDPOINT --port 3306 --username USER) \\\n"
     "      mycli -h ENDPOINT -u USER --ssl-verify-server-cert \\\n"
     "      --ssl-ca=@CA@\n"
     "\n"
     "In Python, pass it as password=, with ssl_verify_identity=True and ssl_ca=.\n"},
    {"PHP mysqli PDO mysqlnd",
     "PHP's mysqlnd implements the protocol itself and loads no plugin. Pass a token\n"
     "as the password of each new connection, and verify the server:\n"
     "\n"
     "    $token = trim(shell_exec('rds-iam token --hostname ENDPOINT'\n"
     "        . ' --port 3306 --username USER'));\n"
     "    $db = mysqli_init();\n"
     "    $db->options(MYSQLI_OPT_SSL_VERIFY_SERVER_CERT, true);\n"
     "    $db->ssl_set(null, null,\n"
     "        '@CA@', null, null);\n"
     "    $db->real_connect('ENDPOINT', 'USER', $token, 'DATABASE', 3306, null,\n"
     "        MYSQLI_CLIENT_SSL);\n"
     "\n"
     "Do not connect with an empty password: mysqlnd 8.2 then ends with a segmentation\n"
     "fault when the server asks for it in clear text.\n"},
    {"JDBC Java Connector/J Node nodejs Go go-sql-driver Rust .NET",
     "These drivers implement the protocol themselves and load no plugin. Take a token\n"
     "as the password of each new connection:\n"
     "\n"
     "    rds-iam token --hostname ENDPOINT --port 3306 --username USER\n"
     "\n"
     "A pool must ask for the password each time, because a token is good for new\n"
     "logins during 15 minutes only. Turn on verification of the name in the driver:\n"
     "sslMode=VERIFY_IDENTITY (MySQL Connector/J), sslMode=verify-full and\n"
     "serverSslCert=FILE (MariaDB Connector/J), ssl: {ca: ...} (Node's mysql2), a tls\n"
     "configuration with RootCAs and allowCleartextPasswords=true (Go). The CA is\n"
     "@CA@\n"},
    {"mariadbd replica replication CONNECT mysqld",
     "A server that is a client of RDS (a replica, the CONNECT engine) cannot log in\n"
     "with a token. Give it an account with a password.\n"},
    {NULL, NULL},
};
