/* SPDX-License-Identifier: MIT
 *
 * Checks what is on this machine: rds-iam's configuration, the root certificates that verify the
 * server, the service and its passfile, and rds-iam's own objects. Sends no request. */
#include "check/facts.h"

#include "base/text.h"
#include "service/index.h"
#include "tool/ca_bundle.h"
#include "tool/ca_store.h"
#include "tool/tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DAY = 24 * 60 * 60,
    CA_WARNING_DAYS = 60,
};

static void check_configuration(struct ria_facts *facts)
{
    struct ria_error err;
    if (ria_configuration_check(facts->world, &err)) {
        ria_report_add(facts->report, RIA_MARK_OK, "configuration", NULL, "no error in rds-iam's configuration");
    } else {
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "configuration", &err);
    }
}

/* -- root certificates ------------------------------------------------------------------------ */

/* Reports the region whose roots expire first. */
static void add_ca_file(struct ria_facts *facts)
{
    RIA_AUTO(buf) pem = {.max = RIA_CA_FILE_MAX};
    RIA_AUTO(ca_bundle) bundle = {0};
    struct ria_error err;
    struct ria_ca_end first = {0};
    const struct ria_world *world = facts->world;
    if (world->read_file(world->self, facts->ca_file, &pem, NULL, &err) != RIA_FOUND ||
        !ria_ca_bundle_read(&pem, facts->ca_file, &bundle, &err)) {
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "root certificates", &err);
        return;
    }
    int64_t days = 0;
    if (ria_ca_bundle_first_end(&bundle, &first)) {
        days = (first.at - world->now(world->self)) / DAY;
    }
    ria_report_add(
        facts->report,
        days > CA_WARNING_DAYS ? RIA_MARK_OK : RIA_MARK_WARNING,
        "root certificates",
        days > CA_WARNING_DAYS ? NULL : "Renew them: rds-iam setup ca",
        "%s, %zu certificates; the first to expire in %" PRId64 " days",
        facts->ca_file,
        bundle.count,
        days);
}

static void check_ca(struct ria_facts *facts)
{
    struct ria_error err = {0};
    enum ria_ca_kind kind =
        facts->has_name && facts->name.has_public_ca ? RIA_CA_PUBLIC : RIA_CA_RDS;
    if (facts->target.ca != NULL) {
        (void)ria_text_copy(facts->ca_file, sizeof(facts->ca_file), facts->target.ca);
        add_ca_file(facts);
        return;
    }
    switch (ria_ca_store_find(facts->world, kind, facts->ca_file, &err)) {
    case RIA_FOUND:
        add_ca_file(facts);
        break;
    case RIA_ABSENT:
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "root certificates",
            "Install them: rds-iam setup ca",
            "none of %s are installed, so no client can verify the server",
            kind == RIA_CA_RDS ? "RDS" : "Amazon's public CAs");
        break;
    case RIA_FAILED:
    default:
        facts->ca_file[0] = '\0';
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "root certificates", &err);
    }
}

/* -- the service ------------------------------------------------------------------------------ */

/* The files that were read. Their texts are wiped on release, because they may contain passwords.
 */
struct service_files {
    struct ria_service_file file[RIA_SERVICE_FILES];
    size_t count;
};

static void release_service_files(struct service_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        ria_service_file_release(&files->file[i]);
    }
}

/* Reads the service files that exist. Returns false with err filled if one cannot be read. */
static bool read_service_files(
    const struct ria_world *world, struct service_files *files, struct ria_error *err)
{
    struct ria_service_paths paths;
    ria_service_find(world, RIA_POSTGRESQL_SYSCONFDIR, &paths);
    for (size_t i = 0; i < paths.count; i++) {
        bool is_required = i == 0 && paths.is_first_required;
        enum ria_outcome outcome = ria_service_read(
            paths.path[i], is_required, world, &files->file[files->count], err);
        if (outcome == RIA_FAILED || (outcome == RIA_ABSENT && is_required)) {
            ria_service_file_release(&files->file[files->count]);
            return false;
        }
        files->count += outcome == RIA_FOUND ? 1 : 0;
    }
    return true;
}

static const char *value_of(const struct ria_indexed_service *service, const char *key)
{
    const struct ria_service_setting *setting =
        ria_service_setting(service->file, service->service, key);
    return setting == NULL ? NULL : setting->value;
}

