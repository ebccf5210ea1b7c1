/* SPDX-License-Identifier: MIT
 *
 * Service files, and the decision whether a service qualifies for tokens, compared with the libpq
 * of this machine.
 *
 * Input: the name of a service in the first line, then the user's service file, then the file of
 * the system.
 *
 * PQconnectStart() reads the service and checks all settings. The target gives an invalid
 * target_session_attrs, which libpq checks last. So PQconnectStart() always fails before it opens a
 * connection. Its message shows whether libpq found the service, and whether libpq could read it.
 *
 * Properties:
 *   1. the parser finds the service exactly if libpq finds it;
 *   2. libpq refuses to read the service exactly if the parser has found a line that is too long,
 *      or a line with a setting that this libpq does not support;
 *   3. if libpq reads the service, the parser has the same values;
 *   4. if the service qualifies for tokens, it contains what a token needs, and libpq reads it. Its
 *      first host and port are those that libpq connects to;
 *   5. a message begins with the path of a file, and contains no password.
 *
 * Known differences, which the target leaves out:
 *   - a NUL byte: the parser refuses the file, libpq reads the line up to the NUL;
 *   - a name with a ']': libpq compares the line "[NAME]" with the whole name that the client
 *     gives, the parser ends the name at the first ']';
 *   - a line of a service that begins with "ldap": libpq asks an LDAP server; the parser takes the
 *     line for an unknown key, so that the service does not qualify;
 *   - an empty name: the parser uses it for a line "[NAME" without a ']';
 *   - a service that only the system's file contains, if the user's file contains a line that is
 *     too long: libpq refuses this service. It may qualify, but no client can use it. */
#include "scratch.h"

#include "service/index.h"
#include "service/keyword.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#define LAST_CHECK "invalid target_session_attrs value: \"fuzz\"\n"

struct files {
    char name[128];
    struct ria_buf user;
    struct ria_buf system;
};

/* -- inputs that are left out ---------------------------------------------------------------- */

