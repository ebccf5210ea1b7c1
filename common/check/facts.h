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
#include "tool/engine.h"

enum {
    RIA_POSTGRES_PORT = 5432,
    RIA_MYSQL_PORT = 3306,
};

/* rds-iam-probe reports times in microseconds, and the items of the report show them in
 * milliseconds. */
#define RIA_US_PER_MS 1000.0

/* How a login ended. */
enum ria_verdict {
    RIA_VERDICT_NONE,        /* no login was tried */
    RIA_VERDICT_IN,          /* the login succeeded with a token */
    RIA_VERDICT_OURS,        /* rds-iam made no token, or the client did not send one */
    RIA_VERDICT_SERVER,      /* the server refused the login */
    RIA_VERDICT_NOT_REACHED, /* no connection, no answer, no TLS handshake, or an unknown engine */
};

/* What the user wants to be checked. Texts are borrowed from the command line, or NULL. */
struct ria_target {
    struct ria_login login;
    char host[256]; /* storage for login.host if a service or an option file contains it */
    char user[RIA_DEFAULT_USER_SIZE]; /* for login.user, unless the command line contains it */
    char ca_path[4096];               /* storage for ca if a service or an option file names one */
    char address[256]; /* hostaddr: the address to connect to; "": resolve login.host */
    const char *dbname;
    const char *service; /* of pg_service.conf */
    const char *group;   /* of the option file */
    const char *program; /* whose client library is used */
    const char *ca;      /* --ca, or ca_path */
    unsigned timeout; /* the client's time limit for a connection, in seconds; 0: the client has no
                         limit */
    const char *timeout_from; /* the setting that contains the time limit; static */
    char program_file[4096]; /* the file of `program`; if that is a script, the file that the script
                                starts */
    bool is_started;    /* `program` is a script, and program_file is the program that the script
                           starts */
    char library[1024]; /* path or name of the client library; "": not known */
    enum ria_engine engine; /* never MARIADB, because a MariaDB server has the protocol of MySQL */
    bool is_port_assumed;   /* neither --port nor --engine is given, so the port is MySQL's */
    bool asks_aws;          /* --aws */
};

/* The result of IAM's simulation of rds-db:connect with the policies of the identity. The
 * simulation ignores session policies and most service control policies. */
enum ria_decision {
    RIA_DECISION_NONE, /* not known */
    RIA_DECISION_ALLOWED,
    RIA_DECISION_MISSING,    /* no statement allows it */
    RIA_DECISION_OVERRIDDEN, /* a Deny statement, a permissions boundary or a service control policy
                                 denies it */
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
    RIA_GIVEN_OLD_TOKEN,   /* a token that has expired */
    RIA_GIVEN_OTHER_TOKEN, /* a token for another host or port */
};

/* What AWS has reported. Filled only with --aws; otherwise all members are zero. A text that is not
 * known is "". */
struct ria_aws_facts {
    bool is_found;     /* the identity's account has the database whose endpoint the token is signed
                          for */
    bool is_elsewhere; /* the identity's account does not have this database */
    bool is_iam_on;
    bool is_iam_off;
    bool is_for_other_resource; /* the policies allow rds-db:connect on an instance of the cluster,
                                   but not on the cluster */
    enum ria_decision decision;
    unsigned port;           /* of the endpoint; 0: not known */
    char resource[64];       /* the resource id that a policy must name */
    char other_resource[64]; /* the resource id of an instance of the cluster */
    char database[64];  /* the name of the instance, cluster or proxy that has the IAM setting */
    char member[64];    /* the name of an instance of the cluster */
    char partition[32]; /* partition, region and account are those of the database */
    char region[64];
    char account[RIA_AWS_ACCOUNT_SIZE];
    char principal[640]; /* the ARN of the user or role behind the identity */
};