/* Copies the service's host, port and user, unless the command line gives them. */
static void use_service(struct ria_target *target, const struct ria_indexed_service *service)
{
    const char *host = value_of(service, "host");
    const char *port = value_of(service, "port");
    const char *user = value_of(service, "user");
    if (target->login.host == NULL && host != NULL &&
        ria_text_copy(target->host, sizeof(target->host), host)) {
        target->login.host = target->host;
    }
    if (target->login.user == NULL && user != NULL &&
        ria_text_copy(target->user, sizeof(target->user), user)) {
        target->login.user = target->user;
    }
    if (target->login.port == 0) {
        target->login.port = port == NULL ? RIA_POSTGRES_PORT : ria_port_parse(port);
    }
}

/* Checks the passfile of a service that has one. Does not open it, because that would make a token.
 */
static void check_passfile(struct ria_facts *facts, const struct ria_indexed_service *service)
{
    struct ria_error err;
    struct stat status;
    const char *path = service->entry.passfile;
    if (path == NULL) {
        ria_report_add(
            facts->report,
            RIA_MARK_WARNING,
            "passfile",
            "Start the client with rds-iam exec, or add a passfile: rds-iam setup postgres",
            "the service names no passfile, so the agent does not serve it");
    } else if (!ria_service_index_check(service, &err)) {
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "passfile", &err);
    } else if (stat(path, &status) != 0) {
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "passfile",
            "Start the agent: systemctl --user enable --now rds-iam-agent.service",
            "%s: %s; the agent does not serve it",
            path,
            strerror(errno));
    } else {
        ria_report_add(facts->report, RIA_MARK_OK, "passfile", NULL, "%s exists", path);
    }
}

static const struct ria_indexed_service *find_service(
    const struct ria_service_index *index, const char *name)
{
    for (size_t i = 0; i < index->count; i++) {
        if (strcmp(index->services[i].service->name, name) == 0) {
            return &index->services[i];
        }
    }
    return NULL;
}

static void check_service(struct ria_facts *facts, const struct service_files *files)
{
    RIA_AUTO(service_index) index = {0};
    if (!ria_service_index_make(files->file, files->count, NULL, &index)) {
        (void)ria_out_of_memory();
        return;
    }
    const struct ria_indexed_service *service = find_service(&index, facts->target.service);
    if (service == NULL) {
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "service",
            "Add it: rds-iam setup postgres",
            "no service file has a service \"%s\"",
            facts->target.service);
        return;
    }
    ria_report_add(
        facts->report,
        RIA_MARK_OK,
        "service",
        NULL,
        "[%s] at %s:%u",
        service->service->name,
        service->file->path,
        service->service->line);
    use_service(&facts->target, service);
    check_passfile(facts, service);
}

static void read_and_check_service(struct ria_facts *facts)
{
    struct service_files files = {.count = 0};
    struct ria_error err;
    if (read_service_files(facts->world, &files, &err)) {
        check_service(facts, &files);
    } else {
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "service", &err);
    }
    release_service_files(&files);
}

/* -- rds-iam's objects ------------------------------------------------------------------------ */

/* Checks that the objects that clients load can be read by this user. */
static void check_objects(struct ria_facts *facts)
{
    static const struct {
        const char *path;
        enum ria_engine engine;
    } objects[] = {
        {RIA_PKGLIBDIR "/librds-iam-pq.so", RIA_ENGINE_UNKNOWN},
        {RIA_PKGLIBDIR "/rds-iam-pq-token.so", RIA_ENGINE_POSTGRES},
        {RIA_PKGLIBDIR "/rds-iam-mysql-host.so", RIA_ENGINE_MYSQL},
        {RIA_MARIADB_PLUGIN_DIR "/mysql_clear_password.so", RIA_ENGINE_MYSQL},
    };
    enum ria_engine engine = facts->target.engine;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        bool is_used = engine == RIA_ENGINE_UNKNOWN || objects[i].engine == RIA_ENGINE_UNKNOWN ||
                       objects[i].engine == engine;
        if (is_used && access(objects[i].path, R_OK) != 0) {
            ria_report_add(
                facts->report,
                RIA_MARK_FAULT,
                "installation",
                "Install rds-iam again.",
                "%s: %s",
                objects[i].path,
                strerror(errno));
            return;
        }
    }
    ria_report_add(
        facts->report, RIA_MARK_OK, "installation", NULL, "rds-iam %s in %s", RIA_VERSION, RIA_PKGLIBDIR);
}

void ria_check_settings(struct ria_facts *facts)
{
    struct ria_target *target = &facts->target;
    ria_report_section(facts->report, "Settings");
    check_objects(facts);
    check_configuration(facts);
    if (target->service != NULL) {
        read_and_check_service(facts);
    }
    if (target->login.host != NULL && target->login.user != NULL) {
        facts->has_name = ria_login_inspect(
            &target->login, facts->world, &facts->name, &facts->name_error);
        check_ca(facts);
    }
}
