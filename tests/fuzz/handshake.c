/* SPDX-License-Identifier: MIT
 *
 * The handshake of a hostile server, with the real client libraries: libmariadb with the plugin,
 * and libpq, both with the preload of rds-iam. The client dials the name of an RDS endpoint, for
 * which rds-iam has a token, or another name.
 *
 * Input: a letter and a byte, then the pieces that the server sends (server.h). 'm': libmariadb;
 * 'p': libpq. The bits of the byte select the host, the TLS settings and the password that the
 * program gives.
 *
 * Properties: no crash, no hang; and no token in the bytes that the client sends, because this
 * server cannot complete a TLS handshake. A password that the program gives is sent to a server
 * that asks for it, if the program allows it: this is the control, which runs once at the start. */
#include "scratch.h"
#include "server.h"

#include <libpq-fe.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDPOINT "db.abc.eu-west-1.rds.amazonaws.com"
#define OTHER "db.example" /* not the name of an endpoint, so the preload does not require TLS */
#define PASSWORD "fuzz-password"
#define TOKEN                                                                                      \
    ENDPOINT ":5432/?Action=connect&DBUser=app&X-Amz-Signature="                                   \
             "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

__attribute__((constructor)) static void load_preload(int count, char **arguments)
{
    (void)count;
    fuzz_use_preload(arguments);
}

/* -- clients --------------------------------------------------------------------------------- */

static void connect_mariadb(unsigned choice)
{
    static const char *const passwords[] = {NULL, "", PASSWORD, TOKEN};
    const unsigned timeout = 2;
    const char on = 1;
    const char off = 0;
    MYSQL *mysql = mysql_init(NULL);
    fuzz_require(mysql != NULL);
    (void)mysql_optionsv(mysql, MYSQL_PLUGIN_DIR, FUZZ_PREFIX "/lib/rds-iam/mariadb");
    (void)mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    (void)mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout);
    if ((choice & 4U) != 0) {
        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
        (void)mysql_optionsv(
            mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, (choice & 1U) != 0 ? &on : &off);
    }
    if ((choice & 8U) != 0) {
        (void)mysql_optionsv(mysql, MYSQL_DEFAULT_AUTH, "mysql_clear_password");
    }
    const char *host = (choice & 16U) != 0 ? OTHER : ENDPOINT;
    (void)mysql_real_connect(mysql, host, "app", passwords[choice & 3U], NULL, 3306, NULL, 0);
    fuzz_note(mysql_error(mysql));
    mysql_close(mysql);
}

static void connect_libpq(unsigned choice)
{
    static const char *const modes[] = {
        NULL, "disable", "allow", "prefer", "require", "verify-ca", "verify-full", "prefer"};
    static const char *const passwords[] = {NULL, PASSWORD, TOKEN, ""};
    const char *const keywords[] = {
        "host", "user", "dbname", "connect_timeout", "password", "sslmode", NULL};
    const char *host = (choice & 16U) != 0 ? OTHER : ENDPOINT;
    const char *password = passwords[choice >> 5 & 3U];
    const char *const values[] = {host, "app", "shop", "2", password, modes[choice & 7U], NULL};
    PGconn *conn = PQconnectdbParams(keywords, values, 0);
    fuzz_note(PQerrorMessage(conn));
    PQfinish(conn);
}

static void run(char client, unsigned choice, struct fuzz_input script, struct ria_buf *received)
{
    fuzz_server_play(script);
    (client == 'm' ? connect_mariadb : connect_libpq)(choice);
    fuzz_server_end(received);
    const char length[] = {
        (char)('A' + (received->len > 400 ? 40 : (int)received->len / 10)), '\0'};
    fuzz_note(length);
}

/* -- the control ----------------------------------------------------------------------------- */

/* A greeting of MariaDB without TLS, which asks for mysql_clear_password at once. */
static const uint8_t mariadb_script[] = "\x51\0\0\0\x0a"
                                        "11.4.2-MariaDB\0\1\0\0\0"
                                        "01234567\0\xff\xf7\x2d\2\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0"
                                        "0123456789ab\0mysql_clear_password\0"
                                        "====\n\7\0\0\2\0\0\0\2\0\0\0";

/* AuthenticationCleartextPassword. */
static const uint8_t libpq_script[] = "====\nR\0\0\0\x08\0\0\0\3====\nE\0\0\0\5\0";

static void check_control(char client, unsigned choice, const uint8_t *script, size_t len)
{
    RIA_AUTO(buf) received = {0};
    run(client, choice, (struct fuzz_input){script, len}, &received);
    fuzz_require(fuzz_count(received.data, received.len, PASSWORD) > 0);
}

/* Writes one of the system's certificates, because a client needs a long time for all of them. */
static const char *write_root(void)
{
    static char text[8192];
    static const char end[] = "-----END CERTIFICATE-----\n";
    RIA_AUTO(buf) root = {0};
    FILE *file = fopen("/etc/ssl/certs/ca-certificates.crt", "r");
    fuzz_require(file != NULL && fread(text, 1, sizeof(text) - 1, file) == sizeof(text) - 1);
    (void)fclose(file);
    const char *last = strstr(text, end);
    fuzz_require(last != NULL);
    fuzz_fill(&root, text, (size_t)(last - text) + sizeof(end) - 1);
    return fuzz_scratch_write("root.pem", &root);
}

static void set_up(void)
{
    fuzz_scratch_environment();
    const char *root = write_root();
    fuzz_require(setenv("RDS_IAM_CA", root, 1) == 0 && setenv("RDS_IAM_CA_PUBLIC", root, 1) == 0);
    fuzz_require(mysql_server_init(0, NULL, NULL) == 0);
    check_control('m', 16 | 2, mariadb_script, sizeof(mariadb_script) - 1);
    check_control('p', 32 | 16 | 1, libpq_script, sizeof(libpq_script) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_set;
    struct fuzz_input input = {data, size};
    RIA_AUTO(buf) received = {0};
    if (!is_set) {
        is_set = true;
        set_up();
    }
    char client = (char)fuzz_byte(&input);
    unsigned choice = fuzz_byte(&input);
    if (client != 'p' && (client != 'm' || fuzz_server_crashes_libmariadb(input))) {
        return 0;
    }
    run(client, choice, input, &received);
    fuzz_require(fuzz_count(received.data, received.len, "X-Amz-Signature") == 0);
    return 0;
}