struct ria_facts {
    const struct ria_world *world;
    struct ria_report *report;
    const char *given_place; /* the setting that contains the client's own password; static */
    size_t given_len;        /* the length of that password in bytes */
    struct ria_target target;
    bool has_name;     /* a token can be signed for this host */
    bool has_identity; /* AWS has reported whose credentials these are */
    bool is_agent_running;
    bool is_passfile_missing;
    bool is_group_incomplete; /* the group, [client] and the command line contain no host */
    bool is_service_missing; /* libpq cannot use the service: no file has it, a file cannot be read,
                                or the service has a line that libpq refuses */
    bool is_service_refused; /* the agent refuses the service */
    bool is_service_unknown; /* the running agent does not list the service */
    bool has_agent_error;    /* the running agent could not make a token for the service */
    bool is_group_missing;   /* no option file that the client reads contains the group */
    bool is_option_file_ignored; /* my_print_defaults ignores an option file */
    bool is_plugin_dir_missing;  /* plugin-dir is not set, or does not contain rds-iam's plugin for
                                    the client library */
    bool is_plugin_dir_for_oracle; /* plugin-dir is the one for libmysqlclient, and it is not known
                                      which library the program uses */
    bool is_ssl_ca_missing; /* neither the group nor [client] names a readable file in ssl-ca */
    bool has_verify_option; /* the group or [client] turns ssl-verify-server-cert on */
    bool has_replication;   /* the service asks for a replication connection */
    bool is_incomplete;     /* one of rds-iam's own objects is missing */
    struct ria_error service_error; /* why the agent makes no token; set if is_service_refused or
                                       has_agent_error is set */
    char ca_file[4096];     /* the file of root certificates that verify the server; "": none */
    char agent_start[4200]; /* the command that starts the agent of the passfile */

    struct ria_error ca_error; /* why there are no root certificates; "" if none are installed */

    struct ria_login_facts name; /* set if has_name */
    struct ria_error name_error; /* set unless has_name */

    enum ria_given given; /* the client's own password */
    enum ria_outcome credentials;
    struct ria_error credentials_error; /* set unless credentials is FOUND */
    int64_t expires;                    /* of the credentials; 0: the source reports no time */
    struct ria_identity identity;       /* set if has_identity */
    struct ria_error identity_error;    /* set unless has_identity */

    struct ria_times times;
    struct ria_probe agent;  /* the output of --status */
    struct ria_probe server; /* name resolution, TCP and TLS */
    bool is_probed;  /* `server` is filled; rds-iam-probe may have been killed before it printed
                        anything */
    bool is_reached; /* the TCP connection was established */
    bool is_silent;  /* the server accepted the connection but sent no answer */
    bool offers_no_tls;
    bool has_tls;            /* the TLS handshake was completed; the next five members are set */
    bool is_other_ca;        /* OpenSSL rejects the chain for a reason other than its dates; usually
                                no root in ca_file has issued the chain */
    bool is_out_of_date;     /* a certificate of the chain has expired, or is not valid yet */
    bool is_other_server;    /* the certificate lacks the name that the token is signed for */
    bool is_name_unverified; /* the certificate must contain the dialed name, but does not */
    bool is_name_ignored;    /* the certificate does not contain the dialed name, and tls =
                                verify-ca allows this */
    bool is_client_refused;  /* the login used no option file and succeeded because of
                                is_name_ignored; but [client] sets ssl-verify-server-cert, so
                                programs that read [client] cannot log in */

    struct ria_aws_facts aws;

    struct ria_probe attempt; /* the login */
    enum ria_verdict verdict;
    char refusal[RIA_ERROR_TEXT_MAX]; /* the error of the login, or "" */
    int64_t refusal_code;             /* MySQL's error number; 0: none */
};

/* -- machine.c: files, the CA store, rds-iam's own objects -- */
void ria_check_settings(struct ria_facts *facts);

/* -- service_items.c: target.service, and the agent; fills the target's host, port, user and CA
 * file -- */
void ria_check_service(struct ria_facts *facts);

enum {
    RIA_CHECK_NAME_SIZE = 256 /* bytes for the name of a service or a group, and the NUL */
};

