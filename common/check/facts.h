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

/* The probe reports microseconds, and items show milliseconds. */
#define RIA_US_PER_MS 1000.0

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
    char ca_path[4096]; /* storage for ca if a service or an option file names one */
    char address[256];  /* hostaddr of the service: where to connect; "": resolve login.host */
    const char *dbname;
    const char *service; /* of pg_service.conf */
    const char *group;   /* of the option file */
    const char *program; /* whose client library is used */
    const char *ca;      /* --ca */
    unsigned timeout;    /* seconds that the client waits for a connection; 0: it has no limit */
    const char *timeout_from; /* the setting with that number; static */
    char program_file[4096];  /* the file of program, or of the program that this script starts */
    bool is_started;          /* program_file is another one than program */
    char library[1024];       /* path or name of the client library; "": none is known */
    enum ria_engine engine;
    bool asks_aws; /* --aws */
};

/* What the policies of the identity say about rds-db:connect, without session policies and most
 * service control policies. */
enum ria_decision {
    RIA_DECISION_NONE, /* not known */
    RIA_DECISION_ALLOWED,
    RIA_DECISION_MISSING,    /* no statement allows it */
    RIA_DECISION_OVERRIDDEN, /* a Deny statement, a permissions boundary or a service control policy
                              */
};

enum {
    RIA_AWS_ACCOUNT_SIZE = 16 /* 12 digits */
};

/* A password that the client sends in place of rds-iam's token. */
enum ria_given {
    RIA_GIVEN_NONE,
    RIA_GIVEN_PASSWORD,
    RIA_GIVEN_TOKEN,       /* a token that may be accepted */
    RIA_GIVEN_CUT_TOKEN,   /* the beginning of a token */
    RIA_GIVEN_OLD_TOKEN,   /* one that has expired */
    RIA_GIVEN_OTHER_TOKEN, /* one for another host or port */
};

/* What AWS answered with --aws. All zero without it. Texts are "" if they are not known. */
struct ria_aws_facts {
    bool is_found;     /* the account has a database with the endpoint that is signed for */
    bool is_elsewhere; /* the account has none */
    bool is_iam_on;
    bool is_iam_off;
    bool is_for_other_resource; /* the policies allow an instance of the cluster */
    enum ria_decision decision;
    unsigned port;           /* of the endpoint; 0: not known */
    char resource[64];       /* the resource id that a policy must name */
    char other_resource[64]; /* of the instance */
    char member[64];         /* the name of an instance of the cluster */
    char partition[32];      /* this and the next two are those of the database */
    char region[64];
    char account[RIA_AWS_ACCOUNT_SIZE];
    char principal[640]; /* the ARN of the user or role behind the identity */
};

struct ria_facts {
    const struct ria_world *world;
    struct ria_report *report;
    const char *given_place; /* where the client's own password is; static */
    size_t given_len;        /* its length in bytes */
    struct ria_target target;
    bool is_agent_running;
    bool is_passfile_missing;
    bool is_service_missing;
    bool is_service_refused;        /* the agent does not serve it */
    bool is_service_unknown;        /* the running agent neither serves nor refuses it */
    bool has_agent_error;           /* the running agent has no token for it */
    struct ria_error service_error; /* why the agent makes no token; set if it refuses or fails */
    bool is_group_missing;          /* no option file that is read has the group */
    bool is_plugin_dir_missing;     /* the group leads to no plugin of rds-iam */
    bool has_replication;           /* the service asks for a replication connection */
    bool is_incomplete;             /* one of rds-iam's own objects is missing */
    char ca_file[4096];             /* the file that verifies the server; "": none */

    struct ria_error ca_error; /* why there is no such file */

    bool has_name; /* `name` is filled: a token can be signed for this host */
    struct ria_login_facts name;
    struct ria_error name_error; /* set unless has_name */

    enum ria_given given; /* the client's own password */
    enum ria_outcome credentials;
    struct ria_error credentials_error; /* set unless credentials is FOUND */
    int64_t expires;                    /* of the credentials; 0: not known */
    bool has_identity;
    struct ria_identity identity;
    struct ria_error identity_error; /* set unless has_identity */

