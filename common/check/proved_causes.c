/* SPDX-License-Identifier: MIT
 *
 * The table of the causes that the checks can prove. For some causes, the verdict (who refused the
 * login) must also fit. The first row that fits is used. So a cause must stand before the causes
 * that it leads to. If the server was not reached and no token can be made, names both causes. If
 * the agent refuses the service, always names this cause. */
#include "check/facts.h"

#include <stdio.h>
#include <string.h>

enum {
    /* Both limits are in seconds, and a minute less than those of AWS: AWS rejects a time that is 5
     * minutes or more in the future, and a token that is 15 minutes old. */
    AHEAD_LIMIT = 240,
    BEHIND_LIMIT = 840,
    MYSQL_TLS_ERROR = 2026, /* of the client library */
};

/* -- what the checks have proved ----------------------------------------------------------- */

static bool has_no_credentials(const struct ria_facts *facts)
{
    /* A running agent may have other credentials than this process. */
    return facts->has_name && facts->credentials != RIA_FOUND && !facts->is_agent_running;
}

static bool has_rejected_keys(const struct ria_facts *facts)
{
    return facts->credentials == RIA_FOUND && !facts->has_identity &&
           strstr(facts->identity_error.text, "STS rejects") != NULL;
}

static bool has_no_endpoint(const struct ria_facts *facts)
{
    return facts->target.login.host != NULL && !facts->has_name;
}

/* Returns whether the host is localhost, perhaps because the user has given no host. Returns false
 * for a service: there, localhost is the value of host=, because login.host is NULL without host=.
 */
static bool dials_localhost(const struct ria_facts *facts)
{
    return has_no_endpoint(facts) && facts->target.service == NULL &&
           strcmp(facts->target.login.host, "localhost") == 0;
}

/* Returns whether a tunnel needs the endpoint's own name, because the option file sets
 * ssl-verify-server-cert. */
static bool has_unmapped_tunnel(const struct ria_facts *facts)
{
    return has_no_endpoint(facts) && facts->has_verify_option && facts->is_name_unverified;
}

static bool is_unreached(const struct ria_facts *facts)
{
    return facts->is_probed && !facts->is_reached;
}

static bool offers_no_tls(const struct ria_facts *facts)
{
    return facts->offers_no_tls;
}

static bool has_no_ca(const struct ria_facts *facts)
{
    return facts->ca_file[0] == '\0' && facts->target.login.host != NULL &&
           facts->verdict != RIA_VERDICT_SERVER;
}

static bool has_other_server(const struct ria_facts *facts)
{
    return facts->has_tls && facts->is_other_server;
}

static bool has_other_ca(const struct ria_facts *facts)
{
    return facts->has_tls && facts->is_other_ca;
}

static bool is_out_of_date(const struct ria_facts *facts)
{
    return facts->has_tls && facts->is_out_of_date;
}

static bool has_unverified_name(const struct ria_facts *facts)
{
    return facts->has_tls && facts->is_name_unverified;
}

/* Returns whether the client refuses the certificate although rds-iam check has found no setting
 * that makes the client compare the name. The setting may be in a group that rds-iam check does not
 * read, such as [client-mariadb]. */
static bool is_name_refused(const struct ria_facts *facts)
{
    return facts->has_tls && facts->is_name_ignored && facts->refusal_code == MYSQL_TLS_ERROR;
}

static bool has_no_service(const struct ria_facts *facts)
{
    return facts->is_service_missing;
}

bool ria_check_is_service_refused(const struct ria_facts *facts)
{
    return facts->is_service_refused && facts->given == RIA_GIVEN_NONE &&
           !ria_check_has_password(facts);
}

static bool is_service_unknown(const struct ria_facts *facts)
{
    return facts->is_service_unknown &&
           (facts->verdict == RIA_VERDICT_OURS || facts->verdict == RIA_VERDICT_SERVER);
}

