/* SPDX-License-Identifier: MIT
 *
 * Where AWS's services are asked. */
#include "fetch/fetch.h"

#include <string.h>

bool ria_fetch_find_service(
    const struct ria_fetch *fetch,
    enum ria_service service,
    const struct ria_setting *region,
    struct ria_plan_endpoint *endpoint,
    struct ria_http_place *place,
    struct ria_error *err)
{
    if (!ria_plan_service(fetch->plan, service, region, endpoint) ||
        !ria_http_place(endpoint->url, place)) {
        return ria_fail_at(err, RIA_E_CREDENTIALS, endpoint->from, "is no URL; write https://HOST");
    }
    if (!place->is_https && !place->is_loopback) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            endpoint->from,
            "%s is not asked over plain http; write https://%.100s",
            ria_service_name(service),
            place->host);
    }
    return true;
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