static bool has_ldap_line(const struct ria_buf *text)
{
    for (size_t i = 0; i + 4 <= text->len; i++) {
        bool is_start = i == 0 || ria_ascii_is_space(text->data[i - 1]);
        if (is_start && memcmp(text->data + i, "ldap", 4) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_compared(const struct files *files)
{
    return files->name[0] != '\0' && strchr(files->name, ']') == NULL &&
           memchr(files->user.data, '\0', files->user.len) == NULL &&
           memchr(files->system.data, '\0', files->system.len) == NULL &&
           !has_ldap_line(&files->user) && !has_ldap_line(&files->system);
}

static bool read_input(struct fuzz_input *input, struct files *out)
{
    RIA_AUTO(buf) first = {0};
    (void)fuzz_piece(input, &first);
    size_t len = strcspn(first.data, "\n");
    if (len >= sizeof(out->name)) {
        return false;
    }
    memcpy(out->name, first.data, len);
    const char *rest = first.data + len + (first.data[len] == '\n' ? 1 : 0);
    fuzz_fill(&out->user, rest, first.len - (size_t)(rest - first.data));
    if (!fuzz_piece(input, &out->system)) {
        fuzz_fill(&out->system, "", 0);
    }
    return is_compared(out);
}

/* -- libpq ----------------------------------------------------------------------------------- */

enum verdict {
    LIBPQ_READS,
    LIBPQ_FINDS_NOTHING,
    LIBPQ_CANNOT_READ,
};

static enum verdict verdict_of(const PGconn *conn)
{
    static const char *const unreadable[] = {
        "syntax error in service file",
        "too long in service file",
        "nested service specifications not supported",
    };
    const char *message = PQerrorMessage(conn);
    fuzz_note(message);
    fuzz_require(PQstatus(conn) == CONNECTION_BAD && *message != '\0');
    if (strncmp(message, "definition of service", 21) == 0) {
        return LIBPQ_FINDS_NOTHING;
    }
    for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++) {
        /* A line of the file may contain such a text, but then it is quoted. */
        const char *at = strstr(message, unreadable[i]);
        if (at != NULL && memchr(message, '"', (size_t)(at - message)) == NULL) {
            return LIBPQ_CANNOT_READ;
        }
    }
    return LIBPQ_READS;
}

static PGconn *ask_libpq(const struct files *files)
{
    const char *const keywords[] = {"service", "target_session_attrs", NULL};
    const char *const values[] = {files->name, "fuzz", NULL};
    fuzz_require(
        setenv("PGSERVICEFILE", fuzz_scratch_write("user", &files->user), 1) == 0 &&
        setenv("PGSYSCONFDIR", fuzz_scratch_directory(), 1) == 0 &&
        setenv("HOME", fuzz_scratch_directory(), 1) == 0);
    (void)fuzz_scratch_write("pg_service.conf", &files->system);
    PGconn *conn = PQconnectStartParams(keywords, values, 0);
    fuzz_require(conn != NULL);
    return conn;
}

/* -- the parser ------------------------------------------------------------------------------ */

struct parsed {
    struct ria_world world;
    const struct files *input;
    struct ria_service_paths paths;
    struct ria_service_file files[RIA_SERVICE_FILES];
    struct ria_service_index index;
};

static const char *get_env(void *self, const char *name)
{
    (void)self;
    return strcmp(name, "PGSERVICEFILE") == 0  ? "/user"
           : strcmp(name, "PGSYSCONFDIR") == 0 ? "/system"
                                               : NULL;
}

static enum ria_outcome read_file(
    void *self, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    const struct parsed *parsed = self;
    (void)err;
    *file = (struct ria_file){0};
    const struct ria_buf *text =
        strcmp(path, "/user") == 0 ? &parsed->input->user : &parsed->input->system;
    ria_buf_add(out, text->data, text->len);
    return RIA_FOUND;
}

static uid_t get_uid(void *self)
{
    (void)self;
    return 0;
}

static void parse(const struct files *files, struct parsed *out)
{
    struct ria_error err;
    out->input = files;
    out->world =
        (struct ria_world){.self = out, .env = get_env, .read_file = read_file, .uid = get_uid};
    ria_service_find(&out->world, "/unused", &out->paths);
    fuzz_require(out->paths.count == RIA_SERVICE_FILES && out->paths.is_first_required);
    for (size_t i = 0; i < RIA_SERVICE_FILES; i++) {
        fuzz_require(
            ria_service_read(out->paths.path[i], i == 0, &out->world, &out->files[i], &err) ==
            RIA_FOUND);
    }
    fuzz_require(ria_service_index_make(out->files, RIA_SERVICE_FILES, NULL, &out->index));
}

static void parsed_release(struct parsed *parsed)
{
    ria_service_index_release(&parsed->index);
    for (size_t i = 0; i < RIA_SERVICE_FILES; i++) {
        ria_service_file_release(&parsed->files[i]);
    }
}

static const struct ria_indexed_service *find_service(const struct parsed *parsed, const char *name)
{
    for (size_t i = 0; i < parsed->index.count; i++) {
        const struct ria_indexed_service *service = &parsed->index.services[i];
        if (strcmp(service->service->name, name) == 0) {
            fuzz_require(service->first == service);
            return service;
        }
    }
    return NULL;
}

/* Returns whether the text has a line that is too long. */
static bool is_cut(const struct ria_buf *text)
{
    size_t start = 0;
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '\n' || i + 1 == text->len) {
            if (i + 1 - start > RIA_SERVICE_LINE_MAX) {
                return true;
            }
            start = i + 1;
        }
    }
    return false;
}

static bool this_libpq_knows(const char *key)
{
    const struct ria_keyword *keyword = ria_keyword_find(key);
    int version = PQlibVersion() / 10000;
    return keyword != NULL && keyword->first <= version && version <= keyword->last;
}

static bool can_be_read(const struct ria_indexed_service *service)
{
    for (size_t i = 0; i < service->service->count; i++) {
        const struct ria_service_setting *setting =
            &service->file->settings[service->service->first + i];
        if (setting->value == NULL || !this_libpq_knows(setting->key)) {
            return false;
        }
    }
    return service->service->long_line == 0;
}

/* -- comparisons ----------------------------------------------------------------------------- */

/* libpq replaces an empty value of some keys by its default; target_session_attrs is given. */
static void check_values(const struct ria_indexed_service *service, PGconn *conn)
{
    PQconninfoOption *options = PQconninfo(conn);
    fuzz_require(options != NULL);
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        const struct ria_service_setting *setting =
            ria_service_setting(service->file, service->service, option->keyword);
        if (setting != NULL && *setting->value != '\0' &&
            strcmp(option->keyword, "target_session_attrs") != 0 && option->val != NULL) {
            fuzz_require(strcmp(setting->value, option->val) == 0);
        }
    }
    PQconninfoFree(options);
}

