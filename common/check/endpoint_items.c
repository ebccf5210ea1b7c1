/* SPDX-License-Identifier: MIT
 *
 * Reports the kind and the region of the endpoint that the token is signed for. If no token can be
 * signed for the host, reports why, and which settings a tunnel needs. Sends no request, except a
 * DNS query that finds out whether the name is an alias of an RDS name. */
#include "check/facts.h"

#include <stdio.h>
#include <string.h>

enum {
    ALIAS_MS = 3000, /* to find out whether the name is an alias of an RDS name */
    VALUE_SIZE = 600,
};

void ria_check_own_name_remedy(const struct ria_facts *facts, char *out, size_t size)
{
    char port[16] = "ITS_PORT";
    bool is_mapped = facts->has_name && facts->name.is_mapped;
    const char *name = facts->has_name ? facts->name.endpoint : "ENDPOINT";
    if (is_mapped) {
        (void)snprintf(port, sizeof(port), "%u", facts->name.port);
    }
    (void)snprintf(
        out,
        size,
        "Dial the endpoint's own name: for a tunnel, map it in /etc/hosts, and write a section for "
        "the tunnel's port: [%s:%u], then endpoint = %s:%s.",
        name,
        facts->target.login.port,
        name,
        port);
}

/* Writes the remedy for a host for which no token can be signed: the lines of a section for a
 * tunnel at the dialed port. With ssl-verify-server-cert, only the endpoint's own name helps. */
static void find_tunnel_remedy(const struct ria_facts *facts, char *out, size_t size)
{
    const struct ria_login *login = &facts->target.login;
    bool is_ipv6 = strchr(login->host, ':') != NULL;
    bool is_postgres = facts->target.engine == RIA_ENGINE_POSTGRES;
    if (facts->has_verify_option) {
        ria_check_own_name_remedy(facts, out, size);
        return;
    }
    (void)snprintf(
        out,
        size,
        "For a tunnel, map the endpoint's own name in /etc/hosts, or, to accept any RDS server, "
        "write three lines: [%s%s%s:%u], then endpoint = ENDPOINT:ITS_PORT, then tls = "
        "verify-ca.%s",
        is_ipv6 ? "[" : "",
        login->host,
        is_ipv6 ? "]" : "",
        login->port,
        is_postgres ? ""
                    : " The lines do not help a program whose option file sets "
                      "ssl-verify-server-cert.");
}

/* Reports why no token can be signed for the host. */
static void add_unsigned_name(struct ria_facts *facts)
{
    char remedy[VALUE_SIZE];
    const char *text = facts->name_error.text;
    find_tunnel_remedy(facts, remedy, sizeof(remedy));
    ria_report_add(
        facts->report,
        RIA_MARK_FAULT,
        "endpoint",
        strstr(text, "tls = ") != NULL ? remedy : NULL,
        "%s",
        text);
}

bool ria_check_has_other_region(const struct ria_facts *facts)
{
    const struct ria_login_facts *name = &facts->name;
    char dotted[80];
    (void)snprintf(dotted, sizeof(dotted), ".%s.", facts->has_name ? name->region : "");
    return facts->has_name && name->partition != NULL &&
           strncmp(name->kind, "global", strlen("global")) != 0 &&
           strcmp(name->region_from, "the endpoint's name") != 0 &&
           strstr(name->endpoint, dotted) == NULL;
}

static void add_region(struct ria_facts *facts)
{
    const struct ria_login_facts *name = &facts->name;
    bool is_other = ria_check_has_other_region(facts);
    ria_report_add(
        facts->report,
        is_other ? RIA_MARK_WARNING : RIA_MARK_OK,
        "region",
        is_other ? "If the server refuses the token, remove this region." : NULL,
        "%s, from %s%s",
        name->region,
        name->region_from,
        is_other ? "; the endpoint's name contains another region" : "");
}

void ria_check_add_endpoint(struct ria_facts *facts)
{
    const struct ria_login_facts *name = &facts->name;
    struct ria_report *report = facts->report;
    if (!facts->has_name) {
        ria_alias_explain(
            &facts->target.login,
            ria_deadline_in(facts->world, ALIAS_MS),
            facts->world,
            &facts->name_error);
        add_unsigned_name(facts);
        return;
    }
    if (name->is_mapped) {
        ria_report_add(
            report,
            RIA_MARK_OK,
            "endpoint",
            NULL,
            "%s; tokens are signed for %s:%u (%s)",
            name->kind,
            name->endpoint,
            name->port,
            name->mapped_by);
    } else {
        ria_report_add(report, RIA_MARK_OK, "endpoint", NULL, "%s", name->kind);
    }
    add_region(facts);
    if (name->other_region[0] != '\0') {
        ria_report_add(
            report,
            RIA_MARK_NOTE,
            "other region",
            NULL,
            "%s=%s is not used for the token",
            name->other_region_from,
            name->other_region);
    }
}
