/* SPDX-License-Identifier: MIT
 *
 * rds-iam credentials: the credentials that a token would be signed with, as credential_process
 * prints them, so that other tools can use them; or where they come from; or an empty cache. */
#include "tool/options.h"
#include "tool/terminal.h"
#include "tool/tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "usage: rds-iam credentials [--profile NAME] [--explain | --clear]\n"
    "\n"
    "Prints the AWS credentials that a token would be signed with, in the form of a\n"
    "credential_process: other AWS tools can use them.\n"
    "\n"
    "  --profile NAME     of this AWS profile; by default as the hooks find them\n"
    "  --hostname HOST --port PORT --username USER\n"
    "                     as for this login, with what rds-iam's configuration says of it\n"
    "  --region REGION    of that database; by default the host name says it\n"
    "  --explain          print which sources were asked, what they answered, every setting with\n"
    "                     its place, whose credentials these are and until when; never a secret\n"
    "  --clear            forget all credentials that are kept in the cache\n"
    "  --help             this text\n"
    "\n"
    "A role that needs an MFA code asks for it on the terminal.\n"
    "exit status: 0, 1 (failed: one sentence on stderr), 2 (usage)\n";

/* -- printing ------------------------------------------------------------------------------- */

/* AWS's keys and tokens hold nothing that JSON escapes; anything else is refused. */
static bool is_plain(const struct ria_buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] < 0x20 || text->data[i] == '"' || text->data[i] == '\\') {
            return false;
        }
    }
    return true;
}

static void add_member(struct ria_buf *out, const char *name, const char *value)
{
    ria_buf_addf(out, ", \"%s\": \"%s\"", name, value);
}

static int print_credentials(const struct ria_session *session)
{
    RIA_AUTO(buf) text = {.max = (size_t)32 * 1024};
    if (!is_plain(&session->access_key_id) || !is_plain(&session->secret_access_key) ||
        !is_plain(&session->session_token)) {
        (void)fputs(
            "rds-iam: these credentials hold characters that no AWS key has; --explain says where "
            "they come from\n",
            stderr);
        return RIA_EXIT_FAILED;
    }
    ria_buf_add_text(&text, "{\"Version\": 1");
    add_member(&text, "AccessKeyId", session->access_key_id.data);
    add_member(&text, "SecretAccessKey", session->secret_access_key.data);
    if (session->session_token.len > 0) {
        add_member(&text, "SessionToken", session->session_token.data);
    }
    char when[RIA_TIMESTAMP_EXTENDED_SIZE];
    if (session->expires != 0 && ria_timestamp_format_extended(session->expires, when)) {
        add_member(&text, "Expiration", when);
    }
    ria_buf_add_text(&text, "}\n");
    if (ria_buf_text(&text) == NULL) {
        return ria_out_of_memory();
    }
    /* Unbuffered, so that no copy of the keys stays in stdio's memory. */
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    return ria_print(text.data);
}

/* -- the cache ------------------------------------------------------------------------------ */

/* "NAME", and "NAME.new" of a writer that was killed, where a name is a digest in hexadecimal.
 * Locks stay: a process may hold one. */
static bool is_entry(const char *name)
{
    const char *end = name + strspn(name, RIA_HEX_DIGITS);
    return end - name == 64 && (*end == '\0' || strcmp(end, ".new") == 0);
}

/* HOME may be another user's, who could lead us anywhere; what is his is no cache of ours. */
static bool is_own(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_uid == geteuid();
}

static bool clear_directory(const char *path, unsigned *count)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR;
    }
    if (!is_own(fd)) {
        (void)close(fd);
        return true;
    }
    DIR *entries = fdopendir(fd);
    const struct dirent *entry = NULL;
    bool ok = entries != NULL;
    while (ok && (entry = readdir(entries)) != NULL) {
        if (is_entry(entry->d_name)) {
            ok = unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT;
            (*count)++;
        }
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return ok;
}

static int clear(const struct ria_world *world)
{
    char path[PATH_MAX];
    unsigned count = 0;
    for (size_t i = 0; ria_session_directory(world, i, path, sizeof(path)); i++) {
        if (!clear_directory(path, &count)) {
            (void)fprintf(stderr, "rds-iam: %s: cannot be emptied: %s\n", path, strerror(errno));
            return RIA_EXIT_FAILED;
        }
    }
    return printf("%u kept credentials removed\n", count) > 0 ? RIA_EXIT_OK : RIA_EXIT_FAILED;
}