static const char *value_of(const struct ria_indexed_service *service, const char *key)
{
    const struct ria_service_setting *setting =
        ria_service_setting(service->file, service->service, key);
    return setting == NULL ? "" : setting->value;
}

static void check_valid(const struct ria_indexed_service *service, const PGconn *conn)
{
    struct ria_entry_host host;
    const char *gss = value_of(service, "gssencmode");
    fuzz_require(strcmp(value_of(service, "sslmode"), "verify-full") == 0);
    fuzz_require(*value_of(service, "user") != '\0' && *value_of(service, "password") == '\0');
    fuzz_require(*gss == '\0' || strcmp(gss, "disable") == 0);
    for (size_t i = 0; i < ria_entry_host_count(&service->entry); i++) {
        fuzz_require(ria_entry_host(&service->entry, i, &host));
        fuzz_require(host.host[0] != '\0' && strchr("/@", host.host[0]) == NULL);
        fuzz_require(host.number > 0 && host.number < 65536);
    }
    if (strcmp(PQerrorMessage(conn), LAST_CHECK) == 0) {
        fuzz_require(ria_entry_host(&service->entry, 0, &host));
        fuzz_require(strcmp(PQhost(conn), host.host) == 0);
        const char *port = PQport(conn);
        fuzz_require(strcmp(*port == '\0' ? "5432" : port, host.port) == 0);
    }
}

/* Returns whether only the password of the service contains the secret. */
static bool has_secret_password(const struct ria_indexed_service *service)
{
    bool is_in_password = false;
    bool is_elsewhere =
        fuzz_count(service->service->name, strlen(service->service->name), FUZZ_SECRET) > 0;
    for (size_t i = 0; i < service->service->count; i++) {
        const struct ria_service_setting *setting =
            &service->file->settings[service->service->first + i];
        bool is_secret = setting->value != NULL && strstr(setting->value, FUZZ_SECRET) != NULL;
        bool is_password = strcmp(setting->key, "password") == 0;
        is_in_password = is_in_password || (is_secret && is_password);
        is_elsewhere = is_elsewhere || (is_secret && !is_password);
    }
    return is_in_password && !is_elsewhere;
}

static void check_entry(const struct ria_indexed_service *service, const PGconn *conn)
{
    struct ria_error err = {0};
    if (service->entry.passfile == NULL) {
        fuzz_require(*value_of(service, "passfile") == '\0');
    } else if (ria_service_index_check(service, &err)) {
        check_valid(service, conn);
    } else {
        fuzz_require(strncmp(err.text, service->file->path, strlen(service->file->path)) == 0);
        fuzz_require(
            *value_of(service, "host") == '\0' || strstr(err.text, FUZZ_SECRET) == NULL ||
            !has_secret_password(service));
    }
}

static void compare(const struct files *files, const struct parsed *parsed)
{
    const struct ria_indexed_service *service = find_service(parsed, files->name);
    PGconn *conn = ask_libpq(files);
    enum verdict verdict = verdict_of(conn);
    bool is_shadowed =
        is_cut(&files->user) && (service == NULL || service->file == &parsed->files[1]);
    if (is_shadowed) {
        fuzz_require(verdict == LIBPQ_CANNOT_READ);
    } else if (service == NULL) {
        fuzz_require(verdict == (is_cut(&files->system) ? LIBPQ_CANNOT_READ : LIBPQ_FINDS_NOTHING));
    } else {
        fuzz_require(verdict == (can_be_read(service) ? LIBPQ_READS : LIBPQ_CANNOT_READ));
        if (verdict == LIBPQ_READS) {
            check_values(service, conn);
        }
        check_entry(service, conn);
    }
    PQfinish(conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct files files = {0};
    if (read_input(&input, &files)) {
        struct parsed *parsed = calloc(1, sizeof(*parsed));
        fuzz_require(parsed != NULL);
        parse(&files, parsed);
        compare(&files, parsed);
        parsed_release(parsed);
        free(parsed);
    }
    ria_buf_release(&files.user);
    ria_buf_release(&files.system);
    return 0;
}
