/* SPDX-License-Identifier: MIT
 *
 * Finds out which of rds-iam's two parts are installed. For each part, checks only whether one of
 * its objects exists. If the object exists but cannot be used, the code that uses the object
 * reports this. */
#include "tool/part.h"

#include <errno.h>
#include <unistd.h>

const struct ria_part_files ria_part_files[RIA_PARTS] = {
    [RIA_PART_MYSQL] =
        {RIA_PACKAGE_MYSQL, RIA_PKGLIBDIR "/rds-iam-mysql-host.so", RIA_WITHOUT_MYSQL},
    [RIA_PART_POSTGRESQL] =
        {RIA_PACKAGE_POSTGRESQL, RIA_PKGLIBDIR "/rds-iam-pq-token.so", RIA_WITHOUT_POSTGRESQL},
};

bool ria_part_is_absent(enum ria_part part)
{
    return access(ria_part_files[part].object, F_OK) != 0 && errno == ENOENT;
}

void ria_part_warn(enum ria_part part, const struct ria_world *world)
{
    const struct ria_part_files *files = &ria_part_files[part];
    if (ria_part_is_absent(part)) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            RIA_MESSAGE_NOT_INSTALLED,
            files->object,
            files->consequence,
            files->package);
    }
}