/* Writes the name of a service to `out`, which has RIA_CHECK_NAME_SIZE bytes. `index` counts the
 * services in the order in which libpq reads the service files, from 0. Sets *is_other to
 * true if the service has no passfile and tokens are not made for its host
 * (ria_login_has_endpoint()). Returns false if no service has this index, or if a service file
 * cannot be read. */
bool ria_check_service_name(const struct ria_world *world, size_t index, char *out, bool *is_other);

/* -- option_groups.c -- */

/* Runs my_print_defaults, which prints the options that the clients read from `group`, and from
 * `other` if `other` is not NULL. Returns false if my_print_defaults is not installed or cannot be
 * started. */
bool ria_check_print_defaults(
    const struct ria_world *world, const char *group, const char *other, struct ria_probe *output);

/* Appends the names of the groups of the option files, each followed by a newline. */
void ria_check_list_groups(const struct ria_world *world, struct ria_buf *names);

/* Appends each name of a group that begins with "client", if the group contains an option other
 * than socket. Separates the names by ", ". Returns whether there is such a group. */
bool ria_check_list_client_groups(const struct ria_world *world, struct ria_buf *list);

/* Finds the last line "--NAME=VALUE" or "--NAME" and copies the value. '-' and '_' are the same in
 * the name of an option. Returns false if there is no such line. */
bool ria_check_find_option(const char *lines, const char *name, char *out, size_t size);

/* Returns whether the group itself sets a host for which tokens are made. Also returns true if the
 * configuration cannot be read and might map the host. */
bool ria_check_group_has_endpoint(const struct ria_world *world, const char *group);

/* -- client_defaults.c -- */

/* If the settings contain no user, sets the user that the client would use: for libpq the value of
 * PGUSER, if it is set; otherwise the name of the system user who runs the client. */
void ria_check_use_default_user(struct ria_target *target, const struct ria_world *world);

enum {
    RIA_CHECK_TIMEOUT = 10,     /* seconds; used if the client has no limit */
    RIA_CHECK_TIMEOUT_MAX = 30, /* seconds */
};

/* Sets the client's time limit. `seconds` is the value of the setting `from`, or NULL if that
 * setting is not set. If the function is called for several settings, the first one that is set
 * counts. The value 0 means that the client has no limit. */
void ria_check_use_timeout(struct ria_target *target, const char *seconds, const char *from);

/* -- agent_items.c -- */

/* Checks what the running agent reports about target.service: the agent of the passfile's
 * directory, or, if no agent runs there, the agent of the default directory. */
void ria_check_agent(struct ria_facts *facts, const char *passfile);

/* -- given_password.c -- */

#define RIA_REMOVE_PASSWORD "Remove it. A new token is made for each login."

/* Stores the kind and the length of a password that the client will send, and the setting that
 * contains it (`place`, a static text). Does not store the password. The first call with a password
 * counts. So the caller must begin with the setting that the client library prefers. */
void ria_check_given_password(struct ria_facts *facts, const char *password, const char *place);

/* Calls ria_check_given_password() for a password in the environment. Then adds an item about the
 * password that counts, wherever it is. */
void ria_check_environment_password(struct ria_facts *facts);

/* Returns the place of the client's own password, as a static text: the place that
 * ria_check_given_password() has stored, or the place in a warning of rds-iam's hooks (the preload
 * and the plugins). Returns NULL if the client has no password of its own.
 */
const char *ria_check_password_place(const struct ria_facts *facts);

/* Returns whether the client sends a password of its own that is not a token. */
bool ria_check_has_password(const struct ria_facts *facts);

/* -- mysql_group.c -- */

/* Checks target.group, and fills the target's host, port and user. Without a port, the port is
 * 3306. */
void ria_check_option_file(struct ria_facts *facts);

/* Call this function after a login to a MySQL server if the login has used no option file. If the
 * option files contain options for clients, adds an item with the command that checks these
 * options. The item is a warning in two cases: [client] contains a password; or [client] sets
 * ssl-verify-server-cert, and the certificate does not contain the dialed name. */
void ria_check_unused_option_files(struct ria_facts *facts);

