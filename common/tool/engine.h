/* SPDX-License-Identifier: MIT
 *
 * The kinds of servers, their names on the command line, and the default users of their clients.
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

enum {
    RIA_DEFAULT_USER_SIZE = 256,
};

/* Writes the user as which a client logs in if its settings name no user: for libpq the value of
 * PGUSER, if it is set; otherwise the name of the system user who runs the client. Returns false if
 * the system user has no name, or if the name does not fit. */
bool ria_engine_default_user(
    enum ria_engine engine,
    const struct ria_world *world,
    char out[RIA_DEFAULT_USER_SIZE]) RIA_MUST_USE;

/* Returns the engine that has the same protocol as `engine`: MYSQL for MARIADB, otherwise `engine`
 * itself. */
enum ria_engine ria_engine_protocol(enum ria_engine engine);

#endif
