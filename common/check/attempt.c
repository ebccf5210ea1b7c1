/* SPDX-License-Identifier: MIT
 *
 * Logs in once, through the client library and rds-iam's hooks (the preload and the plugins), as
 * the user's program does. If the user named a service or a group of an option file, the login uses
 * the settings of that service or group. Otherwise the login runs under rds-iam exec. Tries no
 * login if the server was not reached or if no token can be made. Changes nothing on the server. */
#include "check/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    HOOK_SECONDS = 12, /* to start the client and to wait for credentials */
    MS_PER_SECOND = 1000,
    PARAMETERS_MAX = 8,
    MYSQL_CLIENT_ERRORS = 2000, /* the client library's own errors are 2000 to 2999 */
    MYSQL_CLIENT_ERRORS_END = 3000,
    MARIADB_CLIENT_ERRORS = 5000, /* MariaDB's library also has errors 5000 to 5999 */
    MARIADB_CLIENT_ERRORS_END = 6000,
};

/* The libraries of each engine, in the order in which they are tried. */
static const struct {
    enum ria_engine engine;
    const char *name;
} usual_libraries[] = {
    {RIA_ENGINE_POSTGRES, "libpq.so.5"},
    {RIA_ENGINE_MYSQL, "libmariadb.so.3"},
    {RIA_ENGINE_MYSQL, "libmysqlclient.so.24"},
    {RIA_ENGINE_MYSQL, "libmysqlclient.so.21"},
    {RIA_ENGINE_MYSQL, "libmysqlclient.so.20"},
};

struct parameters {
    const char *arguments[PARAMETERS_MAX * 2 + 8];
    size_t count;
};

static void add_parameter(struct parameters *out, const char *name, const char *value)
{
    if (value != NULL) {
        out->arguments[out->count++] = name;
        out->arguments[out->count++] = value;
    }
}

/* Composes the command line of rds-iam-probe. If the target is a service, libpq reads host, port
 * and user from the service, so they are not on the command line. */
static void compose_login(
    const struct ria_target *target,
    const char *library,
    const char *port,
    const char *timeout,
    struct parameters *out)
{
    bool is_postgres = target->engine == RIA_ENGINE_POSTGRES;
    *out = (struct parameters){
        .arguments = {RIA_PROBE_PROGRAM, "login", is_postgres ? "postgres" : "mysql", library},
        .count = 4};
    if (target->service != NULL) {
        add_parameter(out, "service", target->service);
    } else {
        add_parameter(out, "host", target->login.host);
        add_parameter(out, "port", port);
        add_parameter(out, "user", target->login.user);
    }
    add_parameter(out, "group", target->group);
    const char *dbname = target->dbname;
    if (dbname == NULL && is_postgres && target->service == NULL) {
        dbname = "postgres";
    }
    add_parameter(out, "dbname", dbname);
    add_parameter(out, "connect_timeout", timeout);
    out->arguments[out->count] = NULL;
}

/* Returns the time limit of the login's process in seconds. */
static unsigned login_limit(const struct ria_target *target)
{
    return target->timeout + HOOK_SECONDS;
}

/* Tries to log in with one library. Returns false if the library cannot be loaded, and also, with
 * *err filled, if rds-iam-probe cannot be started. */
static bool attempt_with(struct ria_facts *facts, const char *library, struct ria_error *err)
{
    char port[16];
    char timeout[16];
    struct parameters parameters;
    const struct ria_target *target = &facts->target;
    const char *options[] = {
        target->ca == NULL ? NULL : "--ca", target->ca == NULL ? NULL : target->ca, NULL};
    bool is_configured = target->service != NULL || target->group != NULL;
    struct ria_deadline deadline =
        ria_deadline_in(facts->world, (int64_t)login_limit(target) * MS_PER_SECOND);
    (void)snprintf(port, sizeof(port), "%u", target->login.port);
    (void)snprintf(timeout, sizeof(timeout), "%u", target->timeout);
    compose_login(target, library, port, timeout, &parameters);
    return ria_probe_run(
               parameters.arguments,
               is_configured ? NULL : options,
               deadline,
               facts->world,
               &facts->attempt,
               err) &&
           !ria_probe_is(&facts->attempt, "error_stage", "library");
}

