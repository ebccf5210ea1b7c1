/* SPDX-License-Identifier: MIT
 *
 * Finds the database of a login as an IAM policy names it: the endpoint that a token is signed for,
 * its kind, its region and its partition. Rejects a host that is not an endpoint of RDS or Aurora
 * DSQL, unless a section maps the host to such an endpoint. Rejects such a host even if the user
 * gives --region, because the host's name shows neither the kind nor the partition. */
#include "login/resolve.h"

#include "aws/service.h"
#include "base/text.h"

#include <string.h>

_Static_assert((int)RIA_DATABASE_HOST_SIZE >= (int)RIA_HOST_SIZE, "every host name fits");
_Static_assert((int)RIA_DATABASE_REGION_SIZE >= (int)RIA_REGION_SIZE, "every region fits");

static const struct {
    enum ria_endpoint_kind endpoint;
    enum ria_database_kind database;
} kinds[] = {
    {RIA_ENDPOINT_INSTANCE, RIA_DATABASE_INSTANCE},
    {RIA_ENDPOINT_CLUSTER, RIA_DATABASE_CLUSTER},
    {RIA_ENDPOINT_CLUSTER_READER, RIA_DATABASE_CLUSTER},
    {RIA_ENDPOINT_CLUSTER_CUSTOM, RIA_DATABASE_CLUSTER},
    {RIA_ENDPOINT_PROXY, RIA_DATABASE_PROXY},
    {RIA_ENDPOINT_SHARD_GROUP, RIA_DATABASE_SHARD_GROUP},
    {RIA_ENDPOINT_GLOBAL, RIA_DATABASE_GLOBAL},
    {RIA_ENDPOINT_DSQL, RIA_DATABASE_DSQL},
};

/* Returns the partition of a region if the endpoint can be in that region, else NULL. A region in
 * the endpoint's own name is in the endpoint's partition, even if rds-iam does not know the region.
 * The host names of GovCloud have the suffix of partition aws. A global endpoint's name has no
 * region that could show the difference, so a global endpoint can be in the partition aws or
 * aws-us-gov. */
static const char *find_partition(const struct ria_endpoint *endpoint, const char *region)
{
    if (strcmp(endpoint->region, region) == 0) {
        return endpoint->partition;
    }
    const char *name = ria_partition_of(region).name;
    bool is_govcloud = endpoint->region[0] == '\0' && strcmp(endpoint->partition, "aws") == 0 &&
                       strcmp(name, "aws-us-gov") == 0;
    return strcmp(name, endpoint->partition) == 0 || is_govcloud ? name : NULL;
}

/* Fails for a host that is not an endpoint of RDS or Aurora DSQL, and that no section maps to such
 * an endpoint. */
static bool reject_other(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *resolved,
    struct ria_error *err)
{
    const struct ria_section *section = &resolved->section;
    if (section->endpoint.value != NULL) {
        return ria_fail_at(
            err,
            RIA_E_ENDPOINT,
            &section->endpoint,
            "%s is not an RDS name, so its kind and its partition are not known; write the name of "
            "the RDS endpoint",
            section->signed_for.host);
    }
    /* Without a region, ria_resolve_endpoint() fails, and its error contains the section that the
     * user can write. */
    struct ria_login without_region = *login;
    without_region.region = NULL;
    struct ria_error unused;
    if (ria_resolve_endpoint(&without_region, world, resolved, err) || login->port > 0 ||
        ria_endpoint_is_near(&resolved->dialed, &unused)) {
        return false;
    }
    return ria_fail(
        err, err->code, "%s; if the file has a section [HOST:PORT], also give the port", err->text);
}

bool ria_login_database(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_database *out,
    struct ria_error *err)
{
    RIA_AUTO(resolved) resolved = {0};
    ria_endpoint_read(login->host, &resolved.dialed);
    if (!ria_resolve_section(login, world, &resolved, err)) {
        return false;
    }
    bool is_mapped = resolved.section.endpoint.value != NULL;
    enum ria_endpoint_kind kind =
        is_mapped ? resolved.section.signed_for.kind : resolved.dialed.kind;
    if (kind == RIA_ENDPOINT_OTHER) {
        return reject_other(login, world, &resolved, err);
    }
    if (!ria_resolve_endpoint(login, world, &resolved, err)) {
        return false;
    }
    const char *partition = find_partition(&resolved.endpoint, resolved.region.value);
    if (partition == NULL) {
        return ria_fail_at(
            err,
            RIA_E_USAGE,
            &resolved.region,
            "%s is not a region of the partition %s, to which %s belongs; write a region of that "
            "partition",
            resolved.region.value,
            resolved.endpoint.partition,
            resolved.endpoint.host);
    }
    out->partition = partition;
    size_t i = 0;
    while (kinds[i].endpoint != kind) {
        i++;
    }
    out->kind = kinds[i].database;
    (void)ria_text_copy(out->host, sizeof(out->host), resolved.endpoint.host);
    (void)ria_text_copy(out->region, sizeof(out->region), resolved.region.value);
    return true;
}

bool ria_partition_is_known(const char *name)
{
    return ria_partition_exists(name);
}
