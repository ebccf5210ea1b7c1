/* SPDX-License-Identifier: MIT
 *
 * The arguments of the functions that the preload of rds-iam replaces: connection strings, arrays
 * of keywords and values, and PQsetdbLogin() of libpq; the options of libmariadb.
 *
 * Input: a letter, then the first piece, which is the arguments; the second piece, which is the
 * service file; and the pieces that the server sends (server.h).
 *
 *     s   a connection string for PQconnectdb(); S: for PQconnectStart(); i: for PQping()
 *     p   lines KEYWORD=VALUE for PQconnectdbParams(); e: the same with expand_dbname
 *     l   seven lines for PQsetdbLogin()
 *     m   lines NAME=VALUE: options of libmariadb (see mariadb_options), and host, user, password,
 *         db, port and socket for mysql_real_connect()
 *
 * Properties:
 *   1. no crash, no hang; libpq's functions, except PQping(), return a handle. If the handle has a
 *      message, its status is CONNECTION_BAD;
 *   2. no fresh token is in the bytes that a client sends, and none in a message, because this
 *      server cannot complete a TLS handshake;
 *   3. a token that only the password contains is not sent either. */
#include "scratch.h"
#include "server.h"

#include "base/ascii.h"

#include <libpq-fe.h>
#include <mysql.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAIRS_MAX = 24,
    LOGIN_ARGUMENTS = 7,
};

#define MARK "X-Amz-Signature="

__attribute__((constructor)) static void load_preload(int count, char **arguments)
{
    (void)count;
    fuzz_use_preload(arguments);
}

/* -- the input ------------------------------------------------------------------------------- */

/* Ends the line at `text` with a NUL and returns the next line, or NULL. */
static char *split_line(char *text)
{
    char *end = strchr(text, '\n');
    if (end != NULL) {
        *end++ = '\0';
    }
    return end;
}

struct pairs {
    const char *keys[PAIRS_MAX + 1];
    const char *values[PAIRS_MAX + 1];
    size_t count;
};

static void split_pairs(char *text, struct pairs *out)
{
    while (text != NULL && *text != '\0' && out->count < PAIRS_MAX) {
        char *next = split_line(text);
        char *value = strchr(text, '=');
        if (value != NULL) {
            *value++ = '\0';
            out->keys[out->count] = text;
            out->values[out->count++] = value;
        }
        text = next;
    }
}

/* -- libpq ----------------------------------------------------------------------------------- */

static void finish(PGconn *conn)
{
    fuzz_require(conn != NULL);
    fuzz_require(PQstatus(conn) == CONNECTION_BAD || PQerrorMessage(conn)[0] == '\0');
    fuzz_require(strstr(PQerrorMessage(conn), FUZZ_KEY_ID "%2F") == NULL);
    fuzz_note(PQerrorMessage(conn));
    PQfinish(conn);
}

/* Does not complete the connection: PQconnectPoll() has no time limit, so the client would wait
 * until the server closes the connection. */
static void begin_and_finish(const char *conninfo)
{
    PGconn *conn = PQconnectStart(conninfo);
    fuzz_require(conn != NULL);
    PQfinish(conn);
}

static void set_db_login(char *text)
{
    const char *argument[LOGIN_ARGUMENTS] = {NULL};
    for (size_t i = 0; i < LOGIN_ARGUMENTS && text != NULL; i++) {
        char *next = split_line(text);
        argument[i] = strcmp(text, "NULL") == 0 ? NULL : text;
        text = next;
    }
    finish(PQsetdbLogin(
        argument[0], argument[1], argument[2], argument[3], argument[4], argument[5], argument[6]));
}

static void connect_params(char *text, int expand)
{
    struct pairs pairs = {0};
    split_pairs(text, &pairs);
    finish(PQconnectdbParams(pairs.keys, pairs.values, expand));
}

/* -- libmariadb ------------------------------------------------------------------------------ */

enum option_type {
    OPTION_TEXT,
    OPTION_SWITCH,
    OPTION_NUMBER,
};

static const struct {
    const char *name;
    enum option_type type;
    enum mysql_option option;
} mariadb_options[] = {
    {"ssl_ca", OPTION_TEXT, MYSQL_OPT_SSL_CA},
    {"ssl_capath", OPTION_TEXT, MYSQL_OPT_SSL_CAPATH},
    {"ssl_cert", OPTION_TEXT, MYSQL_OPT_SSL_CERT},
    {"ssl_key", OPTION_TEXT, MYSQL_OPT_SSL_KEY},
    {"ssl_cipher", OPTION_TEXT, MYSQL_OPT_SSL_CIPHER},
    {"ssl_crl", OPTION_TEXT, MYSQL_OPT_SSL_CRL},
    {"tls_version", OPTION_TEXT, MARIADB_OPT_TLS_VERSION},
    {"peer_fp", OPTION_TEXT, MARIADB_OPT_TLS_PEER_FP},
    {"default_auth", OPTION_TEXT, MYSQL_DEFAULT_AUTH},
    {"charset", OPTION_TEXT, MYSQL_SET_CHARSET_NAME},
    {"init_command", OPTION_TEXT, MYSQL_INIT_COMMAND},
    {"option_host", OPTION_TEXT, MARIADB_OPT_HOST},
    {"option_user", OPTION_TEXT, MARIADB_OPT_USER},
    {"option_password", OPTION_TEXT, MARIADB_OPT_PASSWORD},
    {"enforce", OPTION_SWITCH, MYSQL_OPT_SSL_ENFORCE},
    {"verify", OPTION_SWITCH, MYSQL_OPT_SSL_VERIFY_SERVER_CERT},
    {"reconnect", OPTION_SWITCH, MYSQL_OPT_RECONNECT},
    {"compress", OPTION_SWITCH, MYSQL_OPT_COMPRESS},
    {"protocol", OPTION_NUMBER, MYSQL_OPT_PROTOCOL},
};

