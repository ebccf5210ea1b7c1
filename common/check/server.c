/* SPDX-License-Identifier: MIT
 *
 * Checks each step of the connection to the server: the endpoint (endpoint_items.c), DNS, TCP, and
 * the certificate that the server shows over TLS. Connects through rds-iam-probe. Sends no
 * credentials. */
#include "check/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SPARE_MS = 3000, /* for name resolution, and for the start of the probe */
    MS_PER_SECOND = 1000,
    VALUE_SIZE = 600,
};

/* -- DNS and TCP ------------------------------------------------------------------------------ */

/* Returns whether an address is in a private range of RFC 1918 or RFC 4193. */
static bool is_private(const char *address)
{
    unsigned first = 0;
    unsigned second = 0;
    if (strncmp(address, "fd", 2) == 0 || strncmp(address, "fc", 2) == 0) {
        return true;
    }
    if (sscanf(address, "%u.%u.", &first, &second) != 2) { /* NOLINT(cert-err34-c) */
        return false;
    }
    return first == 10 || (first == 172 && second >= 16 && second < 32) ||
           (first == 192 && second == 168);
}

static void add_dns(struct ria_facts *facts)
{
    char canonical[VALUE_SIZE];
    char addresses[VALUE_SIZE];
    char address[VALUE_SIZE];
    const char *host = facts->target.login.host;
    (void)ria_probe_text(&facts->server, "addresses", addresses, sizeof(addresses));
    (void)ria_probe_text(&facts->server, "address", address, sizeof(address));
    bool has_alias = ria_probe_text(&facts->server, "canonical", canonical, sizeof(canonical)) &&
                     !ria_ascii_same(canonical, host) && strstr(addresses, host) == NULL;
    ria_report_add(
        facts->report,
        RIA_MARK_OK,
        "DNS",
        is_private(address) ? "A private address: it is reachable only inside its VPC, or by a VPN "
                              "or a tunnel."
                            : NULL,
        "%s%s%s, %.1f ms",
        addresses,
        has_alias ? ", alias of " : "",
        has_alias ? canonical : "",
        (double)ria_probe_number(&facts->server, "dns_us", 0) / RIA_US_PER_MS);
}

#define COMPARE_NAME "Compare the host name with the endpoint in the AWS console."

#define PORT_ASSUMED                                                                               \
    "; port 3306 was tried, because neither --engine nor --port was given; for PostgreSQL: "       \
    "--engine postgres"

#define LATE_TCP "timed out"
#define LATE_DNS "Temporary failure"

/* Returns the remedy for the usual cause of an error in DNS or TCP. */
static const char *find_reach_remedy(const char *error)
{
    static const struct {
        const char *words;
        const char *remedy;
    } table[] = {
        {LATE_TCP,
         "Nothing answers. Check the security group of the database, the route to its VPC, and "
         "that the database is running."},
        {"refused", "No server listens on this port. Compare the port with the endpoint's."},
        {"not known", COMPARE_NAME},
        {"No address", COMPARE_NAME},
        {"unreachable", "This machine has no route to the address. Connect the VPN or the tunnel."},
        {LATE_DNS, "The DNS server does not respond. Check this machine's network."},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strstr(error, table[i].words) != NULL) {
            return table[i].remedy;
        }
    }
    return "Check the network between this machine and the database.";
}

/* Adds an item for a server that was not reached. The probe prints the addresses when the name is
 * resolved, also if it is killed later. It prints the address that it tried last only if it is not
 * killed. */
static void add_unreached(struct ria_facts *facts)
{
    char error[VALUE_SIZE];
    char address[VALUE_SIZE];
    bool is_resolved = ria_probe_text(&facts->server, "addresses", address, sizeof(address));
    if (is_resolved && !facts->server.is_late) {
        (void)ria_probe_text(&facts->server, "address", address, sizeof(address));
    }
    const char *late = is_resolved ? LATE_TCP : LATE_DNS;
    (void)ria_probe_text(&facts->server, "error", error, sizeof(error));
    ria_report_add(
        facts->report,
        RIA_MARK_FAULT,
        is_resolved ? "TCP" : "DNS",
        find_reach_remedy(facts->server.is_late ? late : error),
        "%s%s%s%s",
        address,
        is_resolved ? ": " : "",
        facts->server.is_late ? "no answer in time" : error,
        is_resolved && facts->target.is_port_assumed ? PORT_ASSUMED : "");
}

