/* SPDX-License-Identifier: MIT
 *
 * Passfiles, compared with the libpq of this machine: the lines that rds-iam writes, and the
 * passfile in memory that the preload's token module composes from the user's own passfile.
 *
 * Input: four lines (host, port, database, user), then the user's passfile.
 *
 * The target gives an invalid target_session_attrs, which libpq checks last. So PQconnectStart()
 * finds the password of a connection, and then fails before it opens the connection.
 *
 * Properties:
 *   1. if host, port, user and a password are written as a line, libpq finds this password for
 *      every database. For another user, port or host, libpq finds no password;
 *   2. if the server is not verified, libpq finds no token in the composed passfile. It finds the
 *      password of the user's own passfile, from which the lines with tokens were removed;
 *   3. if the server is verified, libpq finds the same password. If there is no such password, and
 *      tokens are made for the host, libpq finds a fresh token.
 *
 * Known differences, which the target leaves out:
 *   - a line that begins with "#": libpq 14 and later take it for a comment. No host's name begins
 *     with "#";
 *   - a password that ends with CR: libpq removes a CR from the end of a line. A token contains no
 *     CR;
 *   - an empty password in the user's own passfile: libpq ends its search at this line, so it finds
 *     no token in a later line;
 *   - a NUL byte: the module does not use such a passfile. */
#include "scratch.h"

#include "aws/token_text.h"
#include "base/ascii.h"
#include "passfile/passfile.h"
#include "preload/module.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FIELD_MAX = 200
};

struct lookup {
    char host[FIELD_MAX];
    char port[FIELD_MAX];
    char database[FIELD_MAX];
    char user[FIELD_MAX];
};

/* Removes the first line from the text and copies it. Returns false if it is too long. */
static bool take_line(const char **text, char out[FIELD_MAX])
{
    size_t len = strcspn(*text, "\n");
    if (len >= FIELD_MAX) {
        return false;
    }
    memcpy(out, *text, len);
    out[len] = '\0';
    *text += len + ((*text)[len] == '\n' ? 1 : 0);
    return true;
}

/* -- libpq ----------------------------------------------------------------------------------- */

/* Copies the password that libpq finds; "" if it finds none. */
static void look_up(const struct lookup *what, const char *passfile, struct ria_buf *out)
{
    const char *const keywords[] = {
        "host", "port", "dbname", "user", "passfile", "target_session_attrs", NULL};
    const char *const values[] = {
        what->host, what->port, what->database, what->user, passfile, "fuzz", NULL};
    PGconn *conn = PQconnectStartParams(keywords, values, 0);
    fuzz_require(conn != NULL);
    const char *found = PQpass(conn);
    fuzz_require(strncmp(PQerrorMessage(conn), "invalid target_session_attrs", 28) == 0);
    fuzz_fill(out, found, strlen(found));
    PQfinish(conn);
}

static bool is_found(const struct lookup *what, const char *passfile, const char *password)
{
    RIA_AUTO(buf) found = {0};
    look_up(what, passfile, &found);
    return strcmp(found.data, password) == 0;
}

/* Leaves out a list of hosts, for which libpq looks up several passwords, and a socket, which has
 * another name in the passfile. Also leaves out an empty host, port, user or database, for which
 * libpq sets a default. */
static bool is_comparable(const struct lookup *what)
{
    return what->host[0] != '\0' && strchr("/@#", what->host[0]) == NULL &&
           strchr(what->host, ',') == NULL && what->port[0] != '\0' &&
           strchr(what->port, ',') == NULL && what->user[0] != '\0' && what->database[0] != '\0' &&
           strchr(what->host, '\r') == NULL;
}

/* -- lines ----------------------------------------------------------------------------------- */

static void check_written(const struct lookup *what, const char *password)
{
    RIA_AUTO(buf) text = {.max = 65536};
    const struct ria_passfile_line line = {what->host, what->port, what->user, password};
    ria_passfile_add(&text, &line);
    if (strchr(password, '\n') != NULL) {
        fuzz_require(text.failed);
        return;
    }
    fuzz_require(!text.failed);
    size_t len = strlen(password);
    if (len == 0 || password[len - 1] == '\r') {
        return;
    }
    const char *path = fuzz_scratch_write("line", &text);
    fuzz_require(is_found(what, path, password));
    struct lookup other = *what;
    other.database[0] = other.database[0] == 'x' ? 'y' : 'x';
    fuzz_require(is_found(&other, path, password));
    other.user[strlen(other.user) - 1] ^= 1;
    fuzz_require(other.user[strlen(what->user) - 1] == '\0' || is_found(&other, path, ""));
    other = *what;
    other.port[0] = other.port[0] == '1' ? '2' : '1';
    fuzz_require(is_found(&other, path, ""));
    other = *what;
    other.host[0] = other.host[0] == 'a' ? 'b' : 'a';
    fuzz_require(is_found(&other, path, ""));
}

