/* SPDX-License-Identifier: MIT
 *
 * Writes the lines of --explain. Each line has a label and a value. After the value of a setting,
 * the place where it was read is in parentheses: the file and line, the variable or the option.
 * Replaces characters that would control a terminal, and shows only the safe part of a URL. */
#include "login/explain.h"

#include "base/timestamp.h"
#include "codec/url.h"
#include "provider/cache.h"

#include <string.h>

/* The width of a label. The longest labels have 17 characters: "  source identity",
 * "  transitive tags" and "instance metadata". */
#define LABEL_FORMAT "%-18s "

static void add_label(struct ria_buf *out, const char *label)
{
    ria_buf_addf(out, LABEL_FORMAT, label);
}

/* Ends the line that began at `start`. Replaces control characters, because a value in a file or a
 * variable may contain escape sequences of a terminal. */
static void end_line(struct ria_buf *out, size_t start)
{
    if (!out->failed && out->len > start) {
        ria_printable(out->data + start);
    }
    ria_buf_add_char(out, '\n');
}

/* Appends where the setting was read, "(file:line)" or "(VARIABLE)", and ends the line. */
static void end_setting(struct ria_buf *out, size_t start, const struct ria_setting *from)
{
    if (from->path != NULL) {
        ria_buf_add_text(out, " (");
        ria_setting_add_place(out, from);
        ria_buf_add_char(out, ')');
    }
    end_line(out, start);
}

/* Appends a value. If the user set a URL by mistake, appends only the safe part of the URL, because
 * a URL may contain a password. */
static void explain_add_value(struct ria_buf *out, const char *value)
{
    char shown[RIA_ERROR_TEXT_MAX];
    if (strstr(value, "://") == NULL) {
        ria_buf_add_text(out, value);
    } else {
        (void)ria_url_show_in(value, shown, sizeof(shown));
        ria_buf_add_text(out, shown);
    }
}

/* Appends the line of a setting, or nothing if it is unset. */
static void explain_add_setting(
    struct ria_buf *out, const char *name, const struct ria_setting *setting)
{
    size_t start = out->len;
    if (setting->value != NULL) {
        add_label(out, name);
        explain_add_value(out, setting->value);
        end_setting(out, start, setting);
    }
}

void ria_explain_login(
    const struct ria_login *login,
    const struct ria_query *query,
    const struct ria_resolved *resolved,
    struct ria_buf *out)
{
    if (login->host != NULL) {
        add_label(out, "database");
        ria_buf_addf(out, "%s:%u\n", resolved->endpoint.host, (unsigned)resolved->port);
        explain_add_setting(out, "endpoint", &resolved->section.endpoint);
        explain_add_setting(out, "region", &resolved->region);
    }
    explain_add_setting(out, "profile", &query->profile);
}

void ria_explain_trail(const struct ria_trail *trail, struct ria_buf *out)
{
    static const char *const words[] = {
        [RIA_FOUND] = "found", [RIA_ABSENT] = "absent", [RIA_FAILED] = "FAILED"};
    for (size_t i = 0; i < trail->count; i++) {
        const struct ria_trail_step *step = &trail->step[i];
        size_t start = out->len;
        add_label(out, step->source);
        ria_buf_addf(out, "%-7s %s", words[step->outcome], step->text);
        end_line(out, start);
    }
}

/* -- the plan ------------------------------------------------------------------------------- */

/* Appends only the scheme, host and port of a URL, because the rest may contain a password. */
static void explain_add_url(struct ria_buf *out, const char *url)
{
    char shown[RIA_URL_SHOWN_SIZE];
    ria_url_show(url, shown);
    ria_buf_add_text(out, ria_url_scheme(url));
    ria_buf_add_text(out, shown);
}

