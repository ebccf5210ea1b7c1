/* SPDX-License-Identifier: MIT
 *
 * Finds the endpoint of an AWS service, and the CA certificates that authenticate the endpoint.
 * Reads the CA bundle and passes its bytes to libcurl, so that libcurl uses exactly the file whose
 * owner and mode were checked. Rejects plain http, except to a loopback address, and a CA bundle
 * that other users can write. */
#include "fetch/fetch.h"

#include "base/trust.h"

#include <string.h>

enum {
    BUNDLE_MAX = 4 * 1024 * 1024 /* the system's own bundle has 220 KB */
};

bool ria_fetch_authorities(
    struct ria_fetch *fetch, const struct ria_buf **out, struct ria_error *err)
{
    const struct ria_setting *setting = &fetch->plan->value[RIA_PLAN_CA_BUNDLE];
    struct ria_file facts;
    if (setting->value == NULL) {
        *out = NULL;
        return true;
    }
    if (fetch->bundle.len == 0) {
        fetch->bundle.max = BUNDLE_MAX;
        const struct ria_named_file named = {setting, "ca_bundle", "CA bundle"};
        if (!ria_setting_read_named(fetch->world, &named, &fetch->bundle, &facts, err)) {
            return false;
        }
        ria_fetch_warn_of_owner(fetch, setting->value, &facts, "its certificates are trusted");
    }
    *out = &fetch->bundle;
    return fetch->bundle.len > 0 || ria_fail_at(
                                        err,
                                        RIA_E_CREDENTIALS,
                                        setting,
                                        "the CA bundle %s is empty; name a file of certificates",
                                        setting->value);
}

void ria_fetch_warn_of_owner(
    struct ria_fetch *fetch,
    const char *path,
    const struct ria_file *facts,
    const char *consequence)
{
    char warning[RIA_ERROR_TEXT_MAX];
    if (ria_trust_is_foreign(facts, fetch->world->uid(fetch->world->self))) {
        ria_trust_warning(facts, path, consequence, warning, sizeof(warning));
        ria_response_warn(fetch->result, "%s", warning);
    }
}

bool ria_fetch_find_service(
    struct ria_fetch *fetch,
    enum ria_service service,
    const struct ria_setting *region,
    struct ria_fetch_service *out,
    struct ria_error *err)
{
    struct ria_plan_endpoint *endpoint = &out->endpoint;
    struct ria_http_place *place = &out->place;
    out->authorities = NULL;
    if (!ria_plan_service(fetch->plan, service, region, endpoint) ||
        !ria_http_place(endpoint->url, place)) {
        return ria_fail_at(
            err, RIA_E_CREDENTIALS, endpoint->from, "is not a URL; write https://HOST");
    }
    if (!place->is_https && !place->is_loopback) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            endpoint->from,
            "%s must not be used over plain http; write https://%.100s",
            ria_service_name(service),
            place->shown);
    }
    return !place->is_https || ria_fetch_authorities(fetch, &out->authorities, err);
}

void ria_fetch_add_path(struct ria_buf *out, const char *base, const char *path)
{
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    ria_buf_add(out, base, len);
    ria_buf_add_text(out, path);
}