/* -- credential_items.c: the sources, the identity, the expiry time, the clock -- */
void ria_check_credentials(struct ria_facts *facts);

/* -- endpoint_items.c: the kind and the region of the endpoint -- */
void ria_check_add_endpoint(struct ria_facts *facts);

/* Writes what to do if the client compares the certificate with the dialed name: how to dial the
 * endpoint's own name through a tunnel. */
void ria_check_own_name_remedy(const struct ria_facts *facts, char *out, size_t size);

/* Returns whether the token is signed for another region than the one in the endpoint's name. */
bool ria_check_has_other_region(const struct ria_facts *facts);

/* -- server.c: DNS, TCP, TLS -- */
void ria_check_server(struct ria_facts *facts);

/* -- aws_items.c: what only AWS knows; sends up to six requests to RDS and IAM -- */
void ria_check_aws(struct ria_facts *facts);

enum ria_evidence {
    RIA_EVIDENCE_NONE,
    RIA_EVIDENCE_FOR,
    RIA_EVIDENCE_AGAINST,
};

/* Returns what the answers of AWS show about a cause (causes.c): they prove it, exclude it, or
 * leave it open. */
enum ria_evidence ria_aws_evidence(const struct ria_facts *facts, const char *cause);

/* Copies the field of an ARN at `index`: 1 is the partition, 3 the region, 4 the account. Returns
 * false, with an empty text, if the ARN has no such field. */
bool ria_arn_field(const char *arn, unsigned index, char *out, size_t size);

/* -- cause_text.c -- */

/* Returns what to do if no root certificate in the file has issued the certificate of a server of
 * RDS. The text is static, has no final period, and depends on the setting that names the file. */
const char *ria_check_other_roots(const struct ria_target *target);

/* -- proved_causes.c: adds the causes that the checks have proved. Returns false if they have
 * proved no cause -- */
bool ria_check_explain_proved(struct ria_facts *facts);

/* Returns whether the login gets no token because the agent refuses the service. Returns false if
 * the client sends a password or token of its own. */
bool ria_check_is_service_refused(const struct ria_facts *facts);

/* Adds the cause of a MySQL client that sent no token because it did not find rds-iam's plugin: no
 * option file has the group, or plugin-dir does not lead to the plugin. The server's error does not
 * name these causes. Returns false if neither is the case. */
bool ria_check_explain_unsent(struct ria_facts *facts);

/* -- phase_times.c -- */

/* Returns microseconds of a clock that never goes back. */
int64_t ria_check_clock(void);

/* Makes a token, measures how long its signature takes without the time for getting the
 * credentials, and wipes the token. */
void ria_check_time_signature(struct ria_facts *facts);

/* Copies the times that rds-iam-probe has measured. Computes how long the server's verdict took. */
void ria_check_take_times(struct ria_facts *facts);

/* Adds an item with the times. Call this function after the login. */
void ria_check_add_times(struct ria_facts *facts);

/* -- command.c: runs all checks for one target. If `json` is not NULL, appends one object to it;
 * otherwise prints text -- */
int ria_check_target(
    const struct ria_target *target, struct ria_json_writer *json, const struct ria_world *world);

/* -- all_targets.c: runs all checks for each service and each group with a host of RDS. Returns
 * RIA_EXIT_OK if every login succeeds, otherwise the exit status of the first login that fails. If
 * the service or group does not exist, returns the exit status of a usage error -- */
int ria_check_all_targets(
    const char *command, struct ria_json_writer *json, const struct ria_world *world);

/* -- attempt.c: one login -- */
void ria_check_login(struct ria_facts *facts);

/* -- client_library.c: finds the client library of target.program. Returns false with err filled if
 * it finds none -- */
bool ria_check_find_library(
    struct ria_target *target, const struct ria_world *world, struct ria_error *err) RIA_MUST_USE;

/* -- known_errors.c -- */

