/* SPDX-License-Identifier: MIT
 *
 * rds-iam lint: checks the service files of the user and of the system against the rules of libpq
 * and of rds-iam, and prints the findings. Reads the files with the agent's parser
 * (pg_plugin/service). Changes nothing. */
#include "cli/command_line.h"
#include "tool/engine.h"
#include "tool/lint_rules.h"
#include "tool/tool.h"

#include "service/index.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct ria_syntax lint_syntax = {
    .usage = "rds-iam lint\n",
    .about = "Checks the service files that libpq 10 to 18 reads: the file that PGSERVICEFILE\n"
             "names, or ~/.pg_service.conf, and the system's pg_service.conf. Prints, with\n"
             "file and line: each setting that libpq rejects, each setting that has another\n"
             "meaning than it seems to have, and the reason why a service gets no token.\n"
             "Changes nothing.\n",
    .exit_status =
        "exit status: 0 (no errors, maybe warnings), 1 (errors found), 2 (usage error)\n",
};

struct lint {
    const struct ria_world *world;
    struct ria_findings findings;
};

/* All service files that were read. rds-iam lint checks these files together, because several of
 * them can contain a service of the same name, and libpq uses only the first of these services. */
struct files {
    struct ria_service_file file[RIA_SERVICE_FILES];
    size_t count;
};

static void release_files(struct files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        ria_service_file_release(&files->file[i]);
    }
}

/* -- one service ----------------------------------------------------------------------------- */

/* Checks a service that has a passfile. If the service must not share its passfile with an earlier
 * service, reports this once, at the second of the two services. */
static void check_entry(struct lint *lint, const struct ria_indexed_service *service)
{
    struct ria_error err;
    if (!service->is_valid && !ria_entry_check(&service->entry, &err)) {
        ria_finding_add_error(&lint->findings, &err);
    }
    ria_lint_passfile(&service->entry, lint->world, &lint->findings);
    if (service->opposite != NULL && service->opposite < service) {
        ria_service_index_describe_sharing(service, &err);
        ria_finding_add_error(&lint->findings, &err);
    }
}

static const char *lint_value_of(const struct ria_indexed_service *listed, const char *key)
{
    const struct ria_service_setting *setting =
        ria_service_setting(listed->file, listed->service, key);
    return setting == NULL ? NULL : setting->value;
}

/* Checks a service that has no passfile. Such a service may leave the user to libpq. */
static void check_without_passfile(struct lint *lint, const struct ria_indexed_service *listed)
{
    char user[RIA_DEFAULT_USER_SIZE];
    struct ria_entry entry = {
        .file = listed->file,
        .service = listed->service,
        .host = lint_value_of(listed, "host"),
        .port = lint_value_of(listed, "port"),
        .user = lint_value_of(listed, "user"),
        .sslmode = lint_value_of(listed, "sslmode"),
    };
    if (entry.user == NULL && ria_engine_default_user(RIA_ENGINE_POSTGRES, lint->world, user)) {
        entry.user = user;
    }
    ria_lint_no_passfile(&entry, lint->world, &lint->findings);
}

static void check_service(struct lint *lint, const struct ria_indexed_service *listed)
{
    const struct ria_service_file *file = listed->file;
    const struct ria_service *service = listed->service;
    struct ria_findings *findings = &lint->findings;
    if (listed->first != listed && *service->name != '\0') {
        ria_finding_add(
            findings,
            RIA_FINDING_WARNING,
            file->path,
            service->line,
            "[%.64s] is already at %s:%u, so libpq ignores this one; rename or remove it",
            service->name,
            listed->first->file->path,
            listed->first->service->line);
        return;
    }
    unsigned errors = findings->errors;
    ria_lint_settings(file, service, findings);
    if (findings->errors != errors || service->long_line != 0) {
        return;
    }
    if (listed->entry.passfile != NULL) {
        check_entry(lint, listed);
    } else {
        check_without_passfile(lint, listed);
    }
}

/* -- files ----------------------------------------------------------------------------------- */

static const char *plural_end(size_t count)
{
    return count == 1 ? "" : "s";
}

/* Checks the lines and the services of each file. Returns false if memory runs out. */
static bool check_files(struct lint *lint, const struct files *files)
{
    RIA_AUTO(service_index) index = {0};
    bool ok = ria_service_index_make(files->file, files->count, NULL, &index);
    size_t next = 0;
    for (size_t i = 0; ok && i < files->count; i++) {
        ria_lint_lines(files->file[i].path, lint->world, &lint->findings);
        for (size_t end = next + files->file[i].count; next < end; next++) {
            check_service(lint, &index.services[next]);
        }
    }
    if (ok) {
        ria_buf_addf(
            &lint->findings.text,
            "%zu service%s in %zu file%s: %u error%s, %u warning%s\n",
            index.count,
            plural_end(index.count),
            files->count,
            plural_end(files->count),
            lint->findings.errors,
            plural_end(lint->findings.errors),
            lint->findings.warnings,
            plural_end(lint->findings.warnings));
    }
    return ok;
}