static void set_option(MYSQL *mysql, const char *name, const char *value)
{
    const unsigned number = (unsigned)strtoul(value, NULL, 10);
    const char is_on = *value == '1' ? 1 : 0;
    for (size_t i = 0; i < sizeof(mariadb_options) / sizeof(mariadb_options[0]); i++) {
        if (strcmp(name, mariadb_options[i].name) == 0) {
            enum option_type type = mariadb_options[i].type;
            (void)mysql_optionsv(
                mysql,
                mariadb_options[i].option,
                type == OPTION_TEXT     ? (const void *)value
                : type == OPTION_SWITCH ? (const void *)&is_on
                                        : (const void *)&number);
        }
    }
}

static const char *find(const struct pairs *pairs, const char *key)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->keys[i], key) == 0) {
            return pairs->values[i];
        }
    }
    return NULL;
}

static void connect_mariadb(char *text)
{
    const unsigned timeout = 2;
    struct pairs pairs = {0};
    split_pairs(text, &pairs);
    MYSQL *mysql = mysql_init(NULL);
    fuzz_require(mysql != NULL);
    (void)mysql_optionsv(mysql, MYSQL_PLUGIN_DIR, FUZZ_PREFIX "/lib/rds-iam/mariadb");
    (void)mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    (void)mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout);
    for (size_t i = 0; i < pairs.count; i++) {
        set_option(mysql, pairs.keys[i], pairs.values[i]);
    }
    const char *port = find(&pairs, "port");
    (void)mysql_real_connect(
        mysql,
        find(&pairs, "host"),
        find(&pairs, "user"),
        find(&pairs, "password"),
        find(&pairs, "db"),
        port == NULL ? 0 : ria_port_parse(port),
        find(&pairs, "socket"),
        0);
    fuzz_note(mysql_error(mysql));
    fuzz_require(strstr(mysql_error(mysql), FUZZ_KEY_ID "%2F") == NULL);
    mysql_close(mysql);
}

/* -- a call ---------------------------------------------------------------------------------- */

static void call(char function, char *text)
{
    switch (function) {
    case 's':
        finish(PQconnectdb(text));
        break;
    case 'S':
        begin_and_finish(text);
        break;
    case 'i':
        fuzz_require(PQping(text) <= PQPING_NO_ATTEMPT);
        break;
    case 'p':
    case 'e':
        connect_params(text, function == 'e' ? 1 : 0);
        break;
    case 'l':
        set_db_login(text);
        break;
    case 'm':
        connect_mariadb(text);
        break;
    default:
        break;
    }
}

/* Returns whether the arguments contain exactly one token, and it is a password. */
static bool has_token_as_password(char function, const struct ria_buf *arguments)
{
    const char *mark = strstr(arguments->data, MARK);
    const char *key = strstr(arguments->data, "\npassword=");
    return strchr("pem", function) != NULL && mark != NULL && key != NULL && key < mark &&
           memchr(key + 1, '\n', (size_t)(mark - key) - 1) == NULL &&
           fuzz_count(arguments->data, arguments->len, MARK) == 1;
}

static void check(char function, const struct ria_buf *arguments, struct fuzz_input script)
{
    RIA_AUTO(buf) text = {0};
    RIA_AUTO(buf) received = {0};
    fuzz_fill(&text, arguments->data, arguments->len);
    fuzz_server_play(script);
    call(function, text.data);
    fuzz_server_end(&received);
    fuzz_require(fuzz_count(received.data, received.len, FUZZ_KEY_ID "%2F") == 0);
    if (has_token_as_password(function, arguments)) {
        fuzz_require(fuzz_count(received.data, received.len, MARK) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_set;
    struct fuzz_input input = {data, size};
    RIA_AUTO(buf) arguments = {0};
    RIA_AUTO(buf) service = {0};
    if (!is_set) {
        is_set = true;
        fuzz_scratch_environment();
        fuzz_require(setenv("PGSYSCONFDIR", fuzz_scratch_directory(), 1) == 0);
        fuzz_require(mysql_server_init(0, NULL, NULL) == 0);
    }
    char function = (char)fuzz_byte(&input);
    (void)fuzz_piece(&input, &arguments);
    /* A client repeats some arguments in its messages. */
    if (fuzz_count(arguments.data, arguments.len, FUZZ_KEY_ID "%2F") > 0) {
        return 0;
    }
    if (!fuzz_piece(&input, &service)) {
        fuzz_fill(&service, "", 0);
    }
    /* A line of a service file can name an LDAP server, for whose response libpq waits. */
    if (fuzz_count(service.data, service.len, "ldap") == 0 &&
        !(function == 'm' && fuzz_server_crashes_libmariadb(input))) {
        fuzz_require(setenv("PGSERVICEFILE", fuzz_scratch_write("service", &service), 1) == 0);
        check(function, &arguments, input);
    }
    return 0;
}
