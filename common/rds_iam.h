/* SPDX-License-Identifier: MIT
 *
 * The core's one door. The plugins, the agent and the command line tool include this header and
 * nothing else of common/. They ask one question: what token logs this user in at this host and
 * port?
 *
 *     struct ria_login login = {
 *         .host = "prod.cluster-abc.eu-west-1.rds.amazonaws.com", .port = 5432, .user = "etl",
 *         .channel = RIA_CHANNEL_VERIFIED};
 *     RIA_AUTO(token) token = RIA_TOKEN_INIT;
 *     struct ria_error err;
 *     const struct ria_world *world = ria_process_world();
 *     struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
 *     if (ria_token_for(&login, deadline, world, &token, &err) != RIA_FOUND) {
 *         complain(err.text);
 *     }
 *
 * What is behind it: rds-iam's own configuration file says what the dialled name stands for, the
 * endpoint's name gives the region, the chain of credential sources gives the keys, and the token
 * is signed at that moment. Credentials of network sources come from a program of our own,
 * rds-iam-fetch, and are kept in a cache file and in this process (base/secret.h); tokens are not
 * kept.
 *
 * Every function here may be called from any thread. None writes to stdout, changes a signal, the
 * environment, the umask or the working directory, or leaves a file open. A call that needs
 * rds-iam-fetch has a child process while it lasts. Where HOME is unset, a thread of our own asks
 * NSS for the passwd entry, once.
 */
#ifndef RIA_RDS_IAM_H
#define RIA_RDS_IAM_H

#include "aws/token_text.h"
#include "base/ascii.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/messages.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/trust.h"
#include "base/world.h"
#include "os/guest_thread.h"
#include "os/process_world.h"

#include <stdint.h>

#define RIA_VERSION "0.1.0"

/* How well the connection that a token is meant for is protected. A token logs in whoever holds
 * it, so it is made only for a channel that reaches the right server and nobody else. The value
 * that a forgotten initialiser leaves is refused. */
enum ria_channel {
    RIA_CHANNEL_PLAIN,          /* not encrypted */
    RIA_CHANNEL_UNVERIFIED,     /* encrypted, to nobody knows whom */
    RIA_CHANNEL_CHAIN_VERIFIED, /* certificate checked, host name not: needs tls = verify-ca */
    RIA_CHANNEL_VERIFIED,       /* certificate and host name checked */
    RIA_CHANNEL_NONE,           /* none: the token is handed to the person who asked for it */
};

/* Who wants in where. Strings are borrowed for the call. */
struct ria_login {
    const char *host; /* as dialled: name or address, any case */
    unsigned port;    /* as dialled, 1 to 65535 */
    const char *user; /* database user, UTF-8 */
    enum ria_channel channel;
    const char *region;  /* said by the person, beats everything; or NULL */
    const char *profile; /* the same for the AWS profile; or NULL */
};

struct ria_token {
    struct ria_buf text; /* the password to send */
    int64_t expires;     /* seconds since 1970: 15 minutes on, or when its credentials end */
    int64_t credentials_expires; /* 0: they do not say */
    char source[256];            /* of its credentials, for a person: "profile etl" */
};

/* Percent-encoding makes three bytes of one, so 8 KB of session token come to 24 KB. */
enum {
    RIA_TOKEN_TEXT_MAX = 32 * 1024
};

#define RIA_TOKEN_INIT                                                                             \
    {                                                                                              \
        .text = {.max = RIA_TOKEN_TEXT_MAX }                                                       \
    }

/* Makes a token. Answers
 *   FOUND   *token is filled (release it, or use RIA_AUTO(token));
 *   ABSENT  no credentials are configured: err lists each source that was asked and its answer;
 *   FAILED  something is configured and broken, or the request is refused: err says why.
 * *token is unchanged unless FOUND. Never blocks beyond the deadline except in reading local files.
 * Warnings go to world->log. Needs the stack of
 * RIA_GUEST_TOKEN (os/guest_thread.h). err must not be NULL. */
enum ria_outcome ria_token_for(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_token *token,
    struct ria_error *err) RIA_MUST_USE;

/* Does beforehand what a first token needs the dynamic linker's lock for: OpenSSL is set up. For a
 * caller that may hold that lock, as a library's constructor does, and is going to wait for another
 * thread to make its token. Needs 10 KB of stack. What fails here fails with its sentence when the
 * token is made. */
void ria_prepare(void);

/* The credentials that a token would be signed with, for `rds-iam credentials`: another program can
 * use them, and a person can see where they come from. */
struct ria_session {
    struct ria_buf access_key_id;
    struct ria_buf secret_access_key;
    struct ria_buf session_token; /* empty for long-term keys */
    int64_t expires;              /* seconds since 1970; 0: they do not say */
    struct ria_buf explanation;   /* lines for a person: each source asked, what was chosen and why.
                                     Filled whatever the answer is; holds no secret. */
    struct ria_buf mfa_serial;    /* where FAILED with RIA_E_MFA: the device that shows the code */
};

#define RIA_SESSION_INIT                                                                           \
    {                                                                                              \
        .access_key_id = {.max = 128}, .secret_access_key = {.max = 256},                          \
        .session_token = {.max = 8192}, .explanation = {.max = 65536}, .mfa_serial = {.max = 256}, \
    }

