/* SPDX-License-Identifier: MIT
 *
 * The public interface of the core. The plugins and the command-line tool include no header of the
 * core except this one. The main function, ria_token_for(), makes a token, which is the password
 * with which a given database user can log in at a given host and port, for at most 15 minutes:
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
 * ria_token_for() looks the host up in rds-iam's own configuration file, which may map the host to
 * an endpoint of RDS or Aurora DSQL. The function takes the region from the endpoint's name and the
 * AWS credentials from the chain of credential sources, and signs a new token. A separate program,
 * rds-iam-fetch, gets credentials from sources on the network. These credentials are cached in a
 * file and in this process (base/secret.h). Tokens are not cached.
 *
 * Every function here may be called from any thread. No function writes to stdout, or changes a
 * signal handler, the environment, the umask or the working directory. A call that needs
 * rds-iam-fetch runs it as a child process, and the child ends before the call returns. Only the
 * functions for background fetches (below) leave a child running and descriptors open. If HOME is
 * unset or blank, a thread of the core looks up the user's passwd entry through NSS, and the
 * process caches the result (os/process_world.h).
 */
#ifndef RIA_RDS_IAM_H
#define RIA_RDS_IAM_H

#include "aws/identity.h"
#include "aws/inquiry.h"
#include "aws/token_text.h"
#include "base/ascii.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/messages.h"
#include "base/object.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/trust.h"
#include "base/world.h"
#include "os/guest_thread.h"
#include "os/process_world.h"

#include <stdint.h>

#define RIA_VERSION "0.1.0"

/* The protection of the connection over which a token will be sent. Anyone who has a token can log
 * in with it, so a token is made only for a connection to an authenticated server. A zeroed struct
 * ria_login has the value RIA_CHANNEL_PLAIN, which is refused. */
enum ria_channel {
    RIA_CHANNEL_PLAIN,          /* not encrypted */
    RIA_CHANNEL_UNVERIFIED,     /* encrypted, but the server is not authenticated */
    RIA_CHANNEL_CHAIN_VERIFIED, /* only the certificate chain is verified: refused without tls =
                                   verify-ca */
    RIA_CHANNEL_VERIFIED,       /* certificate and host name verified */
    RIA_CHANNEL_NONE, /* no connection: the token is shown to the user who asked for it, or
                         no token is made */
};

/* A login request. Strings are borrowed for the call. */
struct ria_login {
    const char *host; /* as given to the client: name or address, any case */
    unsigned port;    /* as given to the client, 1 to 65535 */
    const char *user; /* database user, UTF-8 */
    enum ria_channel channel;
    const char *region;  /* from the command line, overrides every other region; or NULL */
    const char *profile; /* AWS profile from the command line, overrides every other profile; or
                            NULL */
    bool is_mysql;   /* the client uses the protocol of MySQL, which Aurora DSQL does not support */
    bool is_service; /* the host is in a service with sslmode=verify-full, so the client compares
                        the host with the certificate, whatever rds-iam's configuration sets */
};

struct ria_token {
    struct ria_buf text;         /* the password to send */
    int64_t expires;             /* seconds since 1970: 15 minutes after the token was made, or when
                                    the credentials expire if that is earlier */
    int64_t credentials_expires; /* seconds since 1970; 0: the source reports no time */
    int64_t credentials_renewal; /* when the credentials are due for a renewal, seconds since 1970;
                                    0: never */
    char source[256];            /* the source of the credentials, for display: "profile etl" */
};

/* Percent-encoding turns one byte into up to three, so a session token of 8 KB takes up to 24 KB of
 * these 32 KB. */
enum {
    RIA_TOKEN_TEXT_MAX = 32 * 1024
};

#define RIA_TOKEN_INIT                                                                             \
    {                                                                                              \
        .text = {.max = RIA_TOKEN_TEXT_MAX }                                                       \
    }