static bool has_failed_agent(const struct ria_facts *facts)
{
    return facts->is_agent_running && facts->has_agent_error && facts->verdict == RIA_VERDICT_OURS;
}

static bool lacks_agent_credentials(const struct ria_facts *facts)
{
    return has_failed_agent(facts) &&
           strstr(facts->service_error.text, "no AWS credentials") != NULL;
}

static bool has_no_agent(const struct ria_facts *facts)
{
    return facts->is_passfile_missing && !facts->is_agent_running &&
           facts->verdict == RIA_VERDICT_OURS;
}

static bool has_no_passfile(const struct ria_facts *facts)
{
    return facts->is_passfile_missing && facts->verdict == RIA_VERDICT_OURS;
}

/* Returns whether the server accepts the connection, but does not begin TLS as this engine does: it
 * sends nothing, closes the connection, or is another kind of server. Returns false if the
 * handshake was not tried, because OpenSSL or the root certificates cannot be used. */
static bool has_no_answer(const struct ria_facts *facts)
{
    bool is_own_failure = ria_probe_is(&facts->server, "error_stage", "ca") ||
                          ria_probe_is(&facts->server, "error_stage", "library");
    return facts->is_reached && !facts->has_tls && !facts->offers_no_tls && !is_own_failure;
}

static bool is_installation_incomplete(const struct ria_facts *facts)
{
    return facts->is_incomplete && facts->verdict == RIA_VERDICT_OURS;
}

static bool has_given_password(const struct ria_facts *facts)
{
    bool was_in = ria_probe_is(&facts->attempt, "login", "ok");
    return (facts->verdict == RIA_VERDICT_SERVER || was_in) && ria_check_has_password(facts);
}

static bool has_cut_token(const struct ria_facts *facts)
{
    return facts->verdict == RIA_VERDICT_SERVER && facts->given == RIA_GIVEN_CUT_TOKEN;
}

/* Under rds-iam exec, an expired token is not the cause of a refused login of libpq, because the
 * preload replaces the token.
 */
static bool has_old_token(const struct ria_facts *facts)
{
    bool is_replaced = facts->target.engine == RIA_ENGINE_POSTGRES && facts->target.service == NULL;
    return facts->verdict == RIA_VERDICT_SERVER && facts->given == RIA_GIVEN_OLD_TOKEN &&
           !is_replaced;
}

static bool has_other_token(const struct ria_facts *facts)
{
    return facts->verdict == RIA_VERDICT_SERVER && facts->given == RIA_GIVEN_OTHER_TOKEN;
}

static bool has_no_group(const struct ria_facts *facts)
{
    return facts->is_group_missing && facts->verdict != RIA_VERDICT_SERVER;
}

static bool has_no_ssl_ca(const struct ria_facts *facts)
{
    return facts->is_ssl_ca_missing && facts->verdict == RIA_VERDICT_OURS;
}

/* If this machine's clock is behind, AWS considers a new token expired. If the clock is ahead, AWS
 * considers a new token to be from the future. AWS has different limits for the two cases. */
static bool has_wrong_clock(const struct ria_facts *facts)
{
    int64_t behind = facts->identity.difference;
    return facts->identity.has_difference && (behind >= BEHIND_LIMIT || behind <= -AHEAD_LIMIT);
}

#define SEE_SERVER_NAME "See \"server name\" above, under Server."
#define NO_GROUP "No option file that the client reads has a group [{group}]."
#define SEE_OPTION_FILE "See \"option file\" above, under Settings."

