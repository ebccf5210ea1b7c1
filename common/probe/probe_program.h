/* SPDX-License-Identifier: MIT
 *
 * rds-iam-probe: connects to one database server and prints what it finds, as lines "NAME VALUE".
 * `rds-iam check` starts rds-iam-probe as a child process, because a client library or a server can
 * make a process crash or hang, and because rds-iam itself links no client library and no libssl.
 *
 * No function prints a secret. The arguments of this program contain no password and no token. A
 * client library that this program loads gets its token from rds-iam's plugin or preload.
 */
#ifndef RIA_PROBE_PROBE_PROGRAM_H
#define RIA_PROBE_PROBE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prints the line "NAME VALUE" on stdout and flushes stdout. So if the process is killed later, the
 * reader has this line. Writes a newline in the value as "\n" and a backslash as "\\", and replaces
 * other control characters. */
void probe_print(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns microseconds of a clock that never goes back. */
int64_t probe_ticks(void);

/* -- connection.c ----------------------------------------------------------------------------- */

/* Resolves a host name and connects to the first of its addresses that accepts the connection.
 * `timeout` is the time limit for all addresses together, in milliseconds. On success, prints
 * dns_us, canonical (the name at the end of a chain of aliases), addresses, address and tcp_us, and
 * returns a blocking socket. Each read and each write of the socket has a time limit: the rest of
 * `timeout`, but at least one second. On failure, prints error_stage and error, for a failed
 * connection also error_code, and returns -1. */
int probe_connect(const char *host, const char *port, int timeout);

/* -- greeting.c ------------------------------------------------------------------------------- */

enum probe_engine {
    PROBE_UNKNOWN, /* probe_start_tls() finds out the engine: a MySQL server sends the first
                      message, and a PostgreSQL server waits for the client's first message */
    PROBE_POSTGRES,
    PROBE_MYSQL,
};

/* Prepares the connection for a TLS handshake: sends PostgreSQL's SSLRequest message, or performs
 * MySQL's handshake up to the request for TLS. Prints engine, tls (yes or no) and, for a MySQL
 * server, server_version. Returns true if the server now expects the TLS handshake. If the server
 * refuses the connection, is not a server of this engine, or does not answer, prints error_stage
 * and error, for an error packet of MySQL also error_code. If the server does not answer in time,
 * also prints silent (yes). */
bool probe_start_tls(int fd, enum probe_engine engine);

/* -- tls.c ------------------------------------------------------------------------------------ */

/* Performs a TLS handshake and prints tls_us, protocol, cipher, names, subject, issuer, days_left
 * and these results:
 *   chain        "ok", or OpenSSL's reason;
 *   in_time      "no" if the server's certificate or another one of the chain has expired or is not
 *                valid yet, otherwise not printed;
 *   name         "ok" if the certificate contains `host`, otherwise "mismatch";
 *   signed_name  "ok" if the certificate contains `signed_name`, the host that the token is signed
 *                for, otherwise "mismatch".
 * If the handshake fails, prints error_stage "tls" and error. If the server does not answer in
 * time, also prints silent (yes). If OpenSSL cannot load ca_file, prints error_stage "ca" and
 * error. If OpenSSL cannot prepare the handshake, prints error_stage "library" and error. After a
 * failed verification, continues and prints the reason. If ca_file is NULL, does not verify the
 * chain. */
void probe_tls(int fd, const char *host, const char *signed_name, const char *ca_file);

/* -- load_library.c ------------------------------------------------------------------------- */

struct probe_function {
    const char *name;
    void **out; /* receives the function's address */
};

/* Loads the library and stores the addresses of its functions. If the library or one of the
 * functions is missing, prints error_stage "library" and error, and returns false. The library
 * stays loaded. */
bool probe_load(const char *library, const struct probe_function *functions, size_t count);

/* -- login_postgres.c, login_mysql.c ---------------------------------------------------------- */

/* Loads the client library `library` (a path or a soname) and logs in once. `arguments` contains
 * the name and the value of each connection parameter in turn, and ends with NULL. Prints library,
 * library_version, login ("ok" or "failed"), login_us, error (for MySQL also error_code and
 * sqlstate), and facts about the session: user, server_version, cipher, and for PostgreSQL
 * protocol. Changes nothing on the server. Returns false if the library cannot be loaded or is not
 * a client library of this engine. For MySQL, also returns false if a parameter is unknown or
 * memory runs out. */
bool probe_login_postgres(const char *library, char **arguments);
bool probe_login_mysql(const char *library, char **arguments);

#endif
