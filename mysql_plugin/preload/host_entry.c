/* SPDX-License-Identifier: MIT
 *
 * Defines the one exported function of rds-iam-mysql-host.so, which returns the table of the
 * functions that the preload calls. Returns NULL to a preload that needs another version of the
 * table. */
#include "preload/host_module.h"

#include <stddef.h>

__attribute__((visibility("default"))) const struct ria_host_module *ria_host_module_for_version(
    unsigned version)
{
    static const struct ria_host_module module = {
        .version = RIA_HOST_MODULE_VERSION,
        .check = ria_host_check,
        .read_tool = ria_tool_options_read,
    };
    return version == RIA_HOST_MODULE_VERSION ? &module : NULL;
}
