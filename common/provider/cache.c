/* SPDX-License-Identifier: MIT
 *
 * Finds and reads the cache file of a plan (aws/plan.h). Picks the directory by the kind of source.
 * Computes the name from the plan, and from the token file or the environment variables that the
 * credentials depend on. Ignores a cache file that is damaged, that has no expiry time, or that
 * another user could have written. Also decides whether the clock offset in a cached response still
 * applies. */
#include "provider/cache.h"

#include "aws/token.h"
#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"
#include "base/trust.h"

#include <inttypes.h>
#include <string.h>

enum {
    /* More bytes than the kernel accepts as an environment in execve(). */
    VARIABLES_MAX = 8 * 1024 * 1024,
    /* The evidence is data outside the plan that is part of the cache name (cache_name.h), such as
     * a web identity token. STS accepts such a token of up to 20,000 characters. */
    EVIDENCE_MAX = 20 * 1024,
    /* Milliseconds. If CLOCK_REALTIME moves this far against CLOCK_MONOTONIC_RAW between two
     * measurements, the clock was set or slewed, or the machine slept. */
    CLOCK_MOVED = 2000,
    SESSION_LIFE = 3600, /* seconds; the duration of a session if the plan sets none */
    SPREAD_MAX = 300,    /* seconds; see ria_cache_margin() */
    SPREAD_PART = 4,
    PAUSE_PART = 10, /* see ria_cache_renewal_pause() */
};

/* Checks the owner, because su(1) leaves XDG_RUNTIME_DIR set to the directory of the user who
 * called su. */
const char *ria_cache_runtime_fault(const struct ria_world *world)
{
    const char *runtime = ria_world_env(world, "XDG_RUNTIME_DIR");
    if (runtime == NULL) {
        return "not set";
    }
    if (*runtime != '/') {
        return "not an absolute path";
    }
    return world->is_own_directory(world->self, runtime)
               ? NULL
               : "not a directory that only you can write";
}

static bool runtime_directory(const struct ria_world *world, char path[RIA_PATH_MAX])
{
    return ria_cache_runtime_fault(world) == NULL &&
           ria_text_format(
               path, RIA_PATH_MAX, "%s/rds-iam/cache", ria_world_env(world, "XDG_RUNTIME_DIR"));
}

bool ria_cache_directory(const struct ria_world *world, size_t index, char path[RIA_PATH_MAX])
{
    bool has_runtime = runtime_directory(world, path);
    if (has_runtime && index == 0) {
        return true;
    }
    return index == (has_runtime ? 1 : 0) &&
           ria_setting_expand(world, "~/.cache/rds-iam/cache", path);
}

/* Writes "boot-id namespace". Returns false if this machine cannot be identified. */
static bool describe_machine(const struct ria_world *world, char out[64])
{
    struct ria_machine machine;
    if (!world->machine(world->self, &machine)) {
        return false;
    }
    (void)ria_text_format(out, 64, "%s %" PRIu64, machine.boot_id, machine.net_namespace);
    return true;
}

/* Logs a warning if the token file belongs neither to root nor to the user. */
static void warn_of_owner(
    const struct ria_world *world, const char *path, const struct ria_file *facts)
{
    char warning[RIA_ERROR_TEXT_MAX];
    if (ria_trust_is_foreign(facts, world->uid(world->self))) {
        ria_trust_warning(facts, path, "its token is used", warning, sizeof(warning));
        ria_world_log(world, RIA_LOG_WARNING, "%s", warning);
    }
}

/* Reads the token files that the plan names. Their contents are part of the cache name. */
static bool read_evidence(
    const struct ria_world *world,
    const struct ria_plan *plan,
    struct ria_buf *out,
    struct ria_error *err)
{
    static const struct {
        enum ria_plan_value value;
        const char *key;
    } files[] = {
        {RIA_PLAN_WEB_IDENTITY_TOKEN_FILE, "web_identity_token_file"},
        {RIA_PLAN_CONTAINER_TOKEN_FILE, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const struct ria_setting *file = &plan->value[files[i].value];
        struct ria_file facts;
        if (file->value == NULL) {
            continue;
        }
        const struct ria_named_file named = {file, files[i].key, "token file"};
        if (!ria_setting_read_named(world, &named, out, &facts, err)) {
            return false;
        }
        warn_of_owner(world, file->value, &facts);
    }
    return true;
}

/* Appends HOME and the AWS_* variables, which a credential_process inherits. The command may read
 * other variables, which are not part of the name. */
static bool cache_add_environment(
    const struct ria_world *world, struct ria_buf *out, struct ria_error *err)
{
    const char *home = ria_world_home(world);
    ria_buf_addf(out, "HOME=%s", home == NULL ? "" : home);
    ria_buf_add_char(out, '\0');
    world->add_variables(world->self, "AWS_", out);
    return !out->failed || ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_CACHE_NAME);
}

/* Writes the path of the cache directory for the plan's source, or "" if the plan's result is not
 * cached on disk. `machine` is NULL for a source that is not tied to one machine, and "" if the
 * machine cannot be identified. */
