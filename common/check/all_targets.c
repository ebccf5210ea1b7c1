/* SPDX-License-Identifier: MIT
 *
 * Checks all logins that are configured: the services of pg_service.conf, and the groups of MySQL's
 * option files that have a host. Skips a host for which tokens are not made. If the configuration
 * cannot be read, checks every host. A service with a passfile is always checked. */
#include "check/facts.h"

#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

struct totals {
    size_t count; /* of targets that were checked */
    int status;   /* of the first target that failed */
};

static void check_one_of_all(
    const struct ria_target *target,
    struct ria_json_writer *json,
    const struct ria_world *world,
    struct totals *totals)
{
    if (json == NULL) {
        (void)printf(
            "%s%s %s\n\n",
            totals->count > 0 ? "\n\n" : "",
            target->service != NULL ? "service" : "group",
            target->service != NULL ? target->service : target->group);
    }
    int status = ria_check_target(target, json, world);
    totals->status = totals->status == RIA_EXIT_OK ? status : totals->status;
    totals->count++;
}

static void check_services(
    struct ria_json_writer *json, const struct ria_world *world, struct totals *totals)
{
    char name[RIA_CHECK_NAME_SIZE];
    bool is_other = false;
    for (size_t i = 0; ria_check_service_name(world, i, name, &is_other); i++) {
        const struct ria_target target = {
            .login = {.channel = RIA_CHANNEL_NONE},
            .service = name,
            .engine = RIA_ENGINE_POSTGRES,
        };
        if (!is_other) {
            check_one_of_all(&target, json, world, totals);
        }
    }
}

static void check_groups(
    struct ria_json_writer *json, const struct ria_world *world, struct totals *totals)
{
    RIA_AUTO(buf) names = {.max = RIA_PROBE_OUTPUT_MAX};
    char name[RIA_CHECK_NAME_SIZE];
    ria_check_list_groups(world, &names);
    const char *at = ria_buf_text(&names);
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, "\n");
        const struct ria_target target = {
            .login = {.channel = RIA_CHANNEL_NONE},
            .group = name,
            .engine = RIA_ENGINE_MYSQL,
        };
        (void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
        if (ria_check_group_has_endpoint(world, name)) {
            check_one_of_all(&target, json, world, totals);
        }
        at += len + (at[len] == '\n' ? 1 : 0);
    }
}

int ria_check_all_targets(
    const char *command, struct ria_json_writer *json, const struct ria_world *world)
{
    char summary[RIA_ERROR_TEXT_MAX];
    struct ria_error err;
    struct totals totals = {.status = RIA_EXIT_OK};
    if (json != NULL) {
        ria_json_writer_object(json, NULL);
        ria_json_writer_array(json, "checks");
    }
    check_services(json, world, &totals);
    check_groups(json, world, &totals);
    (void)snprintf(
        summary,
        sizeof(summary),
        totals.count == 0
            ? "no service and no group of an option file names an RDS host"
            : "logins checked: %zu; services and groups without an RDS host were not checked",
        totals.count);
    if (totals.count == 0) {
        totals.status =
            ria_usage_error(&err, command, "%s: give --hostname and --username", summary);
        ria_print_error(command, &err);
    } else if (json == NULL) {
        (void)printf("\n\n%s.\n", summary);
    }
    if (json != NULL) {
        ria_json_writer_end(json);
        ria_json_writer_text(json, "summary", summary);
        ria_json_writer_number(json, "status", totals.status);
        ria_json_writer_end(json);
    }
    return totals.status;
}
