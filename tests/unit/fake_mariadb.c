/* SPDX-License-Identifier: MIT
 *
 * Function tables that stand for Connector/C. */
#include "fake_mariadb.h"

#include "unit.h"

/* The functions of the tables receive the connection, which is the first member of the fake. */
static struct ria_fake_mariadb *fake_of(struct ria_mariadb *mysql)
{
    return (struct ria_fake_mariadb *)mysql;
}

/* The fake of the running test. get_info() needs it, because it gets no connection when it is asked
 * about the library. */
static struct ria_fake_mariadb *current;

static char get_info(struct ria_mariadb *mysql, int value, void *out, ...)
{
    if (value == RIA_MARIADB_INFO_TLS_LIBRARY && mysql == NULL && current->tls_library != NULL) {
        memcpy(out, &current->tls_library, sizeof(current->tls_library));
        return 0;
    }
    if (value == RIA_MARIADB_INFO_TLS_VERIFY_STATUS && mysql != NULL && current->has_status) {
        memcpy(out, &current->status, sizeof(current->status));
        return 0;
    }
    return (char)-1; /* my_bool is char, which is unsigned on some processors */
}

static const char *get_ssl_cipher(struct ria_mariadb *mysql)
{
    const char *cipher = fake_of(mysql)->cipher;
    cipher = cipher == NULL ? "TLS_AES_256_GCM_SHA384" : cipher;
    return fake_of(mysql)->tls ? cipher : NULL;
}

static int get_option(struct ria_mariadb *mysql, int option, void *out, ...)
{
    const struct ria_fake_mariadb *fake = fake_of(mysql);
    if (option == RIA_MARIADB_OPT_SSL_VERIFY_SERVER_CERT) {
        memcpy(out, &fake->is_verification_on, 1);
        return fake->option_result;
    }
    if (option == RIA_MARIADB_OPT_DEFAULT_AUTH) {
        memcpy(out, &fake->default_auth, sizeof(fake->default_auth));
        return 0;
    }
    return -1;
}

__attribute__((format(printf, 4, 5))) static void set_error(
    struct ria_mariadb *mysql, unsigned code, const char *sqlstate, const char *format, ...)
{
    struct ria_fake_mariadb *fake = fake_of(mysql);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fake->error, sizeof(fake->error), format, args);
    va_end(args);
    fake->error_code = code;
    (void)snprintf(fake->sqlstate, sizeof(fake->sqlstate), "%s", sqlstate);
    fake->error_count++;
}

static struct ria_fake_mariadb *fake_of_vio(struct ria_mariadb_vio *vio)
{
    char *at = (char *)vio - offsetof(struct ria_fake_mariadb, vio);
    return (struct ria_fake_mariadb *)(void *)at;
}

static int read_packet(struct ria_mariadb_vio *vio, unsigned char **packet)
{
    struct ria_fake_mariadb *fake = fake_of_vio(vio);
    fake->reads++;
    if (fake->packet != NULL) {
        (void)snprintf(fake->read, sizeof(fake->read), "%s", fake->packet);
        *packet = (unsigned char *)fake->read;
        fake->mysql.net.read_pos = fake->is_from_greeting ? NULL : *packet;
    }
    return fake->read_fails ? -1 : 0;
}

static int write_packet(struct ria_mariadb_vio *vio, const unsigned char *packet, size_t len)
{
    struct ria_fake_mariadb *fake = fake_of_vio(vio);
    assert_true(fake->sent_len + len <= sizeof(fake->sent));
    if (len > 0) {
        memcpy(fake->sent + fake->sent_len, packet, len);
    }
    fake->sent_len += len;
    fake->packets++;
    return fake->write_fails ? 1 : 0;
}

void ria_fake_mariadb_init(struct ria_fake_mariadb *fake)
{
    static char host[] = "db.example";
    static char user[] = "etl";
    static char no_password[] = "";
    memset(fake, 0, sizeof(*fake));
    current = fake;
    fake->api.get_info = get_info;
    fake->api.get_ssl_cipher = get_ssl_cipher;
    fake->api.get_option = get_option;
    fake->methods.set_error = set_error;
    fake->methods.api = &fake->api;
    fake->pvio.type = RIA_MARIADB_SOCKET_TCP;
    fake->pvio.mysql = &fake->mysql;
    fake->vio.read_packet = read_packet;
    fake->vio.write_packet = write_packet;
    fake->mysql.methods = &fake->methods;
    fake->mysql.net.pvio = &fake->pvio;
    fake->mysql.host = host;
    fake->mysql.user = user;
    fake->mysql.passwd = no_password;
    fake->mysql.port = 3306;
}
