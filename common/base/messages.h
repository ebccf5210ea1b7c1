/* SPDX-License-Identifier: MIT
 *
 * The messages about a refused login, and other messages that several files use. All hooks (the
 * plugins, the preloads and the agent) take their messages from here, so every client library shows
 * the same words for the same cause.
 *
 * A message states what is wrong and, after a semicolon, what to do. A hook for one client library
 * names that library's setting. The messages are macros, not variables, so that the compiler checks
 * their arguments against their formats.
 *
 * A message that only one C file uses is in that file. Most messages about the contents of a file,
 * or about one credential source, are of this kind.
 */
#ifndef RIA_BASE_MESSAGES_H
#define RIA_BASE_MESSAGES_H

/* -- the login ------------------------------------------------------------------------------ */

#define RIA_REFUSAL_PRIVILEGED                                                                     \
    "this program runs with more rights than its caller (setuid, seteuid or file capabilities), "  \
    "so it gets no token and no credentials; remove these rights"
#define RIA_REFUSAL_GROUP                                                                          \
    "this program's effective group differs from its real group (setegid), so it cannot start "    \
    "rds-iam-fetch; make both groups the same"
#define RIA_REFUSAL_NO_HOST "no host name was given; a token is signed for a host name"
#define RIA_REFUSAL_PORT "the port is not between 1 and 65535"
#define RIA_REFUSAL_USER "the user name must have 1 to %d bytes; name the database user"
#define RIA_REFUSAL_NO_USER                                                                        \
    "no user was given, and this process's uid has no user name; give a user (-u)"
#define RIA_REFUSAL_UNIX_SOCKET                                                                    \
    "this connection uses a Unix socket, which cannot reach an RDS server; give the server's "     \
    "host name, or add protocol=tcp for a tunnel on localhost"
#define RIA_REFUSAL_MEMORY "out of memory"
#define RIA_MESSAGE_MEMORY "out of memory for %s"
#define RIA_MESSAGE_CACHE_NAME "out of memory for the name of a cache entry"
#define RIA_MESSAGE_UNKNOWN_OWNER "%s: its owner and mode cannot be read"
#define RIA_MESSAGE_LIBCURL "libcurl cannot be set up"
#define RIA_REFUSAL_THREAD "cannot start a thread to make the token (error %d)"

/* -- the installation ------------------------------------------------------------------------ */

/* The two optional packages. Either can be installed without the other. Both need the package
 * rds-iam. */
#define RIA_PACKAGE_MYSQL "rds-iam-mysql"
#define RIA_PACKAGE_POSTGRESQL "rds-iam-postgresql"
/* Arguments: the path of an object of the package, the consequence of its absence, and the package.
 */
#define RIA_MESSAGE_NOT_INSTALLED "%s is not installed, so %s; install the package %s"
#define RIA_WITHOUT_MYSQL                                                                          \
    "logins to MySQL and MariaDB servers get no token, and rds-iam does not verify these servers"
#define RIA_WITHOUT_POSTGRESQL                                                                     \
    "logins to PostgreSQL servers get no token, and rds-iam does not verify these servers"

/* -- the connection ------------------------------------------------------------------------- */

#define RIA_REFUSAL_PLAIN "the connection is not encrypted"
#define RIA_REFUSAL_UNVERIFIED "the server's certificate was not verified"
#define RIA_REFUSAL_NAME_UNVERIFIED "the server's host name was not verified"
#define RIA_REFUSAL_NOT_SENT "%s, so no %s was sent; %s"

/* The CA store has no file for the server, or rds-iam exec has rejected the file with a warning. */
#define RIA_REFUSAL_NO_ROOTS                                                                       \
    "no usable root certificates for RDS servers were found; run: rds-iam setup ca"

/* What to do if the client library is not known. */
#define RIA_REMEDY_PLAIN "enable TLS in the client"
#define RIA_REMEDY_UNVERIFIED "give the client the RDS CA bundle and enable verification"
#define RIA_REMEDY_NAME_UNVERIFIED "enable host name verification in the client"
#define RIA_REMEDY_POSTGRES_NAME_UNVERIFIED "set sslmode=verify-full (also PGSSLMODE)"
/* Arguments: a remedy (one of the RIA_REMEDY_ texts), the section's host and port, and the path of
 * rds-iam's configuration file. */