    struct ria_times times;
    struct ria_probe agent;  /* the output of --status */
    struct ria_probe server; /* name resolution, TCP and TLS */
    bool is_probed;          /* the probe ran; it may have been killed before it printed anything */
    bool is_reached;         /* the TCP connection was established */
    bool is_silent;          /* the server accepted the connection and did not answer */
    bool offers_no_tls;
    bool has_tls;            /* the TLS handshake was completed; the members below are set */
    bool is_other_ca;        /* the certificate was not issued below ca_file */
    bool is_out_of_date;     /* the certificate has expired, or is not valid yet */
    bool is_other_server;    /* the certificate does not contain the name that is signed for */
    bool is_name_unverified; /* it does not contain the dialled name, and must */

    struct ria_aws_facts aws;

    struct ria_probe attempt; /* the login */
    enum ria_verdict verdict;
    char refusal[RIA_ERROR_TEXT_MAX]; /* the error of the login, or "" */
    int64_t refusal_code;             /* MySQL's error number; 0: none */
};

/* -- settings.c: files, the CA store, rds-iam's own objects -- */
void ria_check_settings(struct ria_facts *facts);

/* -- service.c: target.service, and the agent; fills the target's host, port and user -- */
void ria_check_service(struct ria_facts *facts);

enum {
    RIA_CHECK_NAME_SIZE = 256 /* of a service or a group */
};

/* Writes the name of the service at `index` in the user's service files, in libpq's order, to
 * `out`, which has RIA_CHECK_NAME_SIZE bytes. *is_other: no token can be made for its host, and it
 * has no passfile. Returns false if there is no such service. */
bool ria_check_service_name(const struct ria_world *world, size_t index, char *out, bool *is_other);

/* -- option_groups.c -- */

/* Runs my_print_defaults, which prints the options of a group as the clients read it. Returns false
 * if it is not installed. */
bool ria_check_print_defaults(
    const struct ria_world *world, const char *first, const char *second, struct ria_probe *output);

/* Appends the names of the groups of the option files, each followed by a newline. */
void ria_check_list_groups(const struct ria_world *world, struct ria_buf *names);

/* Finds the last line "--NAME=VALUE" or "--NAME" and copies the value. '-' and '_' are the same in
 * the name of an option. Returns false if there is none. */
bool ria_check_find_option(const char *lines, const char *name, char *out, size_t size);

/* Returns whether the group itself has a host for which tokens are made. */
bool ria_check_group_has_endpoint(const struct ria_world *world, const char *group);

/* -- client_defaults.c -- */

/* Uses what a client uses if its settings have no user: PGUSER for libpq, then the name of the user
 * who runs it. */
void ria_check_use_default_user(struct ria_target *target, const struct ria_world *world);

enum {
    RIA_CHECK_TIMEOUT = 10,     /* seconds, if the client has no limit */
    RIA_CHECK_TIMEOUT_MAX = 30, /* seconds */
};

/* Sets the client's time limit from a setting that contains a number of seconds, or is NULL. The
 * first setting counts; 0 in it means no limit. */
void ria_check_use_timeout(struct ria_target *target, const char *seconds, const char *from);

/* -- agent_items.c: what the running agent knows of target.service -- */
void ria_check_agent(struct ria_facts *facts);

/* -- given_password.c -- */

#define RIA_REMOVE_PASSWORD "Remove it. A new token is made for each login."

/* Records a password of the client and where it is. The first one counts, so that the caller begins
 * with the one that the client library prefers. `place` is static. */
void ria_check_given_password(struct ria_facts *facts, const char *password, const char *place);

/* Records the password in the environment, and adds an item if there is a password anywhere. */
void ria_check_environment_password(struct ria_facts *facts);

/* Returns where the client's own password is: one that was recorded, or one of which rds-iam's
 * hooks have warned. Returns NULL if there is none. The text is static. */
const char *ria_check_password_place(const struct ria_facts *facts);

/* Returns whether the client sends a password of its own that is not a token. */
bool ria_check_has_password(const struct ria_facts *facts);

/* -- mysql_group.c: target.group; fills the target's host, port and user -- */
void ria_check_option_file(struct ria_facts *facts);

