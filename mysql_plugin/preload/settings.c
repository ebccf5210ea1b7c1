/* SPDX-License-Identifier: MIT
 *
 * Sets options on a handle (MYSQL), with the mysql_options() of the client library that the handle
 * belongs to. Sets nothing if the host is not an RDS host (a host with an RDS name, or one that
 * rds-iam's configuration maps) or is not dialed over TCP. For an RDS host, sets nothing in these
 * cases: the handle has no record; the handle is connected already, or its nonblocking connection
 * is in progress; the library's version is unknown; or the program has turned TLS off. */
#include "preload/settings.h"

#include "preload/dialect.h"
#include "preload/handle_record.h"
#include "preload/host_module.h"

#include "interpose/preload_log.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* -- options that the program sets ------------------------------------------------------------- */

static bool is_empty(const char *text)
{
    return text == NULL || *text == '\0';
}

/* Records whether the program wants TLS. When the preload later removes its own options, it
 * restores this last setting of the program. */
static void record_use_of_tls(const struct ria_handle *handle, bool is_wanted)
{
    ria_handle_change(
        handle,
        RIA_SET_NO_TLS | RIA_BEFORE_TLS,
        is_wanted ? (uint32_t)RIA_BEFORE_TLS : (uint32_t)RIA_SET_NO_TLS);
}

static bool is_off(const char *value)
{
    return value != NULL && *value == 0;
}

/* Records that the program has set a text option. The program's value replaces the preload's value.
 * An empty value counts as not set. */
static void record_text(
    const struct ria_handle *handle, const char *value, uint32_t set, uint32_t ours)
{
    bool has_value = !is_empty(value);
    ria_handle_change(handle, has_value ? ours : set | ours, has_value ? set : 0);
}

static bool is_tcp(const unsigned *protocol)
{
    return protocol != NULL && *protocol == RIA_PROTOCOL_TCP;
}

void ria_settings_record(
    const struct ria_library *library,
    const struct ria_handle *handle,
    int number,
    const void *value)
{
    const struct ria_dialect *dialect = ria_dialect_of(library);
    enum ria_client_option option =
        dialect == NULL ? RIA_OPTIONS : ria_dialect_option(dialect, number);
    switch (option) {
    case RIA_OPTION_CA:
        record_text(handle, value, RIA_SET_CA_FILE, RIA_OURS_CA_FILE);
        break;
    case RIA_OPTION_CA_PATH:
        record_text(handle, value, RIA_SET_CA_PATH, 0);
        break;
    case RIA_OPTION_PLUGIN_DIR:
        record_text(handle, value, RIA_SET_PLUGIN_DIR, RIA_OURS_PLUGIN_DIR);
        break;
    case RIA_OPTION_VERIFY:
    case RIA_OPTION_SSL_MODE:
        ria_handle_change(handle, RIA_OURS_VERIFICATION, RIA_SET_VERIFICATION);
        break;
    case RIA_OPTION_ENFORCE:
        record_use_of_tls(handle, !is_off(value));
        break;
    case RIA_OPTION_FP:
    case RIA_OPTION_FP_LIST:
    case RIA_OPTION_PEER_FP:
    case RIA_OPTION_PEER_FP_LIST:
        record_use_of_tls(handle, true);
        break;
    case RIA_OPTION_PROTOCOL:
        ria_handle_change(handle, RIA_SET_TCP, is_tcp(value) ? RIA_SET_TCP : 0);
        break;
    case RIA_OPTION_DEFAULT_FILE:
    case RIA_OPTION_DEFAULT_GROUP:
        ria_handle_change(handle, 0, RIA_SET_OPTION_FILES);
        break;
    case RIA_OPTIONS:
    default:
        break;
    }
}

void ria_settings_record_ssl(
    const struct ria_library *library,
    const struct ria_handle *handle,
    const char *ca,
    const char *capath)
{
    const struct ria_dialect *dialect = ria_dialect_of(library);
    if (dialect != NULL && dialect->is_mariadb) {
        record_use_of_tls(handle, true);
    }
    record_text(handle, ca, RIA_SET_CA_FILE, RIA_OURS_CA_FILE);
    record_text(handle, capath, RIA_SET_CA_PATH, 0);
}

/* -- options that the preload sets ------------------------------------------------------------- */

/* A handle, and the copy of the client library that the handle belongs to. */
struct setter {
    const struct ria_library *library;
    const struct ria_dialect *dialect;
    struct ria_handle *handle;
    int (*set)(struct ria_handle *handle, int number, const void *value);
    uint32_t flags; /* the handle's record at the start of the connection */
};