/* The chain alone, without a token. login->host may be NULL: then rds-iam's configuration does not
 * count but for cache_credential_process (config/config.h); login->profile may name a profile.
 * mfa_code is what a person typed, or NULL. Three answers as above; err is filled unless FOUND.
 * Blocks until the deadline at most. */
enum ria_outcome ria_session_for(
    const struct ria_login *login,
    const char *mfa_code,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_session *session,
    struct ria_error *err) RIA_MUST_USE;

void ria_session_release(struct ria_session *session);

/* Writes into path the directory that credentials of network sources are kept in: the first
 * (index 0) and any further one that may hold some. False beyond the last. */
bool ria_session_directory(const struct ria_world *world, size_t index, char *path, size_t size);

/* Wipes this process's own copies of credentials. A program of ours calls it at its end. In a guest
 * it may be called whenever the host says that it is done; calls that go on in other threads are
 * not disturbed, and fill the copies again. */
void ria_session_forget(void);

/* What a person can wait for, as against a login. */
enum {
    RIA_INTERACTIVE_BUDGET_MS = 60000
};

/* The first half of the question, for a token that somebody else made (one pasted as a password;
 * aws/token_text.h tells a token from a password):
 * may it be sent over login->channel? Reads the configuration file only where it matters. False
 * with err filled if not. */
bool ria_login_may_send(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_error *err) RIA_MUST_USE;

/* Is the dialled host one that tokens are made for: an RDS name, or one that a section of the
 * configuration gives an endpoint? For a hook that is asked about every server. FOUND; ABSENT if it
 * is neither, with the section to write in err; FAILED if the configuration cannot be read. Looks
 * at names alone, and reads the configuration only where the name does not tell. */
enum ria_outcome ria_login_has_endpoint(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_error *err) RIA_MUST_USE;

/* How the server of a login is verified: for a hook that sets up a connection before it is made. */
struct ria_login_certificate {
    bool chain_suffices; /* tls = verify-ca: the certificate need not have the dialled name */
    bool is_public; /* an endpoint of RDS Proxy or Aurora DSQL: its certificate comes from Amazon's
                       public roots, and not from the roots of RDS */
};

/* Fills *out for a host that ria_login_has_endpoint() finds, and returns what that function
 * returns. For an RDS name whose configuration cannot be read, the name must be verified. */
enum ria_outcome ria_login_certificate(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_login_certificate *out,
    struct ria_error *err) RIA_MUST_USE;

enum {
    RIA_HOST_SHOWN_SIZE = 272
};

/* What a message shows of a host that the user named: the name or the path of a socket as it is; of
 * a URL and of USER:PASSWORD@HOST, which are there by mistake, nothing but the host. */
void ria_show_host(const char *host, char out[RIA_HOST_SHOWN_SIZE]);

/* Is that an RDS name by itself, whatever the configuration makes of it? Certificates hold no
 * other.
 */
bool ria_host_is_rds(const char *host) RIA_MUST_USE;

/* What to do where the client has checked the certificate's chain and not the name, and the dialled
 * name is that of an RDS endpoint: `setting` (the client's setting that checks the name, as "add
 * ..."), and for a client without one the section to write, or `setting` alone if a client would
 * cut it. */
void ria_login_name_remedy(
    const struct ria_login *login,
    const char *setting,
    const struct ria_world *world,
    char out[RIA_ERROR_TEXT_MAX]);

/* A better sentence for a login that has been refused because its host is not known: where DNS says
 * that the dialled name is an alias of an RDS name, *err says so, with the section to write,
 * instead of what it said. Takes 2 seconds at most, and nothing beyond the deadline. */
void ria_alias_explain(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_error *err);

/* Reads rds-iam's configuration as a login would, and checks all of it. False with err filled:
 * "file:line: what is wrong; what to do". */
bool ria_configuration_check(const struct ria_world *world, struct ria_error *err) RIA_MUST_USE;

/* -- for a program that serves others and must not wait --------------------------------------
 *
 * Credentials of network sources, fetched by children in the background. A caller puts
 * ria_background_fetch() into its world as fetch(). It never waits: it gives what an earlier fetch
 * of the same name has brought, or starts one and fails with RIA_E_PENDING. What has come is kept
 * for as long as a token can be signed with it for 15 minutes, and anything else, refusals too, for
 * some seconds, so that a source is not asked at each call. It is wiped when that time is over, and
 * so are the copies that the process keeps of credentials, when these have ended. For one thread.
 */
struct ria_background;

/* NULL without memory or descriptors. `world` tells the time and is borrowed. */
struct ria_background *ria_background_new(const struct ria_world *world);

/* At the deadline the child is killed; what it has brought by then does not count. */
bool ria_background_fetch(
    struct ria_background *background,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err) RIA_MUST_USE;

/* Can be read when ria_background_work() has something to do. Closed with the rest. */
int ria_background_fd(const struct ria_background *background);

/* When ria_background_work() must be called in any case, on the world's ticks; INT64_MAX: never. */
int64_t ria_background_due(const struct ria_background *background);

/* Goes on without waiting. True if a fetch has come to its end, well or not. */
bool ria_background_work(struct ria_background *background);

/* Drops what was brought, because the clock was set or a person asks for it. */
void ria_background_forget(struct ria_background *background);

/* Kills the children. Accepts NULL. */
void ria_background_free(struct ria_background *background);

/* Wipes and frees; leaves an empty token. */
void ria_token_release(struct ria_token *token);

#endif
