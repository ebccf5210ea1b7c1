/* SPDX-License-Identifier: MIT
 *
 * Checks what is on this machine: the shared objects of rds-iam that clients load, rds-iam's
 * configuration, and the root certificates that verify the server. Sends no request. */
#include "check/facts.h"

#include "tool/ca_bundle.h"
#include "tool/ca_store.h"
#include "tool/part.h"
#include "tool/tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    DAY = 24 * 60 * 60,
    CA_WARNING_DAYS = 60,
};

static void check_configuration(struct ria_facts *facts)
{
    struct ria_error err;
    if (ria_configuration_check(facts->world, &err)) {
        ria_report_add(
            facts->report,
            RIA_MARK_OK,
            "configuration",
            NULL,
            "no error in rds-iam's configuration");
    } else {
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "configuration", &err);
    }
}

/* Adds an item if the configuration has sections but none of them matches the login. This may be
 * intended, but is a mistake if a section names the host's domain without "*.". */
static void check_sections(struct ria_facts *facts)
{
    struct ria_other_section other;
    char remedy[RIA_REPORT_TEXT_MAX];
    if (!ria_configuration_has_other(&facts->target.login, facts->world, &other)) {
        return;
    }
    (void)snprintf(
        remedy, sizeof(remedy), "For every host of this domain, write: [*.%s]", other.name);
    ria_report_add(
        facts->report,
        other.is_domain ? RIA_MARK_WARNING : RIA_MARK_NOTE,
        "section",
        other.is_domain ? remedy : NULL,
        "no section of the configuration matches this login; it has [%s] (%s)",
        other.name,
        other.place);
}

/* -- root certificates ------------------------------------------------------------------------ */

/* Returns what to do if the file of root certificates does not exist. */
static const char *missing_roots_remedy(const struct ria_target *target)
{
    if (target->ca == NULL) {
        return "run: rds-iam setup ca";
    }
    if (target->ca != target->ca_path) { /* the file of --ca */
        return ria_check_other_roots(target);
    }
    return target->service != NULL
               ? "run: rds-iam setup ca, and name the file that it installs in sslrootcert"
               : "run: rds-iam setup ca, and name the file that it installs in ssl-ca";
}

/* Reads the file of root certificates that verify the server. On failure, reports the reason and
 * clears facts->ca_file. */
static bool read_ca_file(struct ria_facts *facts, struct ria_ca_bundle *bundle)
{
    RIA_AUTO(buf) pem = {.max = RIA_CA_FILE_MAX};
    struct ria_error *err = &facts->ca_error;
    const struct ria_world *world = facts->world;
    enum ria_outcome outcome = world->read_file(world->self, facts->ca_file, &pem, NULL, err);
    if (outcome == RIA_ABSENT) {
        (void)ria_fail(
            err,
            RIA_E_CONFIG,
            "%s does not exist; %s",
            facts->ca_file,
            missing_roots_remedy(&facts->target));
    }
    if (outcome == RIA_FOUND && ria_ca_bundle_read(&pem, facts->ca_file, bundle, err)) {
        return true;
    }
    ria_report_add_error(facts->report, RIA_MARK_FAULT, "root certificates", err);
    facts->ca_file[0] = '\0';
    return false;
}

/* Reports the file, the number of its certificates, and the number of days until the first region
 * has no valid root in the file. The file must be renewed before that. */
static void add_ca_file(struct ria_facts *facts)
{
    RIA_AUTO(ca_bundle) bundle = {0};
    struct ria_ca_end first = {0};
    const struct ria_world *world = facts->world;
    if (!read_ca_file(facts, &bundle)) {
        return;
    }
    int64_t days = 0;
    char when[160] = "the expiry time is not known";
    char date[RIA_TIMESTAMP_EXTENDED_SIZE];
    if (ria_ca_bundle_first_end(&bundle, &first)) {
        int64_t left = first.at - world->now(world->self);
        days = left / DAY;
        if (left > 0) {
            (void)snprintf(when, sizeof(when), "must be renewed within %" PRId64 " days", days);
        } else if (ria_timestamp_format_extended(first.at, date)) {
            (void)snprintf(when, sizeof(when), "the roots of %s expired at %s", first.region, date);
        }
    }
    ria_report_add(
        facts->report,
        days > CA_WARNING_DAYS ? RIA_MARK_OK : RIA_MARK_WARNING,
        "root certificates",
        days > CA_WARNING_DAYS ? NULL : "Renew them: rds-iam setup ca",
        "%s, %zu certificate%s; %s",
        facts->ca_file,
        bundle.count,
        bundle.count == 1 ? "" : "s",
        when);
}

