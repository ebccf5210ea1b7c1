/* SPDX-License-Identifier: MIT
 *
 * Downloads the root certificates of RDS (provider/trust_bundle.h) through rds-iam-fetch, because
 * this process does not load libcurl. Rejects a partition that has no bundle. */
#include "rds_iam.h"

#include "codec/record.h"
#include "provider/trust_bundle.h"

bool ria_trust_bundle_fetch(
    const char *partition,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_buf *pem,
    struct ria_error *err)
{
    struct ria_trust_bundle_request download = {.budget = ria_deadline_left(world, deadline)};
    RIA_AUTO(buf) request = {.max = 1024};
    RIA_AUTO(buf) response = {.max = RIA_RECORD_BUNDLE_MAX};
    if (ria_trust_bundle_url(partition) == NULL) {
        return ria_fail(
            err,
            RIA_E_USAGE,
            "\"%.32s\" is not a partition with a bundle; write aws, aws-us-gov or aws-cn",
            partition);
    }
    (void)ria_text_copy(download.partition, sizeof(download.partition), partition);
    ria_trust_bundle_write_request(&download, &request);
    if (ria_buf_text(&request) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_MEMORY);
    }
    return world->fetch(world->self, &request, deadline, &response, err) &&
           ria_trust_bundle_read_response(&response, pem, err);
}
