/* SPDX-License-Identifier: MIT
 *
 * Makes tokens and writes them as lines of a passfile. If no token can be made for a host, the
 * passfile has no line for this host, and the reason is logged. libpq then reports that it found no
 * password, or the program asks the user for a password. */
#include "preload/token_passfile.h"

#include "preload/key_history.h"

#include "base/text.h"
#include "passfile/passfile.h"
#include "service/gssencmode.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *sslmode;
    enum ria_channel channel;
} channels[] = {
    {"verify-full", RIA_CHANNEL_VERIFIED},
    {"verify-ca", RIA_CHANNEL_CHAIN_VERIFIED},
    {"require", RIA_CHANNEL_UNVERIFIED},
};

enum ria_channel ria_channel_of(const struct ria_pq_target *target)
{
    const char *sslmode = target->sslmode;
    for (size_t i = 0; sslmode != NULL && i < sizeof(channels) / sizeof(channels[0]); i++) {
        if (strcmp(channels[i].sslmode, sslmode) == 0) {
            return ria_gssencmode_allows(target->gssencmode) ? RIA_CHANNEL_UNVERIFIED
                                                             : channels[i].channel;
        }
    }
    return RIA_CHANNEL_PLAIN; /* "prefer", the default, falls back to plain text if the server
                                 refuses TLS */
}

/* libpq ignores sslmode for a Unix socket (fe-connect.c of PostgreSQL 10 to 18). */
static bool check_sockets(const struct ria_pq_target *target, struct ria_error *err)
{
    if (!target->has_socket) {
        return true;
    }
    if (target->host == NULL && target->hostaddr == NULL) {
        return ria_fail(
            err,
            RIA_E_CHANNEL,
            "no host is set, so libpq uses a Unix socket, which it never encrypts; set host= or "
            "PGHOST "
            "to the endpoint");
    }
    return ria_fail(
        err,
        RIA_E_CHANNEL,
        "the list of hosts (%.200s) contains a Unix socket, which libpq never encrypts; "
        "list only endpoints (host=, PGHOST)",
        target->host != NULL ? target->host : target->hostaddr);
}

static bool token_passfile_check_gssencmode(
    const struct ria_pq_target *target, struct ria_error *err)
{
    return !ria_gssencmode_allows(target->gssencmode) ||
           ria_fail(
               err,
               RIA_E_CHANNEL,
               "gssencmode=%s: " RIA_GSSENCMODE_DANGER
               "; set gssencmode=disable or PGGSSENCMODE=disable",
               target->gssencmode);
}

bool ria_check_target(const struct ria_pq_target *target, struct ria_error *err)
{
    const struct ria_world *world = ria_process_world();
    return (target->service_path == NULL ||
            ria_service_check(target->service_path, target->service_fd, world, err)) &&
           check_sockets(target, err) && token_passfile_check_gssencmode(target, err);
}

/* -- refusals -------------------------------------------------------------------------------- */

void ria_refusals_release(struct ria_refusals *refusals)
{
    free(refusals->items);
    *refusals = (struct ria_refusals){0};
}

/* Appends a refusal. If memory runs out, the refusal is dropped and not logged. */
static void add_refusal(
    struct ria_refusals *refusals, const struct ria_entry_host *host, const struct ria_error *err)
{
    struct ria_refusal *items =
        reallocarray(refusals->items, refusals->count + 1, sizeof(*refusals->items));
    if (items != NULL) {
        items[refusals->count++] = (struct ria_refusal){.host = *host, .err = *err};
        refusals->items = items;
    }
}

void ria_token_passfile_refusal(
    const char *user, const char *host, unsigned port, const char *why, char out[RIA_LOG_LINE_MAX])
{
    char shown[RIA_HOST_SHOWN_SIZE];
    ria_show_host(host, shown);
    (void)ria_text_format(
        out, RIA_LOG_LINE_MAX, "no token for %s at %s:%u: %s", user, shown, port, why);
}

/* Returns true if `own` contains a line in the form that an agent writes, for that host, port and
 * user, with a token that has at least a minute left. */
