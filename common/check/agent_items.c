/* SPDX-License-Identifier: MIT
 *
 * Reports what the running rds-iam-agent knows about a service: whether the agent serves or refuses
 * the service, the reason for a refusal, and the agent's last failure to make a token for the
 * service. Reads the lines of `rds-iam-agent --status` (pg_plugin/agent/README.md). libpq does not
 * show the agent's messages, so `rds-iam check` shows them. */
#include "check/facts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    AGENT_MS = 6000,
    WORD_LEN = 13,  /* the width of the first word of a line, with the blanks after the word */
    NAME_SHOWN = 64 /* bytes of a service's name in the lines about refusals and failures */
};

/* Finds the first line that begins with "WORD [NAME] (FILE:LINE): ". Returns the text after that
 * beginning, or NULL if there is no such line. */
static const char *find_entry_line(const char *lines, const char *word, const char *name)
{
    char begin[WORD_LEN + NAME_SHOWN + 8];
    (void)snprintf(begin, sizeof(begin), "%-*s[%.*s] (", WORD_LEN, word, NAME_SHOWN, name);
    for (const char *at = lines; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
        at += strspn(at, "\n");
        if (strncmp(at, begin, strlen(begin)) == 0) {
            const char *text = strstr(at, "): ");
            return text == NULL ? NULL : text + strlen("): ");
        }
    }
    return NULL;
}

/* Returns whether the agent lists a host of the service. Sets *has_tokens to whether the agent has
 * a token for every host of the service. */
static bool has_state_line(const char *lines, const char *name, bool *has_tokens)
{
    char begin[sizeof("[] ") + 256];
    bool is_found = false;
    *has_tokens = true;
    (void)snprintf(begin, sizeof(begin), "[%s] ", name);
    for (const char *at = lines; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
        at += strspn(at, "\n");
        if (strncmp(at, begin, strlen(begin)) == 0) {
            size_t len = strcspn(at, "\n");
            is_found = true;
            *has_tokens = *has_tokens && len > 4 && strncmp(at + len - 4, "  ok", 4) == 0;
        }
    }
    return is_found;
}

/* Copies `text` up to the end of its line. */
static void copy_status_line(const char *text, char *out, size_t size)
{
    (void)snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
    ria_printable(out);
}

/* Reports the agent's last failure for the service. `failure` is the text "TIME USER at HOST:PORT:
 * MESSAGE". The failure counts as a cause of the refused login only if the service has no token
 * now. */
static void add_agent_failure(struct ria_facts *facts, const char *failure, bool has_tokens)
{
    char text[2 * RIA_ERROR_TEXT_MAX];
    copy_status_line(failure, text, sizeof(text));
    const char *place = strstr(text, " at ");
    const char *message = place == NULL ? NULL : strstr(place, ": ");
    ria_report_add(
        facts->report,
        has_tokens ? RIA_MARK_NOTE : RIA_MARK_FAULT,
        "agent's last error",
        NULL,
        "%s",
        text);
    if (!has_tokens) {
        facts->has_agent_error = true;
        (void)ria_text_copy(
            facts->service_error.text,
            sizeof(facts->service_error.text),
            message == NULL ? text : message + 2);
    }
}

/* Reports the agent's last failure for a service that the agent serves, or why the agent does not
 * serve the service. Adds no item if the agent serves the service and reports no failure. */
static void check_agent_entry(struct ria_facts *facts, const char *lines, const char *name)
{
    bool has_tokens = false;
    struct ria_error *why = &facts->service_error;
    bool is_known = has_state_line(lines, name, &has_tokens);
    const char *refusal = find_entry_line(lines, "refused", name);
    const char *failure = find_entry_line(lines, "failed", name);
    char invalid[RIA_ERROR_TEXT_MAX];
    if (is_known && failure != NULL) {
        add_agent_failure(facts, failure, has_tokens);
    } else if (!is_known && refusal != NULL) {
        facts->is_service_refused = true;
        copy_status_line(refusal, why->text, sizeof(why->text));
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "agent's refusal", why);
    } else if (!is_known && ria_probe_text(&facts->agent, "invalid", invalid, sizeof(invalid))) {
        facts->is_service_refused = true;
        (void)ria_text_copy(why->text, sizeof(why->text), invalid + strspn(invalid, " "));
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "agent's refusal", why);
    } else if (!is_known) {
        facts->is_service_unknown = true;
        ria_report_add(
            facts->report,
            RIA_MARK_WARNING,
            "agent's services",
            NULL,
            "the agent does not serve [%s]",
            name);
    }
}

/* Gets the status of the agent whose passfiles are in `directory`. NULL means the agent of the
 * default directory. Returns false if that agent is not running. */
static bool ask_agent(struct ria_facts *facts, const char *directory)
{
    struct ria_error err;
    static const char agent[] = RIA_BINDIR "/rds-iam-agent";
    const char *option = directory == NULL ? NULL : "--directory";
    const char *arguments[] = {agent, "--status", option, directory, NULL};
    struct ria_deadline deadline = ria_deadline_in(facts->world, AGENT_MS);
    return ria_probe_run(arguments, NULL, deadline, facts->world, &facts->agent, &err) &&
           !facts->agent.is_late && facts->agent.signal == 0 && facts->agent.status == 0;
}

void ria_check_agent(struct ria_facts *facts, const char *passfile)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(passfile, '/');
    bool has_directory =
        slash != NULL && slash != passfile &&
        ria_text_format(directory, sizeof(directory), "%.*s", (int)(slash - passfile), passfile);
    facts->is_agent_running =
        (has_directory && ask_agent(facts, directory)) || ask_agent(facts, NULL);
    ria_report_add(
        facts->report,
        facts->is_agent_running ? RIA_MARK_OK : RIA_MARK_NOTE,
        "agent",
        NULL,
        "%s",
        facts->is_agent_running ? "running" : "not running for this user");
    if (facts->is_agent_running) {
        char source[RIA_ERROR_TEXT_MAX];
        if (ria_probe_text(&facts->agent, "credentials", source, sizeof(source))) {
            ria_report_add(
                facts->report,
                RIA_MARK_NOTE,
                "agent's source",
                NULL,
                "%s",
                source + strspn(source, " "));
        }
        ria_buf_add_char(&facts->agent.lines, '\n');
        check_agent_entry(facts, ria_buf_text(&facts->agent.lines), facts->target.service);
    }
}