/* Makes a token. Returns
 *   FOUND   *token is filled (release it, or use RIA_AUTO(token));
 *   ABSENT  no credentials are configured: err lists each source and why the source has no
 *           credentials;
 *   FAILED  a configured source is broken, or the login is refused: err contains the reason.
 * If the outcome is not FOUND, *token is unchanged, or its text is empty. If the caller passes the
 * same *token in the next call, its memory is used again, and the next token needs no allocation.
 * The call returns by the deadline, unless reading a local file takes longer. Warnings are written
 * to world->log. Making a token needs 40 KB of stack. If the caller's stack may be smaller, call
 * this function through ria_guest_run() (os/guest_thread.h). err must not be NULL. */
enum ria_outcome ria_token_for(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_token *token,
    struct ria_error *err) RIA_MUST_USE;

/* Initializes OpenSSL before the first token is made, because that initialization takes the dynamic
 * linker's lock. A library's constructor, for example, runs while its thread holds this lock. If
 * such code waits for another thread that makes a token, it must call this function first;
 * otherwise the other thread waits for the lock, and neither thread continues. The call needs 10 KB
 * of stack. It reports no failure, because ria_token_for() later fails for the same reason. */
void ria_prepare(void);

/* The credentials that would sign a token, for `rds-iam credentials`: other programs can use them,
 * and the user can see where they come from. */
struct ria_session {
    struct ria_buf access_key_id;
    struct ria_buf secret_access_key;
    struct ria_buf session_token; /* empty for long-term keys */
    int64_t expires;              /* seconds since 1970; 0: the source reports no time */
    struct ria_buf explanation;   /* lines for the user: each source that was tried, which one was
                                     chosen and why. Also filled if no credentials are found.
                                     Contains no secret. */
    struct ria_buf mfa_serial;    /* on FAILED with RIA_E_MFA: the MFA device that shows the code */
};

#define RIA_SESSION_INIT                                                                           \
    {                                                                                              \
        .access_key_id = {.max = 128}, .secret_access_key = {.max = 256},                          \
        .session_token = {.max = 8192}, .explanation = {.max = 65536}, .mfa_serial = {.max = 256}, \
    }

/* Runs the chain of credential sources without making a token. If login->host is NULL, rds-iam's
 * configuration is used only for its key cache_credential_process (rds-iam.conf(5)). login->profile
 * may name a profile. mfa_code is the code that the user entered, or NULL. Returns the same
 * outcomes as ria_token_for(); err is filled unless the outcome is FOUND. Blocks at most until the
 * deadline. */
enum ria_outcome ria_session_for(
    const struct ria_login *login,
    const char *mfa_code,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_session *session,
    struct ria_error *err) RIA_MUST_USE;

/* Gets the identity of the credentials that would sign a token for *login, and compares this
 * machine's clock with the clock of STS. login->host may be NULL, as for ria_session_for(). Sends
 * GetCallerIdentity to STS, through rds-iam-fetch. Returns the same outcomes as ria_session_for().
 * Also returns FAILED if STS cannot be reached or rejects the credentials; if STS rejected them,
 * out->has_difference may be true. Blocks at most until the deadline. */
enum ria_outcome ria_session_identity(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_identity *out,
    struct ria_error *err) RIA_MUST_USE;

/* Asks AWS a question. Sends one request to RDS or IAM, through rds-iam-fetch, with the credentials
 * that would sign a token for *login, in the region for which the token would be signed.
 * login->host must not be NULL. Changes nothing. Returns the same outcomes as ria_session_for().
 * Also returns FAILED if AWS gives no answer. In this case out->kind shows the reason, for example
 * that AWS does not permit the request, or that no object has the name. Blocks at most until the
 * deadline. */
enum ria_outcome ria_session_ask(
    const struct ria_login *login,
    const struct ria_inquiry *inquiry,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_answer *out,
    struct ria_error *err) RIA_MUST_USE;

/* Wipes and frees the members of *session, which is empty afterwards. */
void ria_session_release(struct ria_session *session);