/* Warns if HOME differs from the home directory in the passwd entry, because the versions of libpq
 * then read different files: libpq 10 to 14 uses the passwd entry, and libpq 15 and later uses HOME
 * first. */
static void lint_check_home(struct lint *lint, const struct ria_service_paths *paths)
{
    const char *home = ria_world_env(lint->world, "HOME");
    const char *passwd_home = lint->world->home(lint->world->self);
    if (!paths->is_first_required && home != NULL && passwd_home != NULL &&
        strcmp(home, passwd_home) != 0) {
        ria_finding_add(
            &lint->findings,
            RIA_FINDING_WARNING,
            paths->path[0],
            0,
            "libpq 10 to 14 ignores HOME and uses the file in %s; set PGSERVICEFILE",
            passwd_home);
    }
}

static void lint_read_files(
    struct lint *lint, const struct ria_service_paths *paths, struct files *files)
{
    for (size_t i = 0; i < paths->count; i++) {
        struct ria_service_file *file = &files->file[files->count];
        struct ria_error err;
        enum ria_outcome outcome = ria_service_read(
            paths->path[i], i == 0 && paths->is_first_required, lint->world, file, &err);
        if (outcome == RIA_FOUND) {
            files->count++;
            continue;
        }
        ria_service_file_release(file);
        if (outcome == RIA_FAILED) {
            ria_finding_add_error(&lint->findings, &err);
        } else if (i == 0 && paths->is_first_required) {
            ria_finding_add(
                &lint->findings,
                RIA_FINDING_ERROR,
                paths->path[i],
                0,
                "PGSERVICEFILE names this file, but it does not exist, so libpq rejects every "
                "service");
        }
    }
}

/* Warns if the system's service file contains services, because a libpq inside a Python wheel does
 * not find this file: it looks for the file in another directory. */
static void check_system_file(
    struct lint *lint, const struct ria_service_paths *paths, const struct files *files)
{
    const struct ria_service_file *last = &files->file[files->count - 1];
    if (files->count == 0 || last->count == 0 ||
        strcmp(last->path, paths->path[paths->count - 1]) != 0) {
        return;
    }
    ria_finding_add(
        &lint->findings,
        RIA_FINDING_WARNING,
        last->path,
        0,
        "a libpq that a package brings along, such as a Python wheel, looks for this file "
        "elsewhere; use ~/.pg_service.conf, which every libpq reads");
}

/* Reports the paths where no file was found, so that the user notices a misspelled file name. */
static void report_missing_files(struct lint *lint, const struct ria_service_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        ria_finding_add(
            &lint->findings, RIA_FINDING_WARNING, paths->path[i], 0, "this file does not exist");
    }
    ria_buf_addf(&lint->findings.text, "rds-iam setup postgres prints an entry for a new file\n");
}

static bool run_lint(struct lint *lint, struct files *files)
{
    struct ria_service_paths paths;
    ria_service_find(lint->world, RIA_POSTGRESQL_SYSCONFDIR, &paths);
    lint_read_files(lint, &paths, files);
    if (files->count == 0 && lint->findings.errors == 0) {
        report_missing_files(lint, &paths);
    } else if (files->count > 0) {
        lint_check_home(lint, &paths);
        check_system_file(lint, &paths, files);
    }
    return check_files(lint, files);
}

int ria_command_lint(int argc, char **argv, const struct ria_world *world)
{
    int status = ria_options_parse(argc, argv, &lint_syntax, NULL);
    if (status != RIA_CONTINUE) {
        return status;
    }
    struct files files = {0};
    struct lint lint = {.world = world, .findings = {.text = {.max = RIA_SERVICE_TEXT_MAX}}};
    bool ok = run_lint(&lint, &files);
    const char *text = ok ? ria_buf_text(&lint.findings.text) : NULL;
    if (!ok) {
        (void)ria_failure("out of memory for the services of these files");
    } else if (text == NULL) {
        (void)ria_failure("too many findings to print; fix long or repeated lines");
    }
    status = text == NULL ? RIA_EXIT_FAILED : ria_print(text);
    ria_buf_release(&lint.findings.text);
    release_files(&files);
    return status == RIA_EXIT_OK && lint.findings.errors > 0 ? RIA_EXIT_FAILED : status;
}
