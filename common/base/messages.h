/* SPDX-License-Identifier: MIT
 *
 * Messages: the sentences with which a login is refused, in one table: every client library shows
 * the same words for the same cause. A sentence says what is wrong, and behind the semicolon what
 * to do; a hook that knows a setting of its client library names it there. They are macros so that
 * the compiler checks what is put into them.
 *
 * Also here: every other sentence that more than one place needs. Not here: what one file alone
 * finds wrong in a file or with a credential source.
 */
#ifndef RIA_BASE_MESSAGES_H
#define RIA_BASE_MESSAGES_H

/* -- the login ------------------------------------------------------------------------------ */

#define RIA_REFUSAL_PRIVILEGED                                                                     \
    "this program runs with more rights than its caller (setuid, seteuid or file capabilities), "  \
    "so it gets no token and no credentials; remove these rights"
#define RIA_REFUSAL_NO_HOST "no host name is dialled; a token needs one"
#define RIA_REFUSAL_PORT "the port is not between 1 and 65535"
#define RIA_REFUSAL_USER "the user name must have 1 to %d bytes; name the database user"
#define RIA_REFUSAL_NO_USER "no user is named and this process has no user name; name the user (-u)"
#define RIA_REFUSAL_UNIX_SOCKET                                                                    \
    "this connection goes through a Unix socket, which leads to no RDS server; name the server's " \
    "host, or add protocol=tcp for a tunnel on localhost"
#define RIA_REFUSAL_MEMORY "out of memory"
#define RIA_MESSAGE_MEMORY "out of memory for %s"
#define RIA_MESSAGE_CACHE_NAME "out of memory for the name of a cache entry"
#define RIA_MESSAGE_LIBCURL "libcurl cannot be set up"
#define RIA_REFUSAL_THREAD "cannot start a thread to make the token (error %d)"

/* -- the connection ------------------------------------------------------------------------- */

#define RIA_REFUSAL_PLAIN "the connection is not encrypted"
#define RIA_REFUSAL_UNVERIFIED "the server's certificate was not verified"
#define RIA_REFUSAL_NAME_UNVERIFIED "the server's host name was not verified"
#define RIA_REFUSAL_NOT_SENT "%s, so no %s was sent; %s"

/* What to do, in general. */
#define RIA_REMEDY_PLAIN "turn TLS on in the client"
#define RIA_REMEDY_UNVERIFIED "give the client the RDS CA bundle and turn verification on"
#define RIA_REMEDY_NAME_UNVERIFIED "turn name verification on in the client"
/* The remedy above, or that of a client library, and the name of our file. */
#define RIA_REMEDY_VERIFY_CA "%s, or where that cannot be: [%s:%u] tls = verify-ca in %s"

/* What to do, in the words of MariaDB Connector/C. */
#define RIA_REMEDY_MARIADB_TLS                                                                     \
    "set ssl-ca=/path/to/global-bundle.pem and ssl-verify-server-cert=1 in [client], or the same " \
    "in the program's own TLS options"
#define RIA_REMEDY_MARIADB_NO_CA                                                                   \
    "without ssl-ca some versions of this library check no name: set ssl-ca=/path/to/file.pem, "   \
    "for an RDS Proxy with Amazon's root CAs (AmazonRootCA1.pem), else with the RDS bundle"
#define RIA_REMEDY_MARIADB_VERIFY                                                                  \
    "add ssl-verify-server-cert=1 (on and true do not count everywhere) beside ssl-ca in "         \
    "[client], or in the program's own TLS options"
#define RIA_REMEDY_MARIADB_VARIABLE                                                                \
    "MARIADB_TLS_DISABLE_PEER_VERIFICATION is set, and then this library checks no certificate; "  \
    "unset it"
#define RIA_REMEDY_MARIADB_CIPHER                                                                  \
    "ssl-cipher allows cipher suites that do not encrypt, or that need no certificate; remove it"
#define RIA_REMEDY_MARIADB_CA                                                                      \
    "its certificate does not come from the CA in ssl-ca, or is out of date; get the RDS bundle "  \
    "for its region"
#define RIA_REMEDY_MARIADB_DEFAULT_AUTH                                                            \
    "remove default-auth=mysql_clear_password, which asks for the token before TLS is up"
#define RIA_REMEDY_ASKED_EARLY                                                                     \
    "the server asked for it before TLS was up, which an RDS instance does not do; check that "    \
    "this host and port are those of your database"
#define RIA_REFUSAL_MARIADB_GREETING                                                               \
    "the server asks for aws_rds_iam itself, which no RDS server does; check that this host and "  \
    "port are those of your database"

/* What to do, and how a password is refused, in the words of Oracle's library. */
#define RIA_REMEDY_MYSQL_TLS                                                                       \
    "set --ssl-mode=VERIFY_IDENTITY --ssl-ca=/path/to/global-bundle.pem, or both in the "          \
    "program's "                                                                                   \
    "own TLS options: in a my.cnf, only the mysql commands find ssl-mode"
#define RIA_REMEDY_MYSQL_TUNNEL                                                                    \
    "dial the endpoint's own name with --ssl-mode=VERIFY_IDENTITY (a line in /etc/hosts leads it " \
    "to a tunnel)"