/* -- credential_items.c: the sources, the identity, the expiry time, the clock -- */
void ria_check_credentials(struct ria_facts *facts);

/* -- server.c: the name, DNS, TCP, TLS -- */
void ria_check_server(struct ria_facts *facts);

/* -- aws_items.c: what only AWS can tell; sends up to six requests to RDS and IAM -- */
void ria_check_aws(struct ria_facts *facts);

enum ria_evidence {
    RIA_EVIDENCE_NONE,
    RIA_EVIDENCE_FOR,
    RIA_EVIDENCE_AGAINST,
};

/* Returns what the answers of AWS say about a cause (causes.c). */
enum ria_evidence ria_aws_evidence(const struct ria_facts *facts, const char *cause);

/* Copies a field of an ARN: 1 is the partition, 3 the region, 4 the account. Returns false with an
 * empty text if there is none. */
bool ria_arn_field(const char *arn, unsigned index, char *out, size_t size);

/* -- proved_causes.c: adds the cause that the checks have proved. Returns false if there is none --
 */
bool ria_check_explain_proved(struct ria_facts *facts);

/* The same for a cause for which the client sent no token. The server's error does not name it. */
bool ria_check_explain_unsent(struct ria_facts *facts);

/* -- phase_times.c -- */

/* Returns microseconds of a clock that never goes back. */
int64_t ria_check_clock(void);

/* Measures how long a signature takes, once the credentials are there. Makes a token and wipes it.
 */
void ria_check_time_signature(struct ria_facts *facts);

/* Takes the times of the probe and of the login. */
void ria_check_take_times(struct ria_facts *facts);

/* Adds an item for the times, after a login. */
void ria_check_add_times(struct ria_facts *facts);

/* -- command.c: runs all checks for one target. `json` receives one object; NULL: prints text -- */
int ria_check_target(
    const struct ria_target *target, struct ria_json_writer *json, const struct ria_world *world);

/* -- all_targets.c: the same for each service and each group with a host of RDS. Returns the exit
 * status of the first one that fails, or that of a usage error if there is none -- */
int ria_check_all_targets(
    const char *command, struct ria_json_writer *json, const struct ria_world *world);

/* -- attempt.c: one login -- */
void ria_check_login(struct ria_facts *facts);

/* -- client_library.c: finds the client library of target.program. Returns false with err filled if
 * the program has none. -- */
bool ria_check_find_library(
    struct ria_target *target, const struct ria_world *world, struct ria_error *err) RIA_MUST_USE;

/* -- known_errors.c -- */

/* An error that names its cause. */
struct ria_known_error {
    const char *id;
    const char *words;  /* a part of the error's text; or NULL */
    const char *also;   /* another part of the error's text; or NULL */
    int64_t code;       /* MySQL's error number, if words is NULL */
    bool is_in;         /* the token was accepted, and the user can log in to other databases */
    bool names_no_user; /* the server has no IAM user of this name: its case may be wrong */
    const char *text;
    const char *remedy;
};

/* Returns the first row that fits the error of the login, or NULL. */
const struct ria_known_error *ria_known_error_find(const struct ria_facts *facts);

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
 *   {credentials_error}, {name_error}, {service_error}, {ca_error}   why there are no credentials,
 *                  why no token can be signed for the host, why the agent makes no token, and why
 *                  there are no root certificates
 *   {given}        where the client's own password is, or the settings where it may be
 *   {given_len}    the length of that password
 *   {group}        the group of the option file
 *   {region_from}  where the region was read
 *   {identity}     the ARN of the credentials, or "the credentials' identity"
 *   {role}         the ARN of the role or user behind that identity, or ROLE_ARN
 *   {resource}     the ARN of rds-db:connect, with RESOURCE_ID to be filled in unless AWS reported
 * it {known}        options of rds-iam setup policy with what AWS reported {describe}     the
 * command that shows whether IAM authentication is enabled {users}        the SQL that shows the
 * user
 *
 * The first cause begins the list of causes. */
void ria_cause_add(struct ria_facts *facts, const char *id, const char *text, const char *remedy);

#endif