/* Copies to the array `path` the path of a directory in which credentials of network sources are
 * cached. Index 0 is the directory in use; higher indexes are further directories that may contain
 * cached credentials. Returns false if there is no directory with this index. */
bool ria_session_directory(const struct ria_world *world, size_t index, char *path, size_t size);

/* Wipes the credentials that this process has cached in memory. A program of rds-iam calls this
 * function before it exits. A plugin may call it at any time, for example when its host program has
 * finished. Calls that run in other threads continue, and cache their credentials again. */
void ria_session_forget(void);

/* The time limit for commands that a user runs at a terminal, in milliseconds. A login has a
 * shorter limit (RIA_LOGIN_BUDGET_MS). */
enum {
    RIA_INTERACTIVE_BUDGET_MS = 60000
};

/* Returns whether a token that rds-iam did not make, such as a token that the user pasted as a
 * password, may be sent over login->channel. aws/token_text.h distinguishes a token from a
 * password. Reads the configuration file only if the answer depends on it. Returns false with err
 * filled if the token must not be sent. */
bool ria_login_may_send(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_error *err) RIA_MUST_USE;

/* Finds out whether tokens are made for login->host. Tokens are made if the host is a name of RDS
 * or Aurora DSQL, or if the section of the configuration for the host has the key `endpoint`. For a
 * MySQL client, tokens are not made for Aurora DSQL. This function is for a plugin or preload that
 * is called for every server. Compares names only. Does not read the configuration if the name of
 * the host alone shows that tokens are made. Returns
 *   FOUND   tokens are made for this host;
 *   ABSENT  tokens are not made for this host: err contains the reason. If a section of the
 *           configuration can change this, err also contains the section to write;
 *   FAILED  the configuration cannot be read: err contains the reason. */
enum ria_outcome ria_login_has_endpoint(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_error *err) RIA_MUST_USE;

/* Checks the host of a service with sslmode=verify-full. Returns false with err filled in three
 * cases: the host is a misspelled endpoint; the host is an endpoint with a final dot; or a section
 * maps the host to an endpoint whose certificate does not contain the host, so that the client
 * rejects the server. Returns true for every other host, even if no token is made for it. */
bool ria_service_check_host(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_error *err) RIA_MUST_USE;

enum {
    RIA_LOGIN_PLACE_SIZE = 256
};

/* How a client must verify the server of a login. A preload uses this struct to set the TLS options
 * of a connection before the client connects. */
struct ria_login_certificate {
    bool chain_suffices; /* tls = verify-ca: the certificate need not contain the dialed name */
    char place[RIA_LOGIN_PLACE_SIZE]; /* if chain_suffices: "file:line" of that setting, for a
                                         message; a longer path is cut */
    bool is_public; /* an endpoint of RDS Proxy or Aurora DSQL: its certificate chain ends at a
                       public root CA of Amazon and not at a root CA of RDS */
};

/* Returns the same outcome as ria_login_has_endpoint(), and on FOUND fills *out. If the host is a
 * name of RDS or Aurora DSQL and the configuration cannot be read, returns FOUND with
 * chain_suffices false. */
enum ria_outcome ria_login_certificate(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_login_certificate *out,
    struct ria_error *err) RIA_MUST_USE;

/* What a login would use. The arrays contain "" if there is nothing to report. */
struct ria_login_facts {
    const char *kind;      /* of the endpoint, for display: "cluster (writer)"; static */
    const char *partition; /* "aws", "aws-cn", ...; static; NULL if the name has none */
    char endpoint[256];    /* the host that the token is signed for */
    unsigned port;         /* the port that the token is signed for */
    bool is_mapped;        /* a section of rds-iam's configuration names that host and port */
    bool has_public_ca;    /* the certificate chain ends at a public root CA of Amazon */
    bool chain_suffices;   /* tls = verify-ca */
    char mapped_by[512];   /* "FILE:LINE" of the key `endpoint` of that section */
    char region[64];
    char region_from[512];      /* where the region was read, such as "the endpoint's name",
                                   "--region" or "FILE:LINE" */
    char other_region[64];      /* the region of AWS_REGION or AWS_DEFAULT_REGION, if it differs */
    char other_region_from[32]; /* the name of that variable */
};