/* Tries the library of the target. If that library is not known, tries the usual libraries one
 * after the other until one of them can be loaded. */
static bool attempt(struct ria_facts *facts, struct ria_error *err)
{
    const struct ria_target *target = &facts->target;
    if (target->library[0] != '\0') {
        return attempt_with(facts, target->library, err);
    }
    for (size_t i = 0; i < sizeof(usual_libraries) / sizeof(usual_libraries[0]); i++) {
        if (usual_libraries[i].engine == target->engine &&
            attempt_with(facts, usual_libraries[i].name, err)) {
            return true;
        }
    }
    return false;
}

/* -- the result ------------------------------------------------------------------------------- */

static void add_success(struct ria_facts *facts)
{
    char user[128];
    char version[128];
    if (!ria_probe_text(&facts->attempt, "user", user, sizeof(user))) {
        /* On a physical replication connection, the server refuses the query for the user. */
        (void)ria_text_copy(user, sizeof(user), facts->target.login.user);
    }
    (void)ria_probe_text(&facts->attempt, "server_version", version, sizeof(version));
    if (ria_check_has_password(facts)) {
        facts->verdict = RIA_VERDICT_OURS;
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "login",
            NULL,
            "as %s, but with a password, so the token was not tried",
            user);
        return;
    }
    ria_report_add(facts->report, RIA_MARK_OK, "login", NULL, "as %s", user);
    char protocol[64];
    char cipher[128];
    bool has_protocol = ria_probe_text(&facts->attempt, "protocol", protocol, sizeof(protocol));
    bool has_cipher = ria_probe_text(&facts->attempt, "cipher", cipher, sizeof(cipher));
    ria_report_add(
        facts->report,
        RIA_MARK_OK,
        "server version",
        NULL,
        "%s%s%s%s%s",
        version,
        has_protocol ? ", " : "",
        protocol,
        has_cipher ? ", " : "",
        cipher);
    if (facts->target.engine == RIA_ENGINE_MYSQL && facts->target.group == NULL) {
        ria_check_unused_option_files(facts);
    }
}

/* Copies the first message that rds-iam's hooks or rds-iam exec printed. Leaves out "rds-iam: " and
 * "warning: " at its beginning. If `word` is not NULL, copies the first message that contains
 * `word`. Returns false if there is no such message. */
static bool find_hook_message(
    const struct ria_probe *attempt, const char *word, char *out, size_t size)
{
    static const char *const begins[] = {"rds-iam: ", "warning: "};
    const char *line = attempt->errors.len == 0 ? "" : attempt->errors.data;
    for (; *line != '\0'; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL ? 1 : 0)) {
        const char *text = line;
        bool is_hook = strncmp(line, begins[0], strlen(begins[0])) == 0;
        for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
            text += strncmp(text, begins[i], strlen(begins[i])) == 0 ? strlen(begins[i]) : 0;
        }
        (void)snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
        ria_printable(out);
        if (is_hook && (word == NULL || strstr(out, word) != NULL)) {
            return true;
        }
    }
    return false;
}

/* Finds the message of a hook that refused to make or to send a token, and skips the hooks' other
 * warnings. If the login did not begin, rds-iam exec has failed, so its first message counts as the
 * refusal. */
static bool find_hook_refusal(const struct ria_probe *attempt, char *out, size_t size)
{
    bool has_begun = ria_probe_number(attempt, "login_us", -1) >= 0 || attempt->is_late;
    return find_hook_message(attempt, "no token", out, size) ||
           find_hook_message(attempt, "not connected", out, size) ||
           (!has_begun && find_hook_message(attempt, NULL, out, size));
}