/* -- a code from the terminal --------------------------------------------------------------- */

enum {
    CODE_DIGITS = 6
};

/* False, with err as it was where nobody can be asked. */
static bool ask_for_code(const struct ria_session *session, char code[8], struct ria_error *err)
{
    char question[512];
    char line[64];
    const struct ria_buf *serial = &session->mfa_serial;
    (void)snprintf(
        question, sizeof(question), "MFA code of %s: ", serial->len > 0 ? serial->data : "?");
    ria_printable(question);
    enum ria_typed typed = ria_terminal_ask(question, line, sizeof(line));
    if (typed == RIA_TYPED_NO_TERMINAL) {
        return false;
    }
    bool is_code = typed == RIA_TYPED && strlen(line) == CODE_DIGITS &&
                   strspn(line, RIA_DIGITS) == CODE_DIGITS;
    if (is_code) {
        memcpy(code, line, CODE_DIGITS + 1);
    }
    explicit_bzero(line, sizeof(line));
    return is_code || ria_fail(
                          err,
                          RIA_E_MFA,
                          typed == RIA_TYPED ? "an MFA code has six digits; try it again"
                                             : "no MFA code was typed; try it again");
}

static enum ria_outcome find(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_session *session,
    struct ria_error *err)
{
    struct ria_deadline deadline = ria_deadline_in(world, RIA_PERSON_BUDGET_MS);
    enum ria_outcome outcome = ria_session_for(login, NULL, deadline, world, session, err);
    char code[8] = "";
    if (outcome != RIA_FAILED || err->code != RIA_E_MFA || !ask_for_code(session, code, err)) {
        return outcome;
    }
    ria_session_release(session);
    deadline = ria_deadline_in(world, RIA_PERSON_BUDGET_MS);
    outcome = ria_session_for(login, code, deadline, world, session, err);
    explicit_bzero(code, sizeof(code));
    return outcome;
}

static int show(const struct ria_login *login, bool explain, const struct ria_world *world)
{
    RIA_AUTO(session) session = RIA_SESSION_INIT;
    struct ria_error err;
    enum ria_outcome outcome = find(login, world, &session, &err);
    if (explain && session.explanation.len > 0 &&
        ria_print(session.explanation.data) != RIA_EXIT_OK) {
        return RIA_EXIT_FAILED;
    }
    if (outcome != RIA_FOUND) {
        (void)fprintf(stderr, "rds-iam: %s\n", err.text);
        return RIA_EXIT_FAILED;
    }
    return explain ? RIA_EXIT_OK : print_credentials(&session);
}

int ria_command_credentials(int argc, char **argv, const struct ria_world *world)
{
    struct ria_login login = {.channel = RIA_CHANNEL_NONE};
    const char *port = NULL;
    bool explain = false;
    bool clears = false;
    const struct ria_option options[] = {
        {.name = "profile", .value = &login.profile},
        {.name = "hostname", .value = &login.host},
        {.name = "port", .value = &port},
        {.name = "username", .value = &login.user},
        {.name = "region", .value = &login.region},
        {.name = "explain", .flag = &explain},
        {.name = "clear", .flag = &clears},
    };
    int status = ria_options_parse(argc, argv, options, sizeof(options) / sizeof(options[0]), help);
    if (status != RIA_GO_ON) {
        return status;
    }
    if ((port == NULL) != (login.host == NULL) || (login.user == NULL) != (login.host == NULL)) {
        return ria_usage(argv[0], "--hostname, --port and --username belong together");
    }
    if (login.region != NULL && login.host == NULL) {
        return ria_usage(argv[0], "--region is a database's; add --hostname, --port, --username");
    }
    if (explain && clears) {
        return ria_usage(argv[0], "--explain and --clear exclude each other");
    }
    status = port == NULL ? RIA_GO_ON : ria_options_port(argv[0], port, &login.port);
    if (status != RIA_GO_ON) {
        return status;
    }
    return clears ? clear(world) : show(&login, explain, world);
}