static bool has_line(const struct ria_buf *own, const struct ria_entry_host *host, const char *user)
{
    RIA_AUTO(buf) key = {.max = 4096};
    const struct ria_passfile_line line = {
        .host = host->host, .port = host->port, .user = user, .password = ""};
    ria_passfile_add(&key, &line);
    if (ria_buf_text(&key) == NULL || own->len == 0) {
        return false;
    }
    size_t len = key.len - 1; /* without its newline */
    const char *at = own->data;
    int64_t now = ria_process_world()->now(NULL);
    while (at != NULL && (strncmp(at, key.data, len) != 0 || ria_token_is_over(at, now))) {
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    return at != NULL;
}

void ria_token_passfile_log_refusals(
    const struct ria_pq_target *target,
    const struct ria_refusals *refusals,
    const struct ria_buf *own)
{
    for (size_t i = 0; i < refusals->count; i++) {
        const struct ria_entry_host *host = &refusals->items[i].host;
        bool has_token = target->has_token || has_line(own, host, target->user);
        char text[RIA_LOG_LINE_MAX];
        ria_token_passfile_refusal(
            target->user, host->host, host->number, refusals->items[i].err.text, text);
        ria_world_log(ria_process_world(), has_token ? RIA_LOG_INFO : RIA_LOG_WARNING, "%s", text);
    }
}

/* -- tokens ---------------------------------------------------------------------------------- */

bool ria_token_passfile_token(
    const struct ria_pq_target *target,
    const char *host,
    unsigned port,
    struct ria_deadline deadline,
    struct ria_token *token,
    struct ria_error *err)
{
    const struct ria_login login = {
        .host = host,
        .port = port,
        .user = target->user,
        .channel = ria_channel_of(target),
    };
    if (!ria_check_target(target, err)) {
        return false;
    }
    if (login.channel == RIA_CHANNEL_PLAIN || login.channel == RIA_CHANNEL_UNVERIFIED) {
        if (ria_login_has_endpoint(&login, ria_process_world(), err) != RIA_FOUND) {
            return false; /* sslmode=verify-full would not help; err names the remedy */
        }
        /* If RDS_IAM_CA or RDS_IAM_CA_PUBLIC is set, rds-iam exec has root certificates, so the
         * preload turns verification on if sslmode is not set. */
        const struct ria_world *world = ria_process_world();
        bool has_roots = ria_world_env(world, "RDS_IAM_CA") != NULL ||
                         ria_world_env(world, "RDS_IAM_CA_PUBLIC") != NULL;
        return ria_fail(
            err,
            RIA_E_CHANNEL,
            "sslmode=%s would send the token to an unverified server; %s",
            target->sslmode == NULL ? "prefer" : target->sslmode,
            has_roots ? "remove it (also PGSSLMODE), or set sslmode=verify-full"
                      : "add sslmode=verify-full and sslrootcert=FILE, or set PGSSLMODE and "
                        "PGSSLROOTCERT");
    }
    if (ria_token_for(&login, deadline, ria_process_world(), token, err) != RIA_FOUND) {
        return false;
    }
    ria_key_history_add(ria_buf_text(&token->text));
    return true;
}

void ria_token_passfile_add_spare(size_t spare, struct ria_buf *out)
{
    ria_buf_add_char(out, ':'); /* libpq's password ends here */
    for (size_t i = 0; i < spare; i++) {
        ria_buf_add_char(out, 'x');
    }
}

static void token_passfile_add_line(
    const struct ria_entry_host *host,
    const struct ria_pq_target *target,
    const struct ria_token *token,
    size_t spare,
    struct ria_buf *out)
{
    const struct ria_passfile_line line = {
        .host = host->host,
        .port = host->port,
        .user = target->user,
        .password = ria_buf_text(&token->text),
    };
    ria_passfile_add(out, &line);
    if (spare == 0 || out->failed) {
        return;
    }
    out->len--; /* its newline */
    ria_token_passfile_add_spare(spare, out);
    ria_buf_add_char(out, '\n');
}

/* Fills *out with the text by which libpq finds a host in the passfile: the host's name or, if the
 * host has no name, its address. Returns false if the host has neither a name nor an address, or if
 * its name or port is not valid. */
static bool token_passfile_get_host(
    const struct ria_entry *names,
    const struct ria_entry *addresses,
    size_t index,
    struct ria_entry_host *out)
{
    if (ria_entry_host(names, index, out) && out->host[0] != '\0') {
        return true;
    }
    return ria_entry_host(addresses, index, out) && out->host[0] != '\0';
}

static bool is_socket(const struct ria_entry_host *host)
{
    return host->host[0] == '/' || host->host[0] == '@';
}

static enum ria_pq_ca ca_of_host(
    const struct ria_pq_target *target, const struct ria_entry_host *host)
{
    const struct ria_login login = {
        .host = host->host,
        .port = host->number,
        .user = target->user,
        .channel = RIA_CHANNEL_VERIFIED,
    };
    struct ria_error unused;
    struct ria_login_certificate certificate = {0};
    if (is_socket(host) ||
        ria_login_certificate(&login, ria_process_world(), &certificate, &unused) != RIA_FOUND) {
        return RIA_PQ_CA_NONE;
    }
    /* A chain that ends at a public root proves nothing about the server, so the server's name must
     * also be verified. */
    if (certificate.is_public) {
        return RIA_PQ_CA_PUBLIC;
    }
    return certificate.chain_suffices ? RIA_PQ_CA_RDS_CHAIN : RIA_PQ_CA_RDS;
}

/* Returns the root certificates for a connection with two hosts, which need `first` and `second`. A
 * connection has only one file of root certificates and one sslmode. If the hosts differ, the
 * connection gets sslmode=verify-full and the roots of RDS, because most lists of hosts name
 * instances. */
static enum ria_pq_ca ca_of_both(enum ria_pq_ca first, enum ria_pq_ca second)
{
    if (first == RIA_PQ_CA_NONE || second == RIA_PQ_CA_NONE) {
        return RIA_PQ_CA_NONE;
    }
    return first == second ? first : RIA_PQ_CA_RDS;
}

enum ria_pq_ca ria_target_ca(const struct ria_pq_target *target)
{
    const struct ria_entry names = {.host = target->host, .port = target->port};
    const struct ria_entry addresses = {.host = target->hostaddr, .port = target->port};
    size_t count = target->host == NULL ? 0 : ria_entry_host_count(&names);
    enum ria_pq_ca found = RIA_PQ_CA_NONE;
    for (size_t i = 0; target->user != NULL && i < count && (i == 0 || found != RIA_PQ_CA_NONE);
         i++) {
        struct ria_entry_host host;
        enum ria_pq_ca one = token_passfile_get_host(&names, &addresses, i, &host)
                                 ? ca_of_host(target, &host)
                                 : RIA_PQ_CA_NONE;
        found = i == 0 ? one : ca_of_both(found, one);
    }
    return found;
}

/* Checks the user's name. Host names need no such check, because no token is made for a host name
 * that contains a newline. */
static bool token_passfile_check_user(const char *user, struct ria_error *err)
{
    return strchr(user, '\n') == NULL ||
           ria_fail(
               err,
               RIA_E_USAGE,
               "the user name contains a line break, which no passfile can contain; rename the "
               "database user");
}

size_t ria_token_passfile_add_lines(
    const struct ria_pq_target *target,
    size_t spare,
    struct ria_buf *out,
    struct ria_refusals *refusals)
{
    const struct ria_world *world = ria_process_world();
    const struct ria_entry names = {.host = target->host, .port = target->port};
    const struct ria_entry addresses = {.host = target->hostaddr, .port = target->port};
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    size_t count = ria_entry_host_count(target->host != NULL ? &names : &addresses);
    size_t made = 0;
    for (size_t i = 0; target->user != NULL && i < count; i++) {
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        struct ria_entry_host host;
        struct ria_error err;
        if (!token_passfile_get_host(&names, &addresses, i, &host) || is_socket(&host)) {
            continue;
        }
        if (token_passfile_check_user(target->user, &err) &&
            ria_token_passfile_token(target, host.host, host.number, deadline, &token, &err)) {
            token_passfile_add_line(&host, target, &token, spare, out);
            made++;
        } else {
            add_refusal(refusals, &host, &err);
        }
    }
    return made;
}