/* Returns whether the server sent the error. If a plugin cannot be loaded, libmariadb may report
 * this with the server's error number 1045. Such an error does not count as the server's. */
static bool is_error_of_server(const struct ria_facts *facts)
{
    int64_t code = facts->refusal_code;
    bool is_own = (code >= MYSQL_CLIENT_ERRORS && code < MYSQL_CLIENT_ERRORS_END) ||
                  (code >= MARIADB_CLIENT_ERRORS && code < MARIADB_CLIENT_ERRORS_END) ||
                  (strncmp(facts->refusal, "Plugin ", strlen("Plugin ")) == 0 &&
                   strstr(facts->refusal, "could not be loaded") != NULL);
    return strstr(facts->refusal, "FATAL: ") != NULL || (code != 0 && !is_own);
}

/* Returns whether the client library reports one of two failures: the server ended the connection,
 * or the server did not answer in time. Also returns true if rds-iam-probe was killed at its time
 * limit. */
static bool is_ended_by_server(const struct ria_facts *facts)
{
    static const char *const words[] = {
        "closed the connection", "timeout expired", "reset by peer", "EOF", "Lost connection"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(facts->refusal, words[i]) != NULL) {
            return true;
        }
    }
    return facts->attempt.is_late;
}

/* Decides who refused the login. If the server sent no error, a refusal by rds-iam's hooks means
 * that no token was sent. Any other error is of the client library itself and has one of three
 * causes: the library did not reach the server; the library did not accept the server's TLS; or the
 * server accepted TLS, but then ended the connection or did not answer. The check of the server,
 * which has already run, distinguishes these causes. */
static enum ria_verdict judge(struct ria_facts *facts)
{
    char message[RIA_ERROR_TEXT_MAX];
    if (strncmp(facts->refusal, "rds-iam: ", 9) == 0) {
        return RIA_VERDICT_OURS;
    }
    if (is_error_of_server(facts)) {
        return RIA_VERDICT_SERVER;
    }
    if (find_hook_refusal(&facts->attempt, message, sizeof(message))) {
        (void)ria_text_copy(facts->refusal, sizeof(facts->refusal), message);
        return RIA_VERDICT_OURS;
    }
    if (!facts->has_tls && !facts->offers_no_tls) {
        return RIA_VERDICT_NOT_REACHED;
    }
    return facts->has_tls && is_ended_by_server(facts) ? RIA_VERDICT_SERVER : RIA_VERDICT_OURS;
}

/* Reports the error. If it has a number, as MySQL's errors do, reports it in the form in which the
 * mariadb command prints it. */
static void add_refusal_item(struct ria_facts *facts)
{
    char sqlstate[16];
    if (facts->refusal_code != 0 &&
        ria_probe_text(&facts->attempt, "sqlstate", sqlstate, sizeof(sqlstate))) {
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "login",
            NULL,
            "ERROR %" PRId64 " (%s): %s",
            facts->refusal_code,
            sqlstate,
            facts->refusal);
    } else {
        ria_report_add(facts->report, RIA_MARK_FAULT, "login", NULL, "%s", facts->refusal);
    }
}

/* Removes the line that libpq adds if the password is from a passfile. The line names the user's
 * own passfile. But the token was in the passfile of the preload, which exists only in memory. */
static void remove_passfile_line(char *text)
{
    char *line = strstr(text, "password retrieved from file");
    if (line != NULL && line > text) {
        line[-1] = '\0'; /* the newline */
    }
}