/* -- TLS -------------------------------------------------------------------------------------- */

/* Reports a certificate chain that OpenSSL rejects. If a certificate has expired or is not valid
 * yet, reports only this, because OpenSSL's reason then does not show whether the issuer is
 * trusted. */
static void add_broken_chain(struct ria_facts *facts, const char *issuer, const char *reason)
{
    facts->is_out_of_date = ria_probe_is(&facts->server, "in_time", "no");
    facts->is_other_ca = !facts->is_out_of_date;
    if (facts->is_out_of_date) {
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "TLS",
            "Compare this machine's clock with the certificate's dates.",
            "the certificate, issued by %s, or a certificate of its chain is not valid now: %s",
            issuer,
            reason);
        return;
    }
    char remedy[VALUE_SIZE];
    (void)snprintf(
        remedy,
        sizeof(remedy),
        "This is not a server of RDS, or these are the wrong root certificates: %s.",
        ria_check_other_roots(&facts->target));
    ria_report_add(
        facts->report,
        RIA_MARK_FAULT,
        "TLS",
        remedy,
        "the certificate, issued by %s, cannot be verified with %s: %s",
        issuer,
        facts->ca_file,
        reason);
}

static void add_chain(struct ria_facts *facts)
{
    char chain[VALUE_SIZE];
    char issuer[VALUE_SIZE];
    char protocol[64];
    (void)ria_probe_text(&facts->server, "issuer", issuer, sizeof(issuer));
    (void)ria_probe_text(&facts->server, "protocol", protocol, sizeof(protocol));
    if (!ria_probe_text(&facts->server, "chain", chain, sizeof(chain))) {
        ria_report_add(
            facts->report,
            RIA_MARK_SKIPPED,
            "TLS",
            NULL,
            "%s; not verified, because no root certificates are installed",
            protocol);
    } else if (strcmp(chain, "ok") == 0) {
        ria_report_add(
            facts->report,
            RIA_MARK_OK,
            "TLS",
            NULL,
            "%s, %.1f ms; issued by %s",
            protocol,
            (double)ria_probe_number(&facts->server, "tls_us", 0) / RIA_US_PER_MS,
            issuer);
    } else {
        add_broken_chain(facts, issuer, chain);
    }
}

/* Returns whether tls = verify-ca is set and has the effect that the client accepts a certificate
 * that does not contain the dialed name. Under rds-iam exec, libpq uses sslmode=verify-ca in two
 * cases: PGSSLMODE is verify-ca; or it is unset, prefer or allow, and the preload replaces that
 * mode. For a service the setting has no effect: a service sets its own sslmode, and the agent
 * serves only services with verify-full. With ssl-verify-server-cert in the option file, the
 * setting has no effect either. */
static bool is_chain_enough(const struct ria_facts *facts)
{
    static const char *const modes[] = {"verify-ca", "prefer", "allow"};
    const char *mode = ria_world_env(facts->world, "PGSSLMODE");
    if (!facts->has_name || !facts->name.chain_suffices || facts->target.service != NULL ||
        facts->has_verify_option) {
        return false;
    }
    bool is_enough = facts->target.engine != RIA_ENGINE_POSTGRES || mode == NULL;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]) && !is_enough; i++) {
        is_enough = strcmp(mode, modes[i]) == 0;
    }
    return is_enough;
}

/* Returns what to do if the client compares the certificate with a name that it does not contain.
 * The result is a static text or `own_name`, which explains how to dial the endpoint's own name. */