#define RIA_REMEDY_VERIFY_CA "%s, or else write two lines: [%s:%u], then tls = verify-ca, in %s"

/* What to do with MariaDB Connector/C. */
/* rds-iam setup mysql writes one of these two groups. */
#define RIA_MARIADB_GROUP                                                                          \
    "in the program's option group, [client] or [client-rds], or in its own TLS options"
#define RIA_REMEDY_MARIADB_TLS                                                                     \
    "set ssl-ca and ssl-verify-server-cert=1, as printed by rds-iam setup "                        \
    "mysql, " RIA_MARIADB_GROUP
#define RIA_REMEDY_MARIADB_PLAIN RIA_REMEDY_MARIADB_TLS ", and remove skip-ssl"
#define RIA_REMEDY_MARIADB_NO_CA                                                                   \
    "without ssl-ca some versions of this library skip the host name check, so set ssl-ca to the " \
    "file rds-ca.pem that rds-iam setup ca installs, or for an RDS Proxy to rds-ca-public.pem "    \
    "beside it"
#define RIA_REMEDY_MARIADB_VERIFY                                                                  \
    "add ssl-verify-server-cert=1 (not =on or =true, which some versions ignore) beside "          \
    "ssl-ca " RIA_MARIADB_GROUP
#define RIA_REMEDY_MARIADB_VARIABLE                                                                \
    "MARIADB_TLS_DISABLE_PEER_VERIFICATION is set, so this library verifies no certificate; "      \
    "unset it"
#define RIA_REMEDY_MARIADB_CIPHER                                                                  \
    "ssl-cipher allows cipher suites that do not encrypt, or that need no certificate; remove it"
#define RIA_REMEDY_MARIADB_CA                                                                      \
    "the server's certificate was not issued by the CA in ssl-ca, or has expired; run: rds-iam "   \
    "setup ca, and name its file in ssl-ca"
#define RIA_REMEDY_MARIADB_NAME                                                                    \
    "the server's certificate does not contain the host name that the client dialed; use the "     \
    "endpoint's own name, and for a tunnel map this name to the tunnel's address in /etc/hosts"
#define RIA_REMEDY_MARIADB_DEFAULT_AUTH                                                            \
    "remove default-auth=mysql_clear_password, which asks for the token before TLS is up"
#define RIA_REMEDY_OTHER_RELEASE                                                                   \
    "if this program ran during an update of rds-iam, restart it; else repeat the installation"
#define RIA_REMEDY_ASKED_EARLY                                                                     \
    "the server asked for it before TLS was up, which an RDS instance does not do; check that "    \
    "this host and port are those of your database"
#define RIA_REFUSAL_MARIADB_GREETING                                                               \
    "the server asks for the plugin aws_rds_iam, but RDS servers ask for mysql_clear_password; "   \
    "check that this host and port are those of your database"

/* What to do with Oracle's libmysqlclient, and how the hook refuses a password. The first words of
 * RIA_REFUSAL_MYSQL_NOT_ENABLED are libmysqlclient's own error message. */
#define RIA_REMEDY_MYSQL_TLS                                                                       \
    "set --ssl-mode=VERIFY_IDENTITY --ssl-ca=FILE, where rds-iam setup ca installs FILE, or set "  \
    "both in the program's own TLS options (only the mysql commands read ssl-mode from a my.cnf)"
#define RIA_REMEDY_MYSQL_TUNNEL                                                                    \
    "use the endpoint's own name with --ssl-mode=VERIFY_IDENTITY, and for a tunnel map this name " \
    "to the tunnel's address in /etc/hosts"
#define RIA_REFUSAL_MYSQL_NOT_ENABLED                                                              \
    "Authentication plugin 'mysql_clear_password' cannot be loaded: plugin not enabled (rds-iam: " \
    "%s; to send a password, set LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1, because rds-iam cannot "      \
    "detect --enable-cleartext-plugin)"
#define RIA_REFUSAL_MYSQL_PASSWORD                                                                 \
    "a password was given, so no token was made; for a token give no password (-p, password= in "  \
    "an option file, MYSQL_PWD, the program's own setting)"

