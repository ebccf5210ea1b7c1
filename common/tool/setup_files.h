/* SPDX-License-Identifier: MIT
 *
 * Adds a section to a configuration file of the user: a group to ~/.my.cnf, or a service to
 * pg_service.conf. Both functions work in the same way. If the file has no section of that name,
 * they append the section (tool/user_file.h), print what they added, and then print section->next.
 * If the file has the same settings under that name, they change nothing and report this. If the
 * file has other settings under that name, they fail, and the message names the file, the line and
 * the difference.
 */
#ifndef RIA_TOOL_SETUP_FILES_H
#define RIA_TOOL_SETUP_FILES_H

#include "tool/setup_programs.h"

struct ria_setup_section {
    const char *name;
    const struct ria_setup_value
        *settings;    /* up to 16 settings; the name in the last element of the array is NULL */
    const char *text; /* the whole section, which may also contain comments */
    const char *next; /* what the user can do next */
};

/* Adds a group to ~/.my.cnf. Returns false with err filled on failure; the file is unchanged. */
bool ria_setup_write_group(
    const struct ria_setup_section *section,
    const struct ria_world *world,
    struct ria_error *err) RIA_MUST_USE;

/* Adds a service to the file that PGSERVICEFILE names, or to ~/.pg_service.conf. Also fails if a
 * line of the file is so long that libpq would not read the new service. Returns false with err
 * filled on failure; the file is unchanged. */
bool ria_setup_write_service(
    const struct ria_setup_section *section,
    const struct ria_world *world,
    struct ria_error *err) RIA_MUST_USE;

#endif