static void check_ca(struct ria_facts *facts)
{
    char searched[RIA_CA_SEARCHED_SIZE];
    struct ria_error *err = &facts->ca_error;
    enum ria_ca_kind kind =
        facts->has_name && facts->name.has_public_ca ? RIA_CA_PUBLIC : RIA_CA_RDS;
    if (facts->target.ca != NULL) {
        (void)ria_text_copy(facts->ca_file, sizeof(facts->ca_file), facts->target.ca);
        add_ca_file(facts);
        return;
    }
    switch (ria_ca_store_find(facts->world, kind, facts->ca_file, err)) {
    case RIA_FOUND:
        add_ca_file(facts);
        break;
    case RIA_ABSENT:
        /* The error names only the second of the two files that were searched. Clear it, so that
         * the cause shows the command that installs the file. */
        err->text[0] = '\0';
        ria_ca_store_searched(facts->world, searched);
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "root certificates",
            "Install them: rds-iam setup ca",
            "no root certificates of %s are in %s, so no client can verify the server",
            kind == RIA_CA_RDS ? "RDS" : "Amazon's public CAs",
            searched);
        break;
    case RIA_FAILED:
    default:
        facts->ca_file[0] = '\0';
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "root certificates", err);
    }
}

/* -- rds-iam's objects ------------------------------------------------------------------------ */

/* An object that clients load, and the part of rds-iam that contains the object. RIA_PARTS: every
 * part needs the object. */
struct object {
    const char *path;
    enum ria_engine engine;
    enum ria_part part;
};

/* Returns whether a login needs the object. A login needs the objects of its engine. If the engine
 * is not known and exactly one part of rds-iam is installed, the login needs only the objects of
 * this part. If both parts or none are installed, it needs the objects of both. */
static bool is_object_used(enum ria_engine engine, const struct object *object)
{
    if (object->part == RIA_PARTS || engine == object->engine) {
        return true;
    }
    enum ria_part other = object->part == RIA_PART_MYSQL ? RIA_PART_POSTGRESQL : RIA_PART_MYSQL;
    return engine == RIA_ENGINE_UNKNOWN &&
           (!ria_part_is_absent(object->part) || ria_part_is_absent(other));
}

static const char *find_object_remedy(enum ria_part part)
{
    static const char *const install[RIA_PARTS] = {
        [RIA_PART_MYSQL] = "Install the package " RIA_PACKAGE_MYSQL ".",
        [RIA_PART_POSTGRESQL] = "Install the package " RIA_PACKAGE_POSTGRESQL ".",
    };
    return part != RIA_PARTS && ria_part_is_absent(part) ? install[part] : "Reinstall rds-iam.";
}

/* Checks that this user can read the objects that clients load. */
static void check_objects(struct ria_facts *facts)
{
    static const struct object objects[] = {
        {RIA_PKGLIBDIR "/librds-iam-pq.so", RIA_ENGINE_UNKNOWN, RIA_PARTS},
        {RIA_PKGLIBDIR "/rds-iam-pq-token.so", RIA_ENGINE_POSTGRES, RIA_PART_POSTGRESQL},
        {RIA_PKGLIBDIR "/rds-iam-mysql-host.so", RIA_ENGINE_MYSQL, RIA_PART_MYSQL},
        {RIA_MARIADB_PLUGIN_DIR "/mysql_clear_password.so", RIA_ENGINE_MYSQL, RIA_PART_MYSQL},
    };
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        if (is_object_used(facts->target.engine, &objects[i]) &&
            access(objects[i].path, R_OK) != 0) {
            int error = errno;
            facts->is_incomplete = true;
            ria_report_add(
                facts->report,
                RIA_MARK_FAULT,
                "installation",
                find_object_remedy(objects[i].part),
                "%s: %s",
                objects[i].path,
                strerror(error));
            return;
        }
    }
    ria_report_add(
        facts->report,
        RIA_MARK_OK,
        "installation",
        NULL,
        "rds-iam %s in %s",
        RIA_VERSION,
        RIA_PKGLIBDIR);
}

void ria_check_settings(struct ria_facts *facts)
{
    struct ria_target *target = &facts->target;
    ria_report_section(facts->report, "Settings");
    check_objects(facts);
    check_configuration(facts);
    if (target->service != NULL) {
        ria_check_service(facts);
    }
    if (target->group != NULL) {
        ria_check_option_file(facts);
    }
    if (target->login.host != NULL && target->login.user != NULL) {
        facts->has_name =
            ria_login_inspect(&target->login, facts->world, &facts->name, &facts->name_error);
        check_sections(facts);
        check_ca(facts);
    }
}