/* Fills *out with what ria_token_for() would use for *login. Returns false with err filled if no
 * token can be made for this login. out->kind is set nevertheless, unless the host program is
 * privileged, or a member of *login is missing or out of range. Sends no request. */
bool ria_login_inspect(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_login_facts *out,
    struct ria_error *err) RIA_MUST_USE;

enum {
    RIA_HOST_SHOWN_SIZE = 272
};

/* Writes the part of a host parameter that a message may show. A host name or a socket path is
 * written unchanged. A URL or USER:PASSWORD@HOST, given by mistake, can contain a password, so only
 * its host is written. */
void ria_show_host(const char *host, char out[RIA_HOST_SHOWN_SIZE]);

/* Returns whether the host is an endpoint of Aurora DSQL. Returns false for NULL. */
bool ria_host_is_dsql(const char *host) RIA_MUST_USE;

/* Returns whether the host is an RDS name, whatever the configuration maps it to. Returns false for
 * NULL and for Aurora DSQL. A client can verify an RDS server only by such a name, because the
 * certificate of the server contains no other names. */
bool ria_host_is_rds(const char *host) RIA_MUST_USE;

/* Writes the remedy for a client that verified the certificate's chain but not the host name, when
 * the host is an RDS endpoint. `setting` is the client's setting that turns host name verification
 * on ("add ..."). The remedy names `setting` and, for users who cannot set it, the section to
 * write. The remedy names `setting` alone in two cases: a client would cut the text because it is
 * too long, or a public CA issues the certificates of the host (RDS Proxy, Aurora DSQL). */
void ria_login_name_remedy(
    const struct ria_login *login,
    const char *setting,
    const struct ria_world *world,
    char out[RIA_ERROR_TEXT_MAX]);

/* Improves the message of a login that was refused because its host is not an RDS name. If the host
 * name is a DNS alias of an RDS name, replaces *err by a message that contains the RDS name. For
 * most endpoints, the message also contains the section to write. If the message is so long that a
 * client would cut it, *err stays unchanged. Does nothing if login->host is NULL. Takes 2 seconds
 * at most, and never longer than the deadline. */
void ria_alias_explain(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_error *err);

/* Downloads Amazon's bundle of the root certificates of RDS for a partition ("aws", "aws-us-gov",
 * "aws-cn"), with rds-iam-fetch over HTTPS, and appends the bundle to *pem. The contents are not
 * checked. Returns false with err filled on failure; the code is RIA_E_USAGE for any other
 * partition. Blocks at most until the deadline. */
bool ria_trust_bundle_fetch(
    const char *partition,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_buf *pem,
    struct ria_error *err) RIA_MUST_USE;

/* Returns whether the server of this name has a certificate of Amazon's public CAs instead of a
 * certificate of the CAs of RDS. This is the case for an RDS Proxy and for an Aurora DSQL cluster.
 * Returns false for NULL. */
bool ria_host_has_public_ca(const char *host) RIA_MUST_USE;

/* What an IAM policy must name to allow a login to a database. */
enum ria_database_kind {
    RIA_DATABASE_INSTANCE, /* an RDS instance or an instance of a cluster: their names look alike */
    RIA_DATABASE_CLUSTER,  /* a cluster: its writer, reader or custom endpoint */
    RIA_DATABASE_PROXY,
    RIA_DATABASE_SHARD_GROUP, /* Aurora Limitless */
    RIA_DATABASE_GLOBAL,      /* an Aurora global database: the cluster that is the writer */
    RIA_DATABASE_DSQL,        /* an Aurora DSQL cluster, whose id is the first label of its host */
};