static const char *find_name_remedy(const struct ria_facts *facts, const char *own_name)
{
    if (!facts->has_name) {
        return "See \"endpoint\" above.";
    }
    const char *host = facts->target.login.host;
    if (host[strlen(host) - 1] == '.') {
        return "Write the name without its final dot.";
    }
    if (facts->target.service != NULL) {
        return "The agent requires sslmode=verify-full, which overrides tls = verify-ca. Write "
               "host=ENDPOINT; for a tunnel, also write hostaddr=127.0.0.1.";
    }
    if (facts->has_verify_option) {
        return own_name;
    }
    if (facts->name.chain_suffices) {
        return "The section has tls = verify-ca, but PGSSLMODE overrides it. Unset PGSSLMODE.";
    }
    return facts->name.has_public_ca
               ? "Dial the endpoint's own name: for a tunnel, map it in /etc/hosts."
               : "Dial the endpoint's own name (for a tunnel, map it in /etc/hosts), or, to accept "
                 "any RDS server, set tls = verify-ca in the section of this tunnel or alias.";
}

static void add_server_name(struct ria_facts *facts)
{
    char names[VALUE_SIZE];
    char own_name[VALUE_SIZE];
    const char *host = facts->target.login.host;
    (void)ria_probe_text(&facts->server, "names", names, sizeof(names));
    bool is_dialed = ria_probe_is(&facts->server, "name", "ok");
    const char *endpoint = facts->has_name ? facts->name.endpoint : host;
    facts->is_other_server =
        facts->has_name && ria_probe_is(&facts->server, "signed_name", "mismatch");
    if (facts->is_other_server) {
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "server name",
            facts->name.is_mapped
                ? "The tunnel or alias leads to another server. Fix endpoint= or the tunnel."
                : "The name leads to another server. Check DNS and /etc/hosts.",
            "the certificate is for %s, not for %s",
            names,
            endpoint);
    } else if (!is_dialed && !is_chain_enough(facts)) {
        facts->is_name_unverified = true;
        ria_check_own_name_remedy(facts, own_name, sizeof(own_name));
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "server name",
            find_name_remedy(facts, own_name),
            "the certificate is for %s, and clients compare it with %s%s",
            names,
            host,
            facts->has_verify_option ? ", because the option file sets ssl-verify-server-cert"
                                     : "");
    } else {
        facts->is_name_ignored = !is_dialed;
        ria_report_add(
            facts->report,
            RIA_MARK_OK,
            "server name",
            NULL,
            "the certificate contains %s",
            endpoint);
    }
}

static void add_certificate_end(struct ria_facts *facts)
{
    int64_t days = ria_probe_number(&facts->server, "days_left", INT64_MIN);
    if (days != INT64_MIN) {
        ria_report_add(
            facts->report,
            days > 7    ? RIA_MARK_OK
            : days >= 0 ? RIA_MARK_WARNING
                        : RIA_MARK_FAULT,
            "certificate",
            NULL,
            days >= 0 ? "expires in %" PRId64 " days" : "expired %" PRId64 " days ago",
            days >= 0 ? days : -days);
    }
}

/* Adds an item for a TLS connection that was not established. The probe loads the CA file before
 * the handshake, so in the stages "ca" and "library" the server has no part in the failure. */
static void add_failed_tls(struct ria_facts *facts, const char *error)
{
    const char *remedy = "Compare host, port and engine with the endpoint in the AWS console.";
    if (ria_probe_is(&facts->server, "error_stage", "ca")) {
        (void)ria_fail(
            &facts->ca_error,
            RIA_E_CONFIG,
            "%s: OpenSSL cannot load these root certificates (%s); %s",
            facts->ca_file,
            error,
            ria_check_other_roots(&facts->target));
        facts->ca_file[0] = '\0';
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "TLS", &facts->ca_error);
        return;
    }
    bool is_library = ria_probe_is(&facts->server, "error_stage", "library");
    ria_report_add(
        facts->report,
        RIA_MARK_FAULT,
        "TLS",
        is_library ? "Check the installation and the configuration of OpenSSL on this machine."
                   : remedy,
        "%s%s",
        is_library ? "OpenSSL cannot be used: " : "",
        error);
}