static void find_directory(
    const struct ria_world *world,
    const struct ria_plan *plan,
    const char *machine,
    char path[RIA_PATH_MAX])
{
    bool is_found = false;
    if (plan->source == RIA_SOURCE_PROCESS) {
        is_found =
            plan->value[RIA_PLAN_PROCESS_CACHE].value != NULL && runtime_directory(world, path);
    } else if (machine != NULL) {
        is_found = *machine != '\0' && runtime_directory(world, path);
    } else {
        is_found = ria_cache_directory(world, 0, path);
    }
    if (!is_found) {
        path[0] = '\0';
    }
}

bool ria_cache_find_place(
    const struct ria_world *world,
    const struct ria_plan *plan,
    struct ria_cache_place *out,
    struct ria_error *err)
{
    bool is_local = plan->source == RIA_SOURCE_INSTANCE || plan->source == RIA_SOURCE_CONTAINER;
    char machine[64] = "";
    if (is_local && !describe_machine(world, machine)) {
        machine[0] = '\0';
    }
    find_directory(world, plan, is_local ? machine : NULL, out->directory);
    bool is_process = plan->source == RIA_SOURCE_PROCESS;
    RIA_AUTO(buf) evidence = {.max = is_process ? VARIABLES_MAX : EVIDENCE_MAX};
    return (is_process ? cache_add_environment(world, &evidence, err)
                       : read_evidence(world, plan, &evidence, err)) &&
           ria_cache_name(plan, is_local ? machine : NULL, &evidence, out->name, err);
}

bool ria_cache_find_process(
    const struct ria_world *world, const struct ria_plan *plan, struct ria_cache_place *out)
{
    struct ria_plan alone = *plan; /* borrows from *plan and is not released */
    struct ria_error ignored;
    alone.role_count = 0;
    bool is_found = plan->source == RIA_SOURCE_PROCESS &&
                    ria_cache_find_place(world, &alone, out, &ignored) && out->directory[0] != '\0';
    explicit_bzero(alone.mfa_code, sizeof(alone.mfa_code));
    return is_found;
}

bool ria_cache_read(
    const struct ria_world *world, const struct ria_cache_place *place, struct ria_response *out)
{
    if (place->directory[0] == '\0') {
        return false;
    }
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    struct ria_error why = {0};
    enum ria_outcome outcome =
        world->read_private(world->self, place->directory, place->name, &record, &why);
    if (outcome != RIA_FOUND) {
        ria_world_log(
            world, RIA_LOG_INFO, "cache %s/%.8s...: %s", place->directory, place->name, why.text);
        return false;
    }
    if (!ria_response_read(&record, out) || out->outcome != RIA_FOUND ||
        out->credentials.expires == 0) {
        ria_response_release(out);
        ria_world_log(
            world,
            RIA_LOG_INFO,
            "cache %s/%.8s...: is damaged or has no expiry time, so it is ignored",
            place->directory,
            place->name);
        return false;
    }
    return true;
}

int64_t ria_cache_offset(const struct ria_world *world, const struct ria_clock_offset *offset)
{
    struct ria_machine machine;
    if (offset->seconds == 0 || !world->machine(world->self, &machine) ||
        strcmp(machine.boot_id, offset->boot_id) != 0) {
        return 0;
    }
    int64_t moved = machine.real_minus_raw - offset->real_minus_raw;
    return moved > -CLOCK_MOVED && moved < CLOCK_MOVED ? offset->seconds : 0;
}

int64_t ria_cache_margin(const struct ria_plan *plan, const struct ria_credentials *credentials)
{
    bool is_spread = plan->role_count > 0 && credentials->access_key_id.len > 0;
    for (size_t i = 0; i < plan->role_count; i++) {
        is_spread = is_spread && plan->roles[i].value[RIA_ROLE_MFA_SERIAL].value == NULL;
    }
    if (!is_spread) {
        return RIA_TOKEN_LIFE;
    }
    int64_t life = plan->roles[plan->role_count - 1].duration;
    int64_t spread = ((life == 0 ? SESSION_LIFE : life) - RIA_TOKEN_LIFE) / SPREAD_PART;
    spread = spread < SPREAD_MAX ? spread : SPREAD_MAX;
    uint64_t hash =
        ria_hash(RIA_HASH_START, credentials->access_key_id.data, credentials->access_key_id.len);
    return RIA_TOKEN_LIFE + (spread > 0 ? (int64_t)(hash % ((uint64_t)spread + 1)) : 0);
}

int64_t ria_cache_renewal_pause(int64_t left)
{
    return left / PAUSE_PART;
}

bool ria_cache_is_fresh(
    const struct ria_world *world, const struct ria_plan *plan, const struct ria_response *response)
{
    int64_t expires = response->credentials.expires;
    int64_t offset = ria_cache_offset(world, &response->offset);
    return offset == response->offset.seconds &&
           (expires == 0 || expires - world->now(world->self) - offset >=
                                ria_cache_margin(plan, &response->credentials));
}
