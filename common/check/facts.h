/* SPDX-License-Identifier: MIT
 *
 * The state of one run of rds-iam check: what to check, and what the checks have found. Each check
 * is one function: it adds items to the report and stores what later checks need. causes.c draws
 * the conclusions.
 */
#ifndef RIA_CHECK_FACTS_H
#define RIA_CHECK_FACTS_H

#include "check/probe_client.h"
#include "check/report.h"
#include "rds_iam.h"

enum {
    RIA_POSTGRES_PORT = 5432,
    RIA_MYSQL_PORT = 3306,
};

enum ria_engine {
    RIA_ENGINE_UNKNOWN,
    RIA_ENGINE_POSTGRES,
    RIA_ENGINE_MYSQL,
};

/* How a login ended. */
enum ria_verdict {
    RIA_VERDICT_NONE,        /* no login was tried */
    RIA_VERDICT_IN,          /* the server accepted the token */
    RIA_VERDICT_OURS,        /* rds-iam made no token, or the client did not send one */
    RIA_VERDICT_SERVER,      /* the server refused the login */
    RIA_VERDICT_NOT_REACHED, /* no connection */
};

/* What the user wants to be checked. Texts are borrowed from the command line, or NULL. */
struct ria_target {
    struct ria_login login;
    char host[256]; /* storage for login.host and login.user if a service file contains them */
    char user[256];
    const char *dbname;
    const char *service; /* of pg_service.conf */
    const char *group;   /* of the option file */
    const char *program; /* whose client library is used */
    const char *ca;      /* --ca */
    char library[1024];  /* path or name of the client library; "": none is known */
    enum ria_engine engine;
};

struct ria_facts {
    const struct ria_world *world;
    struct ria_report *report;
    struct ria_target target;
    bool is_agent_running;
    bool is_passfile_missing;
    char ca_file[4096]; /* the file that verifies the server; "": none */

    bool has_name; /* `name` is filled: a token can be signed for this host */
    struct ria_login_facts name;
    struct ria_error name_error; /* set unless has_name */

    enum ria_outcome credentials;
    struct ria_error credentials_error; /* set unless credentials is FOUND */
    int64_t expires;                    /* of the credentials; 0: not known */
    bool has_identity;
    struct ria_identity identity;
    struct ria_error identity_error; /* set unless has_identity */

    struct ria_probe server; /* name resolution, TCP and TLS */
    bool is_reached;         /* the TCP connection was established */
    bool offers_no_tls;
    bool has_tls;            /* the TLS handshake was completed; the members below are set */
    bool is_other_ca;        /* the certificate was not issued below ca_file */
    bool is_other_server;    /* the certificate does not contain the name that is signed for */
    bool is_name_unverified; /* it does not contain the dialled name, and must */

    struct ria_probe attempt; /* the login */
    enum ria_verdict verdict;
    char refusal[RIA_ERROR_TEXT_MAX]; /* the error of the login, or "" */
    int64_t refusal_code;             /* MySQL's error number; 0: none */
};

/* -- settings.c: files, the CA store, rds-iam's own objects -- */
void ria_check_settings(struct ria_facts *facts);

/* -- service.c: target.service, and the agent; fills the target's host, port and user -- */
void ria_check_service(struct ria_facts *facts);

/* Writes the name of the service at `index` in the user's service files, in libpq's order. Returns
 * false if there is none. */
bool ria_check_service_name(const struct ria_world *world, size_t index, char *out, size_t size);

/* -- option_file.c: target.group; fills the target's host, port and user -- */
void ria_check_option_file(struct ria_facts *facts);

/* -- credentials.c: the sources, the identity, the expiry time, the clock -- */
void ria_check_credentials(struct ria_facts *facts);

/* -- server.c: the name, DNS, TCP, TLS -- */
void ria_check_server(struct ria_facts *facts);

/* -- attempt.c: one login -- */
void ria_check_login(struct ria_facts *facts);

/* -- library.c: finds the client library of target.program, or the usual one of the engine. Returns
 * false with err filled if the program has none. -- */
bool ria_check_find_library(
    struct ria_target *target, const struct ria_world *world, struct ria_error *err) RIA_MUST_USE;

/* -- causes.c --
 *
 * Explains a login that did not succeed. Works only with what the checks found (facts.h), and sends
 * no request.
 *
 * A cause that has evidence stands first and alone. Causes that look alike from the client, such as
 * a policy that denies the login and IAM authentication that is turned off, stand together, each
 * with the command that settles it. Equal evidence gives equal output.
 *
 * Follows "Troubleshooting issues for IAM DB authentication" and "Connecting to your DB instance
 * using IAM authentication" in the RDS User Guide, the error texts of PostgreSQL 10 to 18, and the
 * error numbers of MySQL 8 and MariaDB 10 to 11.
 */

/* Adds the possible causes of the refusal to the report. Adds nothing if the login succeeded.
 * Returns whether the refusal proves that the token was accepted, as "database does not exist"
 * does. */
bool ria_check_explain(struct ria_facts *facts);

/* -- cause_text.c -- */
/* Adds a cause to the report, with the placeholders of both texts replaced:
 *
 *   {user}         the database user
 *   {host}         the endpoint that the token is signed for
 *   {mapped_by}    where rds-iam's configuration maps the host
 *   {refusal}      the error of the login
 *   {region_from}  where the region was read
 *   {identity}     the ARN of the credentials, or "the credentials' identity"
 *   {role}         the ARN of the role or user behind that identity, or ROLE_ARN
 *   {resource}     the ARN of rds-db:connect, with RESOURCE_ID to be filled in
 *   {describe}     the command that shows whether IAM authentication is enabled
 *   {users}        the SQL that shows the user
 *
 * The first cause begins the list of causes. */
void ria_cause_add(struct ria_facts *facts, const char *id, const char *text, const char *remedy);

#endif