static const struct {
    const char *id;
    bool (*is_proved)(const struct ria_facts *facts);
    const char *text;
    const char *remedy;
} proved[] = {
    {"no-service",
     has_no_service,
     "The service does not exist, or its file cannot be read.",
     "See \"service\" above, under Settings."},
    {"no-option-file", has_no_group, NO_GROUP, SEE_OPTION_FILE},
    {"unreached",
     is_unreached,
     "No connection to the server could be established.",
     "See the remedy above, under Server."},
    {"no-answer",
     has_no_answer,
     "The address accepts connections, but no server of this engine answers with TLS.",
     "See \"TLS\" above, under Server."},
    {"no-endpoint",
     dials_localhost,
     "localhost is not an RDS endpoint. A client that is given no host uses localhost or a socket.",
     "Give the client the endpoint: -h ENDPOINT. For a tunnel, see \"endpoint\" above, under "
     "Server."},
    {"no-endpoint",
     has_unmapped_tunnel,
     "{dialed} is not an RDS endpoint, so no token can be signed for it. The client compares the "
     "certificate with {dialed}, because [{group}] sets ssl-verify-server-cert.",
     "See \"endpoint\" above, under Server."},
    {"no-endpoint", has_no_endpoint, "No token can be signed for this host.", "{name_error}"},
    {"no-credentials",
     has_no_credentials,
     "No usable AWS credentials were found.",
     "{credentials_error}"},
    {"installation",
     is_installation_incomplete,
     "A file of rds-iam is missing or cannot be read, so no token was sent.",
     "See \"installation\" above, under Settings."},
    {"no-tls",
     offers_no_tls,
     "The server offers no TLS. A token is sent only over TLS.",
     "Check host and port: RDS always offers TLS."},
    {"no-root-certificates",
     has_no_ca,
     "There are no usable root certificates, so the server cannot be verified.",
     "{ca_error}"},
    {"no-ssl-ca",
     has_no_ssl_ca,
     "The group [{group}] names no readable file in ssl-ca, so the client does not verify the "
     "server, and no token was sent.",
     "See \"ssl-ca\" above, under Settings."},
    {"certificate-out-of-date",
     is_out_of_date,
     "The server's certificate is not valid at the time of this machine, so no token is sent.",
     "Compare the output of \"date\" with the certificate's dates. See \"TLS\" above, "
     "under Server."},
    {"other-server",
     has_other_server,
     "The client reached a different server than the one that the token is signed for.",
     SEE_SERVER_NAME},
    {"other-ca",
     has_other_ca,
     "The server's certificate cannot be verified with the root certificates in {ca_file}, so no "
     "token is sent.",
     "If this is a server of RDS: {other_roots}."},
    {"name-unverified",
     has_unverified_name,
     "The certificate does not contain the name that the client dials, so no token is sent.",
     SEE_SERVER_NAME},
    {"name-unverified",
     is_name_refused,
     "The certificate does not contain {dialed}. This client refuses it, because tls = verify-ca "
     "has no effect on this client.",
     "{own_name}"},
    {"service-refused",
     ria_check_is_service_refused,
     "The service does not qualify for tokens, so the agent does not serve it.",
     "{service_error}"},
    {"agent",
     lacks_agent_credentials,
     "The agent found no AWS credentials. The agent does not use your shell's environment.",
     "Write profile = NAME into rds-iam's configuration, or set the variables of the credentials "
     "for the agent and restart it."},
    {"agent", has_failed_agent, "The agent made no token.", "{service_error}"},
    {"agent-does-not-serve",
     is_service_unknown,
     "The running agent does not serve this service, so the client sent no token. Either the agent "
     "reads other service files, or the service's passfile is not in the agent's directory.",
     "Compare the files and the directory with: rds-iam-agent --status"},
    {"agent-not-running",
     has_no_agent,
     "The agent is not running, so the service's passfile does not exist and libpq sends no token.",
     "Start it: {agent_start}"},
    {"no-passfile",
     has_no_passfile,
     "The service's passfile does not exist, so libpq sends no token.",
     "See \"passfile\" above, under Settings."},
    {"password-given",
     has_given_password,
     "A password was sent in place of a token. It is in {given}.",
     RIA_REMOVE_PASSWORD},
    {"token-cut",
     has_cut_token,
     "The token in {given} has no end: it was cut after {given_len} bytes.",
     "Start the client with rds-iam exec, which makes a token for each login. A program that "
     "stores "
     "a token needs room for it: 350 bytes, with temporary credentials up to 2500."},
    {"token-expired",
     has_old_token,
     "The token in {given} has expired. A token is valid for 15 minutes.",
     RIA_REMOVE_PASSWORD},
    {"token-for-other-server",
     has_other_token,
     "The token in {given} is for another server or another port.",
     RIA_REMOVE_PASSWORD},
    {"keys-rejected",
     has_rejected_keys,
     "AWS rejects the credentials themselves, so every token that they sign is refused.",
     "Get new ones: aws sso login, aws login, or new access keys."},
    {"clock",
     has_wrong_clock,
     "This machine's clock is wrong. AWS rejects tokens that are 15 minutes old, or 5 minutes "
     "ahead "
     "of its time.",
     "timedatectl set-ntp true"},
    {"region",
     ria_check_has_other_region,
     "The token is signed for a region that is not the one in the endpoint's name.",
     "Remove the region at {region_from}."},
};

