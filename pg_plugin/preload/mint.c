/* SPDX-License-Identifier: MIT
 *
 * Tokens as lines of a passfile. A host for which none can be made gets no line, and the reason is
 * in the log: libpq then says that it found no password, or asks for one. */
#include "preload/mint.h"

#include "preload/known.h"

#include "passfile/passfile.h"
#include "service/entry.h"

#include <string.h>

static const struct {
    const char *sslmode;
    enum ria_channel channel;
} channels[] = {
    {"verify-full", RIA_CHANNEL_VERIFIED},
    {"verify-ca", RIA_CHANNEL_CHAIN_VERIFIED},
    {"require", RIA_CHANNEL_UNVERIFIED},
};

/* Before it asks for TLS, libpq offers whoever has a ticket GSSAPI encryption. It then needs no
 * certificate, and a server that has none may take the offer. */
static bool may_be_gss(const struct ria_pq_target *target)
{
    return target->gssencmode != NULL && strcmp(target->gssencmode, "disable") != 0;
}

enum ria_channel ria_channel_of(const struct ria_pq_target *target)
{
    const char *sslmode = target->sslmode;
    for (size_t i = 0; sslmode != NULL && i < sizeof(channels) / sizeof(channels[0]); i++) {
        if (strcmp(channels[i].sslmode, sslmode) == 0) {
            return may_be_gss(target) ? RIA_CHANNEL_UNVERIFIED : channels[i].channel;
        }
    }
    return RIA_CHANNEL_PLAIN; /* "prefer", the default, ends there where a server says so */
}

bool ria_check_gssencmode(const struct ria_pq_target *target, struct ria_error *err)
{
    return !may_be_gss(target) ||
           ria_fail(
               err,
               RIA_E_CHANNEL,
               "gssencmode=%s lets it go through Kerberos to a server whose certificate nobody "
               "verified; set gssencmode=disable or PGGSSENCMODE=disable",
               target->gssencmode);
}

static void say(
    const struct ria_pq_target *target, const char *host, unsigned port, const char *why)
{
    ria_world_log(
        ria_process_world(),
        target->has_token ? RIA_LOG_INFO : RIA_LOG_WARNING,
        "no token for %s at %s:%u: %s",
        target->user,
        host,
        port,
        why);
}

bool ria_mint_token(
    const struct ria_pq_target *target,
    const char *host,
    unsigned port,
    struct ria_deadline deadline,
    struct ria_token *token)
{
    const struct ria_login login = {
        .host = host,
        .port = port,
        .user = target->user,
        .channel = ria_channel_of(target),
    };
    struct ria_error err;
    if (!ria_check_gssencmode(target, &err)) {
        say(target, host, port, err.text);
        return false;
    }
    if (login.channel == RIA_CHANNEL_PLAIN || login.channel == RIA_CHANNEL_UNVERIFIED) {
        (void)ria_fail(
            &err,
            RIA_E_CHANNEL,
            "sslmode=%s lets it go to a server that nobody verified; add sslmode=verify-full and "
            "sslrootcert=FILE, or set PGSSLMODE and PGSSLROOTCERT",
            target->sslmode == NULL ? "prefer" : target->sslmode);
        say(target, host, port, err.text);
        return false;
    }
    if (ria_token_for(&login, deadline, ria_process_world(), token, &err) != RIA_FOUND) {
        say(target, host, port, err.text);
        return false;
    }
    ria_known_add(ria_buf_text(&token->text));
    return true;
}

void ria_mint_spare(size_t spare, struct ria_buf *out)
{
    ria_buf_add_char(out, ':'); /* here the password ends */
    for (size_t i = 0; i < spare; i++) {
        ria_buf_add_char(out, 'x');
    }
}

static void add_line(
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
    ria_mint_spare(spare, out);
    ria_buf_add_char(out, '\n');
}

/* The text that libpq looks a host up by: its name, or where it has none its address. */
static bool take_host(
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

size_t ria_mint_lines(const struct ria_pq_target *target, size_t spare, struct ria_buf *out)
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
        if (take_host(&names, &addresses, i, &host) && !is_socket(&host) &&
            ria_mint_token(target, host.host, host.number, deadline, &token)) {
            add_line(&host, target, &token, spare, out);
            made++;
        }
    }
    return made;
}