static bool setter_find(
    const struct ria_library *library, struct ria_handle *handle, struct setter *out)
{
    *out =
        (struct setter){.library = library, .dialect = ria_dialect_of(library), .handle = handle};
    return out->dialect != NULL && ria_handle_read(handle, &out->flags) &&
           ria_library_function(library, "mysql_options", &out->set);
}

static bool setter_set(
    const struct setter *setter, enum ria_client_option option, const void *value)
{
    int number = setter->dialect->numbers[option];
    return number != RIA_NO_OPTION && setter->set(setter->handle, number, value) == 0;
}

/* Returns the value of a one-byte option of libmariadb. Returns false if the library does not
 * report the value. */
static bool is_on(const struct setter *setter, enum ria_client_option option)
{
    int (*get)(struct ria_handle *, int, void *);
    char value = 0;
    return ria_library_function(setter->library, "mysql_get_option", &get) &&
           get(setter->handle, setter->dialect->numbers[option], &value) == 0 && value != 0;
}

/* Returns the flags that settings_take_back() needs to restore libmariadb's options. The flags are
 * needed because libmariadb turns TLS on for a handle that gets a CA, and leaves TLS on when the CA
 * is removed. */
static uint32_t read_state(const struct setter *setter)
{
    if (!setter->dialect->is_mariadb) {
        return 0;
    }
    return (is_on(setter, RIA_OPTION_VERIFY) ? (uint32_t)RIA_BEFORE_VERIFIED : 0) |
           (is_on(setter, RIA_OPTION_ENFORCE) ? (uint32_t)RIA_BEFORE_TLS : 0);
}

static bool verify_by_mode(const struct setter *setter, unsigned mode)
{
    return setter_set(setter, RIA_OPTION_SSL_MODE, &mode);
}

/* Sets the one-byte option for verification. Used for libmariadb and for MySQL 5.7.3 to 5.7.10,
 * which have no option ssl-mode and reject the number of that option. */
static bool verify_by_flag(const struct setter *setter, bool is_on)
{
    char value = is_on ? 1 : 0;
    return setter_set(setter, RIA_OPTION_VERIFY, &value);
}

/* Turns on verification of the name. There is one exception: if chain_suffices is true and the
 * library is libmariadb up to 3.3, sets nothing. The handle has a CA when this function is called,
 * and with a CA such a library verifies the chain even if verification of the name is off.
 * chain_suffices is true only for libmariadb. */
static bool set_verification(const struct setter *setter, bool chain_suffices)
{
    if (setter->dialect->is_mariadb) {
        bool wants_name =
            !chain_suffices || ria_dialect_is_mariadb_34(setter->dialect, setter->library);
        return !wants_name || verify_by_flag(setter, true);
    }
    return verify_by_mode(setter, RIA_SSL_MODE_VERIFY_IDENTITY) || verify_by_flag(setter, true);
}

static void set_for_host(const struct setter *setter, const struct ria_host_verdict *verdict)
{
    uint32_t flags = setter->flags;
    uint32_t ours = 0;
    bool has_ca = (flags & (RIA_SET_CA_FILE | RIA_SET_CA_PATH)) != 0;
    uint32_t before = read_state(setter);
    if ((flags & RIA_SET_PLUGIN_DIR) == 0 &&
        setter_set(setter, RIA_OPTION_PLUGIN_DIR, setter->dialect->plugin_dir)) {
        ours |= RIA_OURS_PLUGIN_DIR;
    }
    if (!has_ca && verdict->ca != NULL && setter_set(setter, RIA_OPTION_CA, verdict->ca)) {
        ours |= RIA_OURS_CA_FILE;
        has_ca = true;
    }
    /* If the handle has no CA, verification would fail for every RDS server, so it stays off. */
    if ((flags & RIA_SET_VERIFICATION) == 0 && has_ca &&
        set_verification(setter, verdict->chain_suffices)) {
        ours |= RIA_OURS_VERIFICATION;
    }
    ria_handle_change(setter->handle, RIA_BEFORE_VERIFIED | RIA_BEFORE_TLS, ours | before);
}