/* -- the name ------------------------------------------------------------------------------- */

#define RIA_REFUSAL_NO_NAME "\"%.64s\" is not a host name; give the endpoint's name alone"
#define RIA_REFUSAL_NAME_AND_PORT                                                                  \
    "\"%.64s\" is not a host name; give the endpoint's name alone, and the port %u in its "        \
    "setting (--port, port=)"
#define RIA_REFUSAL_URL "a URL is not a host name; give %s"
/* The arguments before and after the second host of RIA_REFUSAL_TUNNEL are "[" and "]" if the host
 * is an IPv6 address, otherwise two empty strings. RIA_REFUSAL_OTHER, RIA_REFUSAL_ALIAS,
 * RIA_REFUSAL_TUNNEL and RIA_REFUSAL_GLOBAL end in the lines of a section that the user must copy
 * whole. They are passed to ria_fail_shown(): if such a message is too long for a client, the part
 * before the semicolon is dropped. */
#define RIA_REFUSAL_OTHER                                                                          \
    "%s is not an RDS endpoint: check the spelling, or use the endpoint's own name (for a "        \
    "tunnel, map it in /etc/hosts); to accept any RDS server, add 3 lines: [%s], then endpoint = " \
    "ENDPOINT:ITS_PORT, then tls = verify-ca"
#define RIA_REFUSAL_LOCALHOST                                                                      \
    "%s is not an RDS endpoint; a client that is given no host uses %s: give it the endpoint's "   \
    "own name (for a tunnel, map it in /etc/hosts); to accept any RDS server, add 3 lines: [%s], " \
    "then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca"
/* A misspelled endpoint. The message offers no section for the wrong name. */
#define RIA_REFUSAL_NEAR "%s is not an RDS endpoint, but nearly one; write %s"
#define RIA_REFUSAL_NEAR_FORM                                                                      \
    "%s is not an RDS endpoint, but nearly one; compare it with the form "                         \
    "NAME.ID.%s%s, where REGION is one like eu-west-1"
#define RIA_REFUSAL_OTHER_SECTION                                                                  \
    "%s is not an RDS endpoint; add endpoint = ENDPOINT:ITS_PORT to this section"
#define RIA_REFUSAL_SERVICE                                                                        \
    "%s is not an RDS endpoint: check the spelling; for a tunnel, write host=ENDPOINT and "        \
    "hostaddr=127.0.0.1, and add 2 lines: [ENDPOINT:%u], then endpoint = ENDPOINT:ITS_PORT"
#define RIA_REFUSAL_FINAL_DOT                                                                      \
    "the server's certificate does not contain %s with its final dot, so sslmode=verify-full "     \
    "rejects the server; write host=%s"
#define RIA_REFUSAL_MAPPED_SERVICE                                                                 \
    "the certificate of %s does not contain %s, so sslmode=verify-full rejects the server; write " \
    "host=%s (for a tunnel, also hostaddr=127.0.0.1), and at %s change the section's name to "     \
    "[%s:%u]"
#define RIA_REFUSAL_ALIAS                                                                          \
    "%s is not an RDS endpoint, but a DNS alias of %s; if that is your database, use that name, "  \
    "or, to accept any RDS server, add 3 lines: [%s:%u], then endpoint = %s:%u, then tls = "       \
    "verify-ca, in %s"
#define RIA_REFUSAL_PUBLIC_ALIAS                                                                   \
    "%s is not an RDS endpoint, but a DNS alias of %s; if that is your database, use that name"
#define RIA_REFUSAL_TUNNEL                                                                         \
    "%s is not an RDS endpoint, and the server's host name was not verified: use the endpoint's "  \
    "own name (for a tunnel, map it in /etc/hosts); to accept any RDS server, add 3 lines: "       \
    "[%s%s%s:%u], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca"
#define RIA_REFUSAL_TUNNEL_NAME                                                                    \
    "the server's host name was not verified; add tls = verify-ca to this section, or use the "    \
    "endpoint's own name, and map it to the tunnel's address in /etc/hosts"

#define RIA_REFUSAL_PUBLIC_TUNNEL_NAME                                                             \
    "the server's host name was not verified; use the endpoint's own name, and map it to the "     \
    "tunnel's address in /etc/hosts"