/* -- the composed passfile ------------------------------------------------------------------- */

static struct ria_pq_target target_of(
    const struct lookup *what, const char *passfile, const char *sslmode)
{
    return (struct ria_pq_target){
        .host = what->host,
        .port = what->port,
        .user = what->user,
        .sslmode = sslmode,
        .gssencmode = "disable",
        .passfile = passfile,
        .service_fd = -1,
    };
}

/* Composes the passfile and copies the password that libpq then finds. */
static void look_up_composed(
    const struct lookup *what, const char *own, const char *sslmode, struct ria_buf *out)
{
    const struct ria_pq_module *module = ria_pq_module_for_version(RIA_PQ_MODULE_VERSION);
    const struct ria_pq_target target = target_of(what, own, sslmode);
    struct ria_pq_passfile composed;
    char path[64] = "/nonexistent";
    module->make_passfile(&target, NULL, &composed);
    if (composed.fd >= 0) {
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", composed.fd);
    }
    look_up(what, composed.fd < 0 && !composed.is_hidden ? own : path, out);
    if (composed.fd >= 0) {
        (void)close(composed.fd);
    }
}

/* Copies the lines that contain no token. */
static void remove_tokens(const struct ria_buf *own, struct ria_buf *out)
{
    const char *at = own->data;
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");
        size_t next = len + (at[len] == '\n' ? 1 : 0);
        if (!ria_line_has_token(at, len)) {
            ria_buf_add(out, at, next);
        }
        at += next;
    }
}

/* Returns whether the first line that matches the login has an empty password. Appends a line that
 * matches every login: libpq ends its search at a line with an empty password, and does not find
 * the appended line. */
static bool has_empty_password(const struct lookup *what, const struct ria_buf *own)
{
    RIA_AUTO(buf) longer = {.max = 65536};
    ria_buf_add(&longer, own->data, own->len);
    ria_buf_add_text(&longer, "\n*:*:*:*:fallback\n");
    return is_found(what, fuzz_scratch_write("line", &longer), "");
}

static void check_composed(const struct lookup *what, const struct ria_buf *own)
{
    RIA_AUTO(buf) kept = {.max = 65536};
    RIA_AUTO(buf) found = {0};
    RIA_AUTO(buf) unverified = {0};
    RIA_AUTO(buf) verified = {0};
    remove_tokens(own, &kept);
    look_up(what, fuzz_scratch_write("line", &kept), &found);
    fuzz_require(!ria_is_token(found.data));
    const char *path = fuzz_scratch_write("own", own);
    look_up_composed(what, path, "require", &unverified);
    fuzz_require(!ria_is_token(unverified.data));
    fuzz_require(fuzz_same(&found, &unverified));
    look_up_composed(what, path, "verify-full", &verified);
    if (found.len > 0) {
        fuzz_require(fuzz_same(&found, &verified));
        return;
    }
    struct ria_error err;
    const struct ria_login login = {
        .host = what->host, .port = ria_port_parse(what->port), .user = what->user};
    if (login.port > 0 && !has_empty_password(what, &kept) &&
        ria_login_has_endpoint(&login, ria_process_world(), &err) == RIA_FOUND) {
        fuzz_require(
            ria_is_token(verified.data) && strstr(verified.data, FUZZ_KEY_ID "%2F") != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_set;
    RIA_AUTO(buf) text = {0};
    RIA_AUTO(buf) passfile = {0};
    struct lookup what;
    fuzz_fill(&text, data, size);
    const char *at = text.data;
    if (!is_set) {
        fuzz_scratch_environment(); /* the module uses the process's own world */
        is_set = true;
    }
    if (!take_line(&at, what.host) || !take_line(&at, what.port) ||
        !take_line(&at, what.database) || !take_line(&at, what.user) || !is_comparable(&what)) {
        return 0;
    }
    fuzz_fill(&passfile, at, text.len - (size_t)(at - text.data));
    check_written(&what, passfile.data);
    if (strlen(passfile.data) == passfile.len) {
        check_composed(&what, &passfile);
    }
    return 0;
}
