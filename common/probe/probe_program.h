/* SPDX-License-Identifier: MIT
 *
 * rds-iam-probe: connects to one database server and prints what it finds, as lines "NAME VALUE".
 * `rds-iam check` starts it as a child process, because a client library or a server can make a
 * process crash or hang, and because rds-iam itself links no client library and no libssl.
 *
 * No function prints a secret. The program gets no credentials: a client library that it loads gets
 * its token through rds-iam's hooks.
 */
#ifndef RIA_PROBE_PROBE_PROGRAM_H
#define RIA_PROBE_PROBE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prints the line "NAME VALUE" on stdout and flushes it, so that the reader has every earlier line
 * if the process is killed. Writes a newline or a backslash in the value as "\n" or "\\", and
 * replaces other control characters. */
void probe_print(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns microseconds of a clock that never goes back. */
int64_t probe_ticks(void);

/* -- connection.c ----------------------------------------------------------------------------- */

/* Resolves a host name and connects to the first address that accepts the connection within
 * `timeout` milliseconds for all addresses. Prints dns_us, canonical (the name at the end of a
 * chain of aliases), addresses, address and tcp_us; or error_stage and error. Returns a blocking
 * socket whose reads and writes end when the rest of `timeout` has passed, or -1. */
int probe_connect(const char *host, const char *port, int timeout);

/* -- greeting.c ------------------------------------------------------------------------------- */

enum probe_engine {
    PROBE_UNKNOWN, /* find out: a MySQL server sends the first message, a PostgreSQL server waits */
    PROBE_POSTGRES,
    PROBE_MYSQL,
};

/* Prepares the connection for a TLS handshake: the SSLRequest message of PostgreSQL, or the
 * handshake of MySQL up to the request for TLS. Prints engine, tls (yes or no) and, of a MySQL
 * server, server_version. Returns true if the server begins TLS now. Prints error_stage and error
 * if the server refuses the connection, or is not a server of this kind; and silent (yes) if it
 * does not answer in time. */
bool probe_start_tls(int fd, enum probe_engine engine);

/* -- tls.c ------------------------------------------------------------------------------------ */

/* Performs a TLS handshake and prints tls_us, protocol, cipher, chain ("ok" or OpenSSL's reason),
 * in_time (no, if a certificate of the chain has expired or is not valid yet), name and signed_name
 * ("ok" or "mismatch": whether the certificate contains `host`, and `signed_name`, for which the
 * token is signed), names, subject, issuer and days_left. Prints silent (yes) if the server does
 * not answer in time. Continues after a failed verification, because the reason is wanted. ca_file
 * NULL: the chain is not verified. */
void probe_tls(int fd, const char *host, const char *signed_name, const char *ca_file);

/* -- load_library.c ------------------------------------------------------------------------- */

struct probe_function {
    const char *name;
    void **out; /* receives the function's address */
};

/* Loads the library and fills the functions. Prints error_stage "library" and error, and returns
 * false, if the library or a function is missing. The library stays loaded. */
bool probe_load(const char *library, const struct probe_function *functions, size_t count);

/* -- login_postgres.c, login_mysql.c ---------------------------------------------------------- */

/* Loads the client library `library` (a path or a soname) and logs in once. `arguments` are pairs:
 * names of connection parameters and their values, ended by NULL. Prints library, library_version,
 * login ("ok" or "failed"), login_us, error, and what the server reports about itself: user,
 * server_version, protocol, cipher. Changes nothing on the server. Returns false if the library
 * cannot be loaded or is not of this kind. */
bool probe_login_postgres(const char *library, char **arguments);
bool probe_login_mysql(const char *library, char **arguments);

#endif