#define RIA_REFUSAL_PUBLIC_CA                                                                      \
    "tls = verify-ca is not allowed for %s: its certificate is of a public CA, which also issues " \
    "certificates to other servers; remove the line, and use the endpoint's own name"

#define RIA_REFUSAL_GLOBAL                                                                         \
    "%s is an Aurora global endpoint, whose name has no region; name the endpoint of its writer "  \
    "cluster in two lines: [%s], then endpoint = ENDPOINT:PORT"
#define RIA_REFUSAL_GLOBAL_SECTION                                                                 \
    "%s is an Aurora global endpoint, whose name has no region; add endpoint = ENDPOINT:PORT of "  \
    "its writer cluster to this section"
#define RIA_REFUSAL_DSQL_MYSQL                                                                     \
    "%s is an Aurora DSQL endpoint, which has the protocol of PostgreSQL; connect with a "         \
    "PostgreSQL client"
#define RIA_REFUSAL_NO_REGION                                                                      \
    "the name %s has no region; write the name of the RDS endpoint, or add region = REGION to "    \
    "this section"
#define RIA_REFUSAL_ROLES "the role chain is longer than %d roles; shorten it"
#define RIA_REFUSAL_REGION "\"%.64s\" is not a region; write one like eu-west-1"

/* -- the credentials ------------------------------------------------------------------------ */

#define RIA_REFUSAL_NO_CREDENTIALS                                                                 \
    "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret. Tried%s"
#define RIA_REFUSAL_MFA                                                                            \
    "the role needs an MFA code, and this program cannot ask for it; on a terminal, run: %s, "     \
    "which caches the session for later logins"
#define RIA_REFUSAL_OUT_OF_TIME                                                                    \
    "getting AWS credentials took longer than a login allows; rds-iam credentials --explain "      \
    "shows where the time goes"

/* The messages about a credential_process that takes longer than a login can wait.
 * RIA_REMEDY_CACHE_PROCESS is the general remedy. RIA_REMEDY_CACHE_PROCESS_UNNAMED omits the name
 * of the file, for a message that a client would cut. RIA_REMEDY_RUN_PROCESS is for a process for
 * which cache_credential_process = yes is already set. RIA_REMEDY_NO_RUNTIME is written before
 * another remedy if XDG_RUNTIME_DIR is unusable, because without this directory the output cannot
 * be cached. */
#define RIA_REFUSAL_SLOW_PROCESS "the credential_process exceeded the %d s limit of a login; %s"
#define RIA_REFUSAL_SLOW_PROCESS_INTERACTIVE                                                       \
    "the credential_process did not finish within %d s; run it by hand to see why"
#define RIA_REMEDY_CACHE_PROCESS                                                                   \
    "set cache_credential_process = yes for this host in %s, then run in this environment: %s"
#define RIA_REMEDY_CACHE_PROCESS_UNNAMED "set cache_credential_process = yes, then run: %s"
#define RIA_REMEDY_RUN_PROCESS "run in this environment: %s"
#define RIA_REMEDY_NO_RUNTIME "fix XDG_RUNTIME_DIR (it is %s), %s"

#define RIA_REFUSAL_CLOCK "the system clock is outside the years 1970 to 9999; set it"
#define RIA_REFUSAL_NO_URL "is not a URL; write http://ADDRESS/PATH"
#define RIA_REFUSAL_TOKEN_SIZE "cannot build the token: it is too long, or memory ran out"
#define RIA_REMEDY_NETWORK "check the network, HTTPS_PROXY and AWS_CA_BUNDLE"
#define RIA_REMEDY_LATER "try again later"
#define RIA_REFUSAL_EXPIRED "the AWS credentials of %s expired at %s; get new ones"

/* -- the agent ------------------------------------------------------------------------------ */

#define RIA_MESSAGE_NO_PASSFILE                                                                    \
    "no service has its passfile in this directory; add this line to a service in "                \
    "pg_service.conf: passfile=%s/NAME"
#define RIA_MESSAGE_UNKNOWN_KEY "libpq does not know \"%.64s\", so it rejects the service; "

#endif