static void add_tls(struct ria_facts *facts)
{
    char error[VALUE_SIZE];
    if (ria_probe_is(&facts->server, "tls", "no")) {
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "TLS",
            "This is not an RDS server, or TLS is turned off there. A token needs TLS.",
            "the server offers no TLS");
        facts->offers_no_tls = true;
        return;
    }
    bool is_failed = ria_probe_text(&facts->server, "error", error, sizeof(error));
    facts->is_silent = facts->server.is_late || ria_probe_is(&facts->server, "silent", "yes");
    if (facts->is_silent) {
        (void)snprintf(
            error, sizeof(error), "the server did not answer within %u s", facts->target.timeout);
    }
    if (is_failed || facts->is_silent) {
        add_failed_tls(facts, error);
        return;
    }
    facts->has_tls = true;
    add_chain(facts);
    add_server_name(facts);
    add_certificate_end(facts);
}

/* -- the probe -------------------------------------------------------------------------------- */

static const char *engine_name(enum ria_engine engine)
{
    return engine == RIA_ENGINE_POSTGRES ? "postgres"
           : engine == RIA_ENGINE_MYSQL  ? "mysql"
                                         : "any";
}

static void use_engine(struct ria_facts *facts)
{
    if (facts->target.engine == RIA_ENGINE_UNKNOWN) {
        facts->target.engine = ria_probe_is(&facts->server, "engine", "mysql") ? RIA_ENGINE_MYSQL
                               : ria_probe_is(&facts->server, "engine", "postgres")
                                   ? RIA_ENGINE_POSTGRES
                                   : RIA_ENGINE_UNKNOWN;
    }
}

/* Uses the client's own time limit, so that this check takes only a little longer than the client
 * would. */
static void add_time_limit(struct ria_facts *facts)
{
    struct ria_target *target = &facts->target;
    if (target->engine == RIA_ENGINE_POSTGRES) {
        ria_check_use_timeout(
            target, ria_world_env(facts->world, "PGCONNECT_TIMEOUT"), "PGCONNECT_TIMEOUT");
    }
    if (target->timeout == 0) {
        target->timeout = RIA_CHECK_TIMEOUT;
        target->timeout_from = "rds-iam check, because the client has no limit";
    }
    ria_report_add(
        facts->report,
        RIA_MARK_NOTE,
        "time limit",
        NULL,
        "%u s, set by %s; this part of the check ends after %u s at the latest",
        target->timeout,
        target->timeout_from,
        target->timeout + SPARE_MS / MS_PER_SECOND);
}

void ria_check_server(struct ria_facts *facts)
{
    char port[16];
    char limit[16];
    struct ria_error err;
    const struct ria_login *login = &facts->target.login;
    (void)snprintf(port, sizeof(port), "%u", login->port);
    const char *arguments[] = {
        RIA_PROBE_PROGRAM,
        "tls",
        engine_name(facts->target.engine),
        login->host,
        port,
        limit,
        facts->has_name ? facts->name.endpoint : login->host,
        facts->target.address[0] == '\0' ? login->host : facts->target.address,
        facts->ca_file[0] == '\0' ? NULL : facts->ca_file,
        NULL};
    ria_report_section(facts->report, "Server");
    ria_check_add_endpoint(facts);
    add_time_limit(facts);
    int64_t limit_ms = (int64_t)facts->target.timeout * MS_PER_SECOND;
    (void)snprintf(limit, sizeof(limit), "%" PRId64, limit_ms);
    struct ria_deadline deadline = ria_deadline_in(facts->world, limit_ms + SPARE_MS);
    if (!ria_probe_run(arguments, NULL, deadline, facts->world, &facts->server, &err)) {
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "probe", &err);
        return;
    }
    facts->is_probed = true;
    facts->is_reached = ria_probe_number(&facts->server, "tcp_us", -1) >= 0;
    if (!facts->is_reached) {
        add_unreached(facts);
        return;
    }
    use_engine(facts);
    add_dns(facts);
    ria_report_add(
        facts->report,
        RIA_MARK_OK,
        "TCP",
        NULL,
        "port %s, %.1f ms",
        port,
        (double)ria_probe_number(&facts->server, "tcp_us", 0) / RIA_US_PER_MS);
    add_tls(facts);
}