#define RIA_REFUSAL_MYSQL_NOT_ENABLED                                                              \
    "Authentication plugin 'mysql_clear_password' cannot be loaded: plugin not enabled "           \
    "(rds-iam: %s; a password goes only where LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1 is set, "         \
    "--enable-cleartext-plugin cannot be seen here)"
#define RIA_REFUSAL_MYSQL_PASSWORD                                                                 \
    "a password was given, so no token was made; for a token give no password (-p, password= in "  \
    "an option file, MYSQL_PWD, the program's own setting)"

/* -- the name ------------------------------------------------------------------------------- */

#define RIA_REFUSAL_NO_NAME "\"%.64s\" is no host name; give the endpoint's name alone"
/* Each ends in something to write, which is never shortened: ria_fail_shown() leaves out what
 * stands in front of the semicolon where the whole is too long. */
#define RIA_REFUSAL_OTHER                                                                          \
    "%s is no RDS endpoint: the server would refuse a token signed for it; if it is a tunnel or "  \
    "an alias, say what it stands for: [%s] endpoint = NAME:PORT"
#define RIA_REFUSAL_ALIAS                                                                          \
    "%s is no RDS endpoint, but DNS says that it stands for %s; if that is your database, dial "   \
    "that name, or write [%s:%u] endpoint = %s:%u in %s"
#define RIA_REFUSAL_TUNNEL                                                                         \
    "%s is no RDS endpoint, and the server's host name was not verified; if it is a tunnel, say "  \
    "what it stands for: [%s:%u] endpoint = NAME:PORT, tls = verify-ca"
#define RIA_REFUSAL_TUNNEL_NAME                                                                    \
    "the server's host name was not verified; add tls = verify-ca to this section, or dial the "   \
    "endpoint's own name (a line in /etc/hosts leads it to the tunnel)"

#define RIA_REFUSAL_GLOBAL                                                                         \
    "%s is an Aurora global endpoint, whose name holds no region; say the region of its writer: "  \
    "[%s] region = REGION"
#define RIA_REFUSAL_DSQL                                                                           \
    "%s is an Aurora DSQL endpoint: its tokens are another kind (service dsql), which rds-iam "    \
    "does not make; use aws dsql generate-db-connect-auth-token"
#define RIA_REFUSAL_NO_REGION                                                                      \
    "the name %s holds no region; write the name of the RDS endpoint, or add region = REGION to "  \
    "this section"
#define RIA_REFUSAL_ROLES "more than %d roles stand one on the other; shorten the chain"
#define RIA_REFUSAL_REGION "\"%.64s\" is no region; write one like eu-west-1"

/* -- the credentials ------------------------------------------------------------------------ */

#define RIA_REFUSAL_NO_CREDENTIALS                                                                 \
    "no AWS credentials: set AWS_PROFILE or the AWS_ACCESS_KEY_ID pair. Asked%s"
#define RIA_REFUSAL_MFA                                                                            \
    "the role needs an MFA code, and nobody can be asked for it here; on a terminal, type: %s, "   \
    "which keeps the session for the hooks"
#define RIA_REFUSAL_OUT_OF_TIME                                                                    \
    "getting AWS credentials took longer than a login may; rds-iam credentials --explain shows "   \
    "where the time goes"

/* A credential_process that a login cannot wait for, and what to do: in general, the same in a
 * message that a client would cut, where its output may be cached already, and where there is no
 * directory for that. */
#define RIA_REFUSAL_SLOW_PROCESS                                                                   \
    "the credential_process did not answer within the %d s of a login; %s"
#define RIA_REFUSAL_SLOW_PROCESS_INTERACTIVE                                                       \
    "the credential_process did not answer within %d s; run it by hand to see why"
#define RIA_REMEDY_CACHE_PROCESS                                                                   \
    "set cache_credential_process = yes for this host in %s, then run in this environment: %s"
#define RIA_REMEDY_CACHE_PROCESS_UNNAMED "set cache_credential_process = yes, then run: %s"
#define RIA_REMEDY_RUN_PROCESS "run in this environment: %s"
#define RIA_REMEDY_NO_RUNTIME "correct XDG_RUNTIME_DIR (it is %s), %s"

#define RIA_REFUSAL_CLOCK "the clock shows no date that can be signed; set it"
#define RIA_REFUSAL_NO_URL "is not a URL; write http://ADDRESS/PATH"
#define RIA_REFUSAL_TOKEN_SIZE "the token is too long, or memory ran out"
#define RIA_REMEDY_NETWORK "check the network, HTTPS_PROXY and AWS_CA_BUNDLE"
#define RIA_REMEDY_LATER "try again in a while"
#define RIA_REFUSAL_EXPIRED "the AWS credentials of %s ended at %s; get new ones"

/* -- the agent ------------------------------------------------------------------------------ */

#define RIA_MESSAGE_NO_PASSFILE                                                                    \
    "no service has its passfile here; add a line like this to one in pg_service.conf: "           \
    "passfile=%s/NAME"
#define RIA_MESSAGE_UNKNOWN_KEY                                                                    \
    "libpq does not know \"%.64s\"%s, and refuses the service for it; write key=value without "    \
    "blanks around the ="
#define RIA_MESSAGE_NO_EQUALS " (a line without =)"

#endif