static void add_failure(struct ria_facts *facts)
{
    char hook[RIA_ERROR_TEXT_MAX];
    (void)ria_probe_text(&facts->attempt, "error", facts->refusal, sizeof(facts->refusal));
    if (facts->target.service == NULL && facts->given == RIA_GIVEN_NONE) {
        remove_passfile_line(facts->refusal);
    }
    facts->refusal_code = ria_probe_number(&facts->attempt, "error_code", 0);
    if (facts->attempt.is_late) {
        (void)snprintf(
            facts->refusal,
            sizeof(facts->refusal),
            "the login did not end within %u s",
            login_limit(&facts->target));
    } else if (facts->attempt.signal != 0) {
        (void)snprintf(
            facts->refusal,
            sizeof(facts->refusal),
            "the client library was ended by signal %d",
            facts->attempt.signal);
    }
    facts->verdict = judge(facts);
    if (ria_is_token(facts->refusal)) {
        (void)ria_text_copy(
            facts->refusal,
            sizeof(facts->refusal),
            "the server's error contains the token, so it is not shown");
    }
    add_refusal_item(facts);
    if (find_hook_message(&facts->attempt, NULL, hook, sizeof(hook)) &&
        strcmp(hook, facts->refusal) != 0) {
        ria_report_add(facts->report, RIA_MARK_WARNING, "hook", NULL, "%s", hook);
    }
}

static bool skip(struct ria_facts *facts, enum ria_verdict verdict, const char *why)
{
    facts->verdict = verdict;
    ria_report_add(facts->report, RIA_MARK_SKIPPED, "login", NULL, "%s", why);
    return false;
}

/* Returns whether a login can be tried. If not, reports the reason. */
static bool is_worth_it(struct ria_facts *facts)
{
    if (facts->is_probed && !facts->is_reached) {
        return skip(facts, RIA_VERDICT_NOT_REACHED, "the server cannot be reached");
    }
    if (facts->is_silent) {
        return skip(facts, RIA_VERDICT_NOT_REACHED, "the server does not answer");
    }
    if (facts->target.login.host != NULL && !facts->has_name) {
        return skip(facts, RIA_VERDICT_OURS, "no token can be signed for this host");
    }
    if (facts->credentials != RIA_FOUND && !facts->is_agent_running) {
        return skip(facts, RIA_VERDICT_OURS, "no credentials were found that could sign a token");
    }
    if (facts->target.engine == RIA_ENGINE_UNKNOWN) {
        return skip(facts, RIA_VERDICT_NOT_REACHED, "the engine is not known; give --engine");
    }
    return true;
}

static void add_library(struct ria_facts *facts, const char *version)
{
    const struct ria_target *target = &facts->target;
    if (target->program == NULL) {
        ria_report_add(facts->report, RIA_MARK_OK, "client library", NULL, "%s", version);
        return;
    }
    ria_report_add(
        facts->report,
        RIA_MARK_OK,
        "client library",
        NULL,
        "%s, %s of %s%s%s",
        version,
        target->library,
        target->program_file,
        target->is_started ? ", for the script " : "",
        target->is_started ? target->program : "");
}

void ria_check_login(struct ria_facts *facts)
{
    char version[RIA_ERROR_TEXT_MAX];
    struct ria_error err = {0};
    ria_report_section(facts->report, "Login");
    ria_check_environment_password(facts);
    if (!is_worth_it(facts)) {
        return;
    }
    if (!attempt(facts, &err)) {
        (void)ria_probe_text(&facts->attempt, "error", version, sizeof(version));
        ria_report_add(
            facts->report,
            RIA_MARK_SKIPPED,
            "client library",
            "Name a program that uses a client library: --program FILE",
            "%s",
            err.text[0] != '\0' ? err.text : version);
        facts->verdict = RIA_VERDICT_NONE;
        return;
    }
    if (ria_probe_text(&facts->attempt, "library_version", version, sizeof(version))) {
        add_library(facts, version);
    }
    if (ria_probe_is(&facts->attempt, "login", "ok")) {
        facts->verdict = RIA_VERDICT_IN;
        add_success(facts);
    } else {
        add_failure(facts);
    }
}