/* Appends the URL of a service, and the setting that it comes from. */
static void explain_add_service(
    struct ria_buf *out,
    const struct ria_plan *plan,
    const char *name,
    enum ria_service service,
    const struct ria_setting *region)
{
    struct ria_plan_endpoint endpoint;
    size_t start = out->len;
    if (region->value != NULL && ria_plan_service(plan, service, region, &endpoint)) {
        add_label(out, name);
        explain_add_url(out, endpoint.url);
        bool is_usual = endpoint.from == region;
        end_setting(
            out,
            start,
            is_usual ? &(struct ria_setting){.path = "the region's own"} : endpoint.from);
    }
}

/* Appends the services of SSO and of aws login. The regions of these services are set only if the
 * plan's source uses these services. */
static void add_session_services(struct ria_buf *out, const struct ria_plan *plan)
{
    const struct ria_setting *sso = &plan->value[RIA_PLAN_SSO_REGION];
    explain_add_service(out, plan, "SSO portal", RIA_SERVICE_SSO, sso);
    explain_add_service(out, plan, "SSO OIDC", RIA_SERVICE_SSO_OIDC, sso);
    explain_add_service(
        out, plan, "sign-in", RIA_SERVICE_SIGNIN, &plan->value[RIA_PLAN_LOGIN_REGION]);
}

/* Appends the parameters of a role. The value of an external id is not shown. */
static void add_role(struct ria_buf *out, const struct ria_plan *plan, const struct ria_role *role)
{
    static const struct {
        const char *name;
        enum ria_role_value value;
        bool is_shown;
    } lines[] = {
        {"role", RIA_ROLE_ARN, true},
        {"  session name", RIA_ROLE_SESSION_NAME, true},
        {"  duration (s)", RIA_ROLE_DURATION, true},
        {"  external id", RIA_ROLE_EXTERNAL_ID, false},
        {"  MFA device", RIA_ROLE_MFA_SERIAL, true},
        {"  source identity", RIA_ROLE_SOURCE_IDENTITY, true},
        {"  tags", RIA_ROLE_TAGS, true},
        {"  transitive tags", RIA_ROLE_TRANSITIVE_TAG_KEYS, true},
        {"  region", RIA_ROLE_REGION, true},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct ria_setting setting = role->value[lines[i].value];
        if (setting.value != NULL && !lines[i].is_shown) {
            setting.value = "sent, value not shown";
        }
        explain_add_setting(out, lines[i].name, &setting);
    }
    explain_add_service(out, plan, "  STS", RIA_SERVICE_STS, &role->value[RIA_ROLE_REGION]);
}

/* Appends a warning for each of AWS's profile files that belongs to another user. */
static void add_owners(struct ria_buf *out, const struct ria_plan *plan)
{
    char warning[RIA_ERROR_TEXT_MAX];
    for (int i = 0; plan->profiles != NULL && i < RIA_PROFILE_FILES; i++) {
        size_t start = out->len;
        if (ria_profiles_describe_owner(
                plan->profiles, (enum ria_profile_file)i, warning, sizeof(warning))) {
            add_label(out, "warning");
            ria_buf_add_text(out, warning);
            end_line(out, start);
        }
    }
}

/* Appends the file in which the output of a credential_process is cached, or the reason why the
 * output is not cached. */
static void add_process_cache(
    const struct ria_world *world, const struct ria_plan *plan, struct ria_buf *out)
{
    static const char label[] = "process cache";
    const struct ria_setting *setting = &plan->value[RIA_PLAN_PROCESS_CACHE];
    const char *fault = ria_cache_runtime_fault(world);
    struct ria_cache_place place;
    size_t start = out->len;
    if (plan->source != RIA_SOURCE_PROCESS) {
        return;
    }
    if (setting->value == NULL) {
        add_label(out, label);
        ria_buf_add_text(out, "none: cache_credential_process is not set\n");
    } else if (fault != NULL) {
        add_label(out, label);
        ria_buf_addf(out, "none: XDG_RUNTIME_DIR is %s", fault);
        end_setting(out, start, setting);
    } else if (ria_cache_find_process(world, plan, &place)) {
        add_label(out, label);
        ria_buf_addf(out, "%s/%s", place.directory, place.name);
        end_setting(out, start, setting);
    }
}