/* Returns whether the cause in the row at `second` is also added after the cause in the row at
 * `first`. This is so in two cases: the first cause is that no server was reached, and the second
 * is that no token can be made; or the second is that the agent refuses the service. */
static bool is_separate(size_t first, size_t second)
{
    bool has_no_server =
        proved[first].is_proved == is_unreached || proved[first].is_proved == has_no_answer;
    return proved[second].is_proved == ria_check_is_service_refused ||
           (has_no_server && (proved[second].is_proved == has_no_endpoint ||
                              proved[second].is_proved == has_no_credentials));
}

bool ria_check_explain_proved(struct ria_facts *facts)
{
    const size_t count = sizeof(proved) / sizeof(proved[0]);
    size_t first = count;
    for (size_t i = 0; i < count; i++) {
        if ((first == count || is_separate(first, i)) && proved[i].is_proved(facts)) {
            ria_cause_add(facts, proved[i].id, proved[i].text, proved[i].remedy);
            first = first == count ? i : first;
        }
    }
    return first < count;
}

/* Returns whether the login was tried with MariaDB's library. */
static bool used_libmariadb(const struct ria_facts *facts)
{
    char version[RIA_ERROR_TEXT_MAX];
    return ria_probe_text(&facts->attempt, "library_version", version, sizeof(version)) &&
           strstr(version, "libmariadb") != NULL;
}

/* If MariaDB's client library finds only its own plugin and not rds-iam's, it sends an empty
 * password. The same happens if no option file has the group whose plugin-dir names the plugin. */
bool ria_check_explain_unsent(struct ria_facts *facts)
{
    bool is_empty = strstr(facts->refusal, "using password: NO") != NULL;
    bool is_unsent = is_empty || facts->verdict == RIA_VERDICT_OURS;
    if (facts->is_group_missing && is_empty) {
        ria_cause_add(facts, "no-option-file", NO_GROUP, SEE_OPTION_FILE);
        return true;
    }
    if (facts->is_plugin_dir_missing && is_unsent) {
        ria_cause_add(
            facts,
            "plugin-dir",
            "The client sent no token: plugin-dir in [{group}] does not lead to rds-iam's plugin.",
            "See \"plugin-dir\" above, under Settings.");
        return true;
    }
    if (facts->is_plugin_dir_for_oracle && is_unsent && used_libmariadb(facts)) {
        ria_cause_add(
            facts,
            "plugin-dir",
            "This login used libmariadb and sent no token, because plugin-dir in [{group}] is the "
            "directory for libmysqlclient. If your program uses libmysqlclient, this is not the "
            "cause.",
            "If your program uses libmariadb, see \"plugin-dir\" above, under Settings. Otherwise, "
            "name the program: --program FILE");
        return true;
    }
    return false;
}