enum {
    RIA_DATABASE_HOST_SIZE = 256,
    RIA_DATABASE_REGION_SIZE = 32,
};

struct ria_database {
    enum ria_database_kind kind;
    char host[RIA_DATABASE_HOST_SIZE]; /* the endpoint's name, in lower case */
    char region[RIA_DATABASE_REGION_SIZE];
    const char *partition; /* "aws", "aws-cn", ...; static */
};

/* Finds the database that a token for this login would be signed for. login->port is 0 if the
 * caller does not know the port; in this case a section [HOST:PORT] of the configuration does not
 * match. login->channel is RIA_CHANNEL_NONE. Returns false with err filled in these cases: the
 * configuration cannot be read; the host is not a name of RDS or Aurora DSQL and no section maps it
 * to such a name; no region is known; or the region is invalid or not in the partition of the host.
 */
bool ria_login_database(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_database *out,
    struct ria_error *err) RIA_MUST_USE;

/* Returns whether this version of rds-iam knows a partition of this name, such as "aws" or
 * "aws-us-gov". */
bool ria_partition_is_known(const char *name) RIA_MUST_USE;

/* Reads rds-iam's configuration as a login does, and checks every section. Returns false with err
 * filled: "file:line: what is wrong; what to do". */
bool ria_configuration_check(const struct ria_world *world, struct ria_error *err) RIA_MUST_USE;

/* A section of rds-iam's configuration that does not match a login. */
struct ria_other_section {
    char name[RIA_HOST_SHOWN_SIZE];
    char place[512]; /* "FILE:LINE" */
    bool is_domain;  /* the host is in the domain `name`, so a section "*.NAME" would match */
};

/* Returns true with *out filled if rds-iam's configuration has sections, but none matches the
 * login. Returns false also if the configuration cannot be read. */
bool ria_configuration_has_other(
    const struct ria_login *login, const struct ria_world *world, struct ria_other_section *out);

/* -- background fetches, for a program that must not block ------------------------------------
 *
 * Child processes fetch the credentials of network sources in the background. The caller installs
 * ria_background_fetch() as its world's fetch(). That function never waits. It returns the result
 * of an earlier fetch for the same request; if there is none, it starts a fetch and fails with
 * RIA_E_PENDING.
 *
 * Fetched credentials are cached until they are due for a renewal, 15 to 20 minutes before they
 * expire. Any other result, including a failure, is cached for some seconds, so that a source is
 * not queried on every call. A result is wiped when this time is over. The credentials that the
 * process caches (base/secret.h) are wiped when they expire. Only one thread may use a struct
 * ria_background. */
struct ria_background;

/* Returns NULL with errno set if memory or descriptors run out. `world` supplies the time and is
 * borrowed. */
struct ria_background *ria_background_new(const struct ria_world *world);

/* Implements fetch() of struct ria_world as described above. The child that it starts is killed at
 * the deadline, and a partial response is discarded. */
bool ria_background_fetch(
    struct ria_background *background,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err) RIA_MUST_USE;

/* Returns a descriptor that is readable when ria_background_work() has something to do. The
 * descriptor belongs to *background, and ria_background_free() closes the descriptor. */
int ria_background_fd(const struct ria_background *background);

/* Returns the latest time at which the caller must call ria_background_work(), in ticks
 * (base/world.h). INT64_MAX means never. */
int64_t ria_background_due(const struct ria_background *background);

/* Continues the fetches without blocking. Returns true if a fetch has finished, successfully or
 * not.
 */
bool ria_background_work(struct ria_background *background);

/* Discards the results of all fetches that have ended. A caller uses this function when it detects
 * that the clock was set, or when its user asks for new credentials. */
void ria_background_forget(struct ria_background *background);

/* Kills the children and frees *background. Accepts NULL. */
void ria_background_free(struct ria_background *background);

/* Wipes and frees the token. Afterwards *token is empty and can be filled again. */
void ria_token_release(struct ria_token *token);

#endif