/* Removes the options that the preload set for an earlier connection of the handle. */
static void settings_take_back(const struct setter *setter)
{
    uint32_t flags = setter->flags;
    if ((flags & RIA_OURS_PLUGIN_DIR) != 0) {
        (void)setter_set(setter, RIA_OPTION_PLUGIN_DIR, NULL);
    }
    if ((flags & RIA_OURS_CA_FILE) != 0) {
        (void)setter_set(setter, RIA_OPTION_CA, NULL);
    }
    if ((flags & RIA_OURS_VERIFICATION) != 0 && !verify_by_mode(setter, RIA_SSL_MODE_PREFERRED)) {
        (void)verify_by_flag(setter, (flags & RIA_BEFORE_VERIFIED) != 0);
    }
    bool has_own_ca = (flags & (RIA_SET_CA_FILE | RIA_SET_CA_PATH)) != 0;
    if (setter->dialect->is_mariadb && !has_own_ca) {
        char value = (flags & RIA_BEFORE_TLS) != 0 ? 1 : 0;
        (void)setter_set(setter, RIA_OPTION_ENFORCE, &value);
    }
    ria_handle_change(setter->handle, RIA_OURS | RIA_BEFORE_VERIFIED | RIA_BEFORE_TLS, 0);
}

/* In both libraries "localhost" means a Unix socket, unless MYSQL_PROTOCOL_TCP is set. */
static bool is_over_tcp(const struct ria_dialed *dialed, uint32_t flags)
{
    return !is_empty(dialed->host) && *dialed->host != '/' &&
           ((flags & RIA_SET_TCP) != 0 || strcmp(dialed->host, "localhost") != 0);
}

/* Returns whether the program has turned TLS off and the library therefore uses no TLS. If the
 * handle has a CA, libmariadb uses TLS even if the program has turned it off. */
static bool is_tls_off(const struct setter *setter)
{
    bool has_ca = (setter->flags & (RIA_SET_CA_FILE | RIA_SET_CA_PATH)) != 0;
    return (setter->flags & RIA_SET_NO_TLS) != 0 && !(setter->dialect->is_mariadb && has_ca);
}

/* Returns whether the handle is connected already; only libmariadb reports this. The library
 * refuses to connect such a handle a second time, and may later reconnect it to its present host.
 * So the handle's settings must not change. */
static bool is_connected(const struct setter *setter)
{
    int (*get_socket)(struct ria_handle *);
    return setter->dialect->is_mariadb &&
           ria_library_function(setter->library, "mysql_get_socket", &get_socket) &&
           get_socket(setter->handle) != -1;
}

static void check_dialed(
    const struct setter *setter, const struct ria_dialed *dialed, struct ria_host_verdict *out)
{
    const struct ria_host_target target = {
        .host = dialed->host,
        .port = dialed->port,
        .user = dialed->user,
        .is_mariadb = setter->dialect->is_mariadb,
        .lacks_ca =
            (setter->flags & (RIA_SET_CA_FILE | RIA_SET_CA_PATH | RIA_SET_OPTION_FILES)) == 0,
    };
    ria_host_query(&target, out);
}

static void log_dialect(const struct ria_library *library)
{
    if (ria_preload_logs(RIA_LOG_DEBUG)) {
        const struct ria_dialect *dialect = ria_dialect_of(library);
        ria_preload_log_library(
            library, "mysql_real_connect", dialect == NULL ? "an unknown library" : dialect->name);
    }
}

void ria_settings_apply(
    const struct ria_library *library, struct ria_handle *handle, const struct ria_dialed *dialed)
{
    int saved = errno;
    log_dialect(library);
    struct setter setter;
    struct ria_host_verdict verdict = {0};
    if (setter_find(library, handle, &setter) && (setter.flags & RIA_IS_CONNECTING) == 0 &&
        !is_connected(&setter)) {
        if (is_over_tcp(dialed, setter.flags) && !is_tls_off(&setter)) {
            check_dialed(&setter, dialed, &verdict);
        }
        if ((setter.flags & RIA_OURS) != 0) {
            settings_take_back(&setter);
        }
        if (verdict.is_ours) {
            set_for_host(&setter, &verdict);
        }
    }
    errno = saved;
}

void ria_settings_forget(const struct ria_library *library, struct ria_handle *handle)
{
    int saved = errno;
    unsigned (*number_of_error)(struct ria_handle *);
    unsigned error = ria_library_function(library, "mysql_errno", &number_of_error)
                         ? number_of_error(handle)
                         : 0;
    if (error != RIA_ERROR_ALREADY_CONNECTED && error != RIA_ERROR_UNKNOWN_PROTOCOL) {
        ria_handle_change(handle, UINT32_MAX, 0);
    }
    errno = saved;
}
