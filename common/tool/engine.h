/* SPDX-License-Identifier: MIT
 *
 * The kinds of servers, and their names on the command line.
 */
#ifndef RIA_TOOL_ENGINE_H
#define RIA_TOOL_ENGINE_H

#include "rds_iam.h"

enum ria_engine {
    RIA_ENGINE_UNKNOWN,
    RIA_ENGINE_POSTGRES,
    RIA_ENGINE_MYSQL,
    RIA_ENGINE_MARIADB,
    RIA_ENGINES,
};

/* The usage error for an unknown value of --engine. The argument of the format is the value. */
#define RIA_ENGINE_USAGE                                                                           \
    "--engine \"%s\" is not one of mysql, mariadb, postgres, postgresql, aurora-mysql and "        \
    "aurora-postgresql"

/* Parses the value of --engine: "mysql", "mariadb", "postgres", "postgresql", or AWS's names of the
 * engines of Aurora, "aurora-mysql" and "aurora-postgresql". Returns false for any other text. */
bool ria_engine_parse(const char *text, enum ria_engine *out) RIA_MUST_USE;

/* Returns the engine that has the same protocol as `engine`: MYSQL for MARIADB, otherwise `engine`
 * itself. */
enum ria_engine ria_engine_protocol(enum ria_engine engine);

#endif
