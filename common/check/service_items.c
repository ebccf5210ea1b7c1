/* SPDX-License-Identifier: MIT
 *
 * Checks a service of pg_service.conf: whether libpq finds the service, whether the service
 * qualifies for tokens, and whether the service's passfile exists. Reads the service files with the
 * agent's parser. Does not open the passfile, because the agent would then make a token. */
#include "check/facts.h"

#include "passfile/agent_directory.h"
#include "service/index.h"
#include "tool/tool.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The service files that were read. release_service_files() wipes their texts, because they may
 * contain passwords. */
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

/* Reads the service files that exist. Returns false with err filled if one of them cannot be read.
 */
static bool read_service_files(
    const struct ria_world *world, struct service_files *files, struct ria_error *err)
{
    struct ria_service_paths paths;
    ria_service_find(world, RIA_POSTGRESQL_SYSCONFDIR, &paths);
    for (size_t i = 0; i < paths.count; i++) {
        bool is_required = i == 0 && paths.is_first_required;
        enum ria_outcome outcome =
            ria_service_read(paths.path[i], is_required, world, &files->file[files->count], err);
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

/* Copies the first element of a list that is separated by commas. Returns false if this element is
 * empty or does not fit. */
static bool copy_first(char *out, size_t size, const char *list)
{
    return list != NULL && *list != '\0' && *list != ',' &&
           ria_text_format(out, size, "%.*s", (int)strcspn(list, ","), list);
}

/* Finds the file of root certificates with which libpq verifies the server: the file that
 * sslrootcert or PGSSLROOTCERT names, or ~/.postgresql/root.crt. Leaves target->ca unset if the
 * value is not a path; the value "system" is not a path. */
static void use_service_ca(
    struct ria_target *target,
    const struct ria_indexed_service *service,
    const struct ria_world *world)
{
    const char *ca = value_of(service, "sslrootcert");
    const char *home = ria_world_home(world);
    ca = ca == NULL ? ria_world_env(world, "PGSSLROOTCERT") : ca;
    bool is_set =
        ca != NULL
            ? *ca == '/' && ria_text_copy(target->ca_path, sizeof(target->ca_path), ca)
            : home != NULL &&
                  ria_text_format(
                      target->ca_path, sizeof(target->ca_path), "%s/.postgresql/root.crt", home);
    if (target->ca == NULL && is_set) {
        target->ca = target->ca_path;
    }
}

/* Uses the service's host, port, user and CA file. If the service has a list of hosts, uses only
 * the first host. */
static void use_service(struct ria_facts *facts, const struct ria_indexed_service *service)
{
    char port[16] = "";
    struct ria_target *target = &facts->target;
    const char *host = value_of(service, "host");
    ria_check_use_timeout(target, value_of(service, "connect_timeout"), "connect_timeout");
    (void)copy_first(target->address, sizeof(target->address), value_of(service, "hostaddr"));
    if (copy_first(target->host, sizeof(target->host), host) && *host != '/' && *host != '@') {
        target->login.host = target->host;
    }
    const char *user = value_of(service, "user");
    if (user != NULL && ria_text_copy(target->user, sizeof(target->user), user)) {
        target->login.user = target->user;
    }
    target->login.is_service = true;
    ria_check_use_default_user(target, facts->world);
    use_service_ca(target, service, facts->world);
    bool has_port = copy_first(port, sizeof(port), value_of(service, "port"));
    target->login.port = has_port ? ria_port_parse(port) : RIA_POSTGRES_PORT;
    if (host != NULL && strchr(host, ',') != NULL) {
        ria_report_add(
            facts->report,
            RIA_MARK_NOTE,
            "hosts",
            NULL,
            "of %s, only the first host is checked; the login may use another one",
            host);
    }
}

/* Writes the command that starts an agent for the directory of this passfile. The user's systemd
 * unit serves only the agent's default directory in $XDG_RUNTIME_DIR. */
static void find_agent_start(
    const char *passfile, const struct ria_world *world, char *out, size_t size)
{
    char own[4096];
    struct ria_agent_directory agent = {0};
    const char *slash = strrchr(passfile, '/');
    int len = slash == NULL ? 0 : (int)(slash - passfile);
    bool is_default = ria_agent_find_directory(world, &agent) &&
                      ria_text_format(own, sizeof(own), "%s/%s", agent.base, agent.below) &&
                      strncmp(own, passfile, (size_t)len) == 0 && own[len] == '\0';
    if (is_default) {
        (void)ria_text_copy(out, size, agent.is_runtime ? RIA_AGENT_START : "rds-iam-agent");
    } else {
        (void)ria_text_format(out, size, "rds-iam-agent --directory %.*s", len, passfile);
    }
}

/* Checks whether the service names a passfile and whether that file exists. Does not open the
 * passfile, because the agent would then make a token. */
static void check_passfile(struct ria_facts *facts, const struct ria_indexed_service *service)
{
    struct stat status;
    const char *path = service->entry.passfile;
    if (path == NULL) {
        ria_report_add(
            facts->report,
            RIA_MARK_WARNING,
            "passfile",
            "Start the client with rds-iam exec, or add a passfile: rds-iam setup postgres",
            "the service names no passfile, so the agent does not serve it");
    } else if (!ria_service_index_check(service, &facts->service_error)) {
        facts->is_service_refused = true;
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "passfile", &facts->service_error);
    } else if (stat(path, &status) != 0) {
        char start[sizeof(facts->agent_start) + 32];
        facts->is_passfile_missing = true;
        find_agent_start(path, facts->world, facts->agent_start, sizeof(facts->agent_start));
        (void)ria_text_format(start, sizeof(start), "Start the agent: %s", facts->agent_start);
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "passfile",
            facts->is_agent_running
                ? "Set passfile= to a file in the directory that rds-iam-agent --status shows."
                : start,
            "%s: %s",
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

/* Returns whether the file's first line that libpq cannot use is in this service. libpq refuses a
 * service that contains such a line, and ignores such a line in other services. */
static bool has_odd_line(
    const struct ria_service_index *index, const struct ria_indexed_service *service)
{
    const struct ria_service_file *file = service->file;
    bool is_within = file->odd_line > service->service->line;
    for (size_t i = 0; i < index->count; i++) {
        unsigned line = index->services[i].service->line;
        bool is_between = line > service->service->line && line < file->odd_line;
        is_within = is_within && !(index->services[i].file == file && is_between);
    }
    return is_within;
}

/* Reports that no service has the name. Names the services that the files contain. */
static void add_missing_service(struct ria_facts *facts, const struct ria_service_index *index)
{
    RIA_AUTO(buf) names = {.max = RIA_PROBE_OUTPUT_MAX};
    for (size_t i = 0; i < index->count; i++) {
        const struct ria_indexed_service *service = &index->services[i];
        if (service->first == service && *service->service->name != '\0') {
            ria_buf_addf(&names, "%s%s", names.len == 0 ? "" : ", ", service->service->name);
        }
    }
    const char *list = names.len == 0 ? NULL : ria_buf_text(&names);
    facts->is_service_missing = true;
    ria_report_add(
        facts->report,
        RIA_MARK_FAULT,
        "service",
        list != NULL ? "Name one of these services, or add the service: rds-iam setup postgres"
                     : "Add the service: rds-iam setup postgres",
        "no service file has a service \"%s\"%s%s",
        facts->target.service,
        list != NULL ? "; the services that exist are: " : "",
        list != NULL ? list : "");
}

static void check_indexed_service(struct ria_facts *facts, const struct service_files *files)
{
    RIA_AUTO(service_index) index = {0};
    if (!ria_service_index_make(files->file, files->count, NULL, &index)) {
        (void)ria_out_of_memory();
        return;
    }
    const struct ria_indexed_service *service = find_service(&index, facts->target.service);
    if (service == NULL) {
        add_missing_service(facts, &index);
        return;
    }
    if (has_odd_line(&index, service)) {
        facts->is_service_missing = true;
        ria_report_add(
            facts->report,
            RIA_MARK_FAULT,
            "service",
            NULL,
            RIA_SERVICE_ODD_LINE,
            service->file->path,
            service->file->odd_line);
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
    use_service(facts, service);
    ria_check_given_password(facts, value_of(service, "password"), "the service");
    facts->has_replication = value_of(service, "replication") != NULL;
    if (service->entry.passfile != NULL) {
        ria_check_agent(facts, service->entry.passfile);
    }
    check_passfile(facts, service);
}

void ria_check_service(struct ria_facts *facts)
{
    struct service_files files = {.count = 0};
    struct ria_error err;
    if (read_service_files(facts->world, &files, &err)) {
        check_indexed_service(facts, &files);
    } else {
        facts->is_service_missing = true;
        ria_report_add_error(facts->report, RIA_MARK_FAULT, "service", &err);
    }
    release_service_files(&files);
}

/* Returns true if a service is not for RDS: the service has no passfile, and tokens are not made
 * for its host. Returns false if the configuration cannot be read and might map the host. */
static bool is_other_service(
    const struct ria_indexed_service *service, const struct ria_world *world)
{
    struct ria_error err;
    const struct ria_login login = {
        .host = value_of(service, "host"), .port = RIA_POSTGRES_PORT, .channel = RIA_CHANNEL_NONE};
    return service->entry.passfile == NULL &&
           (login.host == NULL || ria_login_has_endpoint(&login, world, &err) == RIA_ABSENT);
}

bool ria_check_service_name(const struct ria_world *world, size_t index, char *out, bool *is_other)
{
    struct service_files files = {.count = 0};
    RIA_AUTO(service_index) services = {0};
    struct ria_error err;
    bool ok = read_service_files(world, &files, &err) &&
              ria_service_index_make(files.file, files.count, NULL, &services) &&
              index < services.count &&
              ria_text_copy(out, RIA_CHECK_NAME_SIZE, services.services[index].service->name);
    *is_other = ok && is_other_service(&services.services[index], world);
    release_service_files(&files);
    return ok;
}