void ria_explain_plan(
    const struct ria_world *world, const struct ria_plan *plan, struct ria_buf *out)
{
    add_owners(out, plan);
    if (plan->label[0] == '\0') {
        return;
    }
    explain_add_setting(
        out,
        "source",
        &(struct ria_setting){
            plan->label, ria_plan_source_setting(plan)->path, ria_plan_source_setting(plan)->line});
    const struct ria_setting *service = &plan->value[RIA_PLAN_METADATA_ENDPOINT];
    size_t start = out->len;
    if (service->value != NULL) {
        add_label(out, "metadata service");
        explain_add_url(out, service->value);
        end_setting(out, start, service);
    }
    explain_add_setting(out, "account", &plan->value[RIA_PLAN_SSO_ACCOUNT_ID]);
    explain_add_setting(out, "role name", &plan->value[RIA_PLAN_SSO_ROLE_NAME]);
    add_session_services(out, plan);
    explain_add_setting(out, "CLI cache", &plan->value[RIA_PLAN_CLI_CACHE]);
    add_process_cache(world, plan, out);
    for (size_t i = 0; i < plan->role_count; i++) {
        add_role(out, plan, &plan->roles[i]);
    }
    explain_add_setting(out, "CA bundle", &plan->value[RIA_PLAN_CA_BUNDLE]);
}

/* -- the response --------------------------------------------------------------------------- */

/* Appends where the credentials were read or obtained. */
static void add_origin(
    const struct ria_world *world,
    const struct ria_plan *plan,
    enum ria_origin origin,
    struct ria_buf *out)
{
    struct ria_cache_place place;
    struct ria_error ignored;
    add_label(out, "credentials");
    switch (origin) {
    case RIA_ORIGIN_FETCHED:
        ria_buf_add_text(out, "obtained now\n");
        break;
    case RIA_ORIGIN_MEMORY:
        ria_buf_add_text(out, "cached in this process\n");
        break;
    case RIA_ORIGIN_FILE:
        if (ria_cache_find_place(world, plan, &place, &ignored)) {
            ria_buf_addf(out, "cached in %s/%s\n", place.directory, place.name);
        } else {
            ria_buf_add_text(out, "cached in a file\n");
        }
        break;
    case RIA_ORIGIN_PLAN:
    default:
        ria_buf_add_text(out, "obtained from settings, no AWS request\n");
    }
}

void ria_explain_response(
    const struct ria_world *world,
    const struct ria_plan *plan,
    enum ria_origin origin,
    const struct ria_response *response,
    struct ria_buf *out)
{
    const struct ria_credentials *credentials = &response->credentials;
    char when[RIA_TIMESTAMP_SIZE] = "";
    add_origin(world, plan, origin, out);
    add_label(out, "access key");
    ria_buf_addf(out, "%s\n", credentials->access_key_id.data);
    /* The metadata services of EC2 instances and containers do not report the ARN of the session.
     */
    if (response->identity[0] != '\0') {
        add_label(out, "identity");
        ria_buf_addf(out, "%s\n", response->identity);
    } else if (origin != RIA_ORIGIN_PLAN) {
        add_label(out, "identity");
        ria_buf_addf(out, "that of %s\n", credentials->source);
    }
    bool is_known = credentials->expires != 0 && ria_timestamp_format(credentials->expires, when);
    add_label(out, "expires");
    ria_buf_addf(out, "%s\n", is_known ? when : "without an expiry time");
    int64_t offset = ria_cache_offset(world, &response->offset);
    if (offset != 0) {
        add_label(out, "clock");
        ria_buf_addf(out, "%lld s are added to this machine's time\n", (long long)offset);
    }
}