/* An error that names its cause. */
struct ria_known_error {
    const char *id;
    const char *words;  /* a part of the error's text, or NULL */
    const char *also;   /* another part of the error's text, or NULL */
    int64_t code;       /* MySQL's error number, if words is NULL */
    bool is_accepted;   /* the server accepted the token, and refused the login */
    bool names_no_user; /* the error means that the server has no IAM user of this name; the name
                           may have been given in the wrong case */
    const char *text;
    const char *remedy;
};

/* Returns the first row whose error is the error of the login, or NULL. */
const struct ria_known_error *ria_known_error_find(const struct ria_facts *facts);

/* -- causes.c --
 *
 * Explains a login that did not succeed, or that succeeds only without the option files. Works only
 * with what the checks found (facts.h), and sends no request.
 *
 * If the server's error or a check names one cause, the output contains only this cause, or also
 * independent causes (proved_causes.c). But if only an answer of AWS proves a cause, the output
 * also contains the causes about which only the server knows. And if the server does not know a
 * user whose name has upper-case letters, the output also contains the cause "user-case". Some
 * causes look alike from the client: for example, a policy that denies the login, and IAM
 * authentication that is turned off. The output lists all such causes, each with a command that
 * shows whether it is the true one. The same evidence always gives the same output.
 *
 * Follows "Troubleshooting issues for IAM DB authentication" and "Connecting to your DB instance
 * using IAM authentication" in the RDS User Guide, the error texts of PostgreSQL 10 to 18, and the
 * error numbers of MySQL 8 and MariaDB 10 to 11. */

/* Adds the possible causes of the refusal to the report. If the login succeeded, adds only a cause
 * for which programs that read [client] cannot log in.
 * Returns true if the refusal proves that the server has accepted the token. For example, the error
 * "database does not exist" proves this. */
bool ria_check_explain(struct ria_facts *facts);

/* -- cause_text.c -- */

/* Returns whether a text can be a word of a command line without quotes: it has only letters,
 * digits, "_", "-", "." and "@". Returns false for NULL and for an empty text. */
bool ria_check_is_plain(const char *text);

/* Adds a cause to the report, with the placeholders of both texts replaced:
 *
 *   {user}         the database user
 *   {host}         the endpoint that the token is signed for
 *   {dialed}       the host that the client connects to
 *   {own_name}     how to dial the endpoint's own name through a tunnel
 *   {port}         the port that the token is signed for
 *   {section}      the section of rds-iam's configuration for a tunnel to the endpoint
 *   {mapped_by}    where rds-iam's configuration maps the host
 *   {refusal}      the error of the login
 *   {ca_file}      the file of root certificates
 *   {other_roots}  what to do if the file contains the wrong root certificates
 *   {credentials_error}, {name_error}, {service_error}, {ca_error}   why there are no credentials,
 *                  why no token can be signed for the host, why the agent makes no token, and why
 *                  there are no root certificates
 *   {agent_start}  the command that starts the agent of the service's passfile
 *   {given}        where the client's own password is, or "the client"
 *   {given_len}    the length of that password
 *   {group}        the group of the option file
 *   {region_from}  where the region was read
 *   {identity}     the ARN of the identity, or "the credentials' identity"
 *   {role}         the ARN of the role or user behind that identity, or ROLE_ARN
 *   {resource}     the resource of rds-db:connect, an ARN; contains the word RESOURCE_ID if AWS has
 *                  not reported the resource id
 *   {known}        the values that AWS has reported, as options of rds-iam setup policy
 *   {describe}     the command that shows whether IAM authentication is enabled
 *   {enable}       the command that enables IAM authentication
 *   {iam_setting}  {enable} if AWS has reported that IAM authentication is not enabled; otherwise,
 *                  and for every proxy, {describe}
 *   {assumption}   sentences about the account in {resource} and about RESOURCE_ID, unless AWS has
 *                  reported the resource id
 *   {users}        the SQL statement that shows the user
 *   rds-db:connect the action that a policy must allow, which has another name for Aurora DSQL
 *
 * The first cause begins the list of causes. */
void ria_cause_add(struct ria_facts *facts, const char *id, const char *text, const char *remedy);

#endif
