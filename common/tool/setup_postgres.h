/* SPDX-License-Identifier: MIT
 *
 * The options of rds-iam setup postgres, the values that follow from them, and the placeholders of
 * its texts.
 */
#ifndef RIA_TOOL_SETUP_POSTGRES_H
#define RIA_TOOL_SETUP_POSTGRES_H

#include "tool/ca_store.h"
#include "tool/setup_programs.h"

#include <limits.h>

struct ria_postgres_setup {
    const struct ria_world *world;
    const char *hostname;
    const char *port;
    const char *username;
    const char *dbname;
    const char *ca_given;
    const char *service;
    const char *program;
    bool is_written;
    char ca[RIA_CA_PATH_SIZE];
    bool has_ca;                      /* the file `ca` exists, or the user has given its path */
    char system_ca[RIA_CA_PATH_SIZE]; /* the CA file for the account of a daemon */
    char passfile[PATH_MAX];
    bool has_runtime; /* the passfile is in $XDG_RUNTIME_DIR, where the user's unit expects it */
    struct ria_error err;
};

enum {
    RIA_POSTGRES_VALUES = 27,
};

/* Values of placeholders that are composed from other values. */
struct ria_postgres_texts {
    struct ria_buf sql_user;    /* the user as an SQL identifier */
    struct ria_buf sql_service; /* the service as an SQL identifier */
    struct ria_buf connect;     /* service=NAME as a word for a shell */
    struct ria_buf info;        /* service=NAME, to stand within double quotes */
    struct ria_buf perl_info;   /* service=NAME, to stand within double quotes in Perl */
    struct ria_buf url_service; /* the service in a URL */
    struct ria_buf word;        /* the service as a word for a shell */
    struct ria_buf exports;     /* the environment of a client that does not use all settings of the
                                   entry, as commands of a shell */
    struct ria_buf unit;        /* the same, as lines of a systemd unit */
};

/* The entry of pg_service.conf, with placeholders. */
extern const char ria_postgres_entry_text[];

/* Composes the texts. Returns false if memory runs out. The caller releases *out in any case, or
 * uses RIA_AUTO(postgres_texts). */
bool ria_postgres_texts_make(const struct ria_postgres_setup *setup, struct ria_postgres_texts *out)
    RIA_MUST_USE;

void ria_postgres_texts_release(struct ria_postgres_texts *texts);

/* Fills the values of all placeholders. They borrow from *setup and *texts. */
void ria_postgres_values_fill(
    const struct ria_postgres_setup *setup,
    const struct ria_postgres_texts *texts,
    struct ria_setup_value values[RIA_POSTGRES_VALUES]);

#endif
