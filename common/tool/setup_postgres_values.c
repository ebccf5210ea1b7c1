/* SPDX-License-Identifier: MIT
 *
 * The values of the placeholders of rds-iam setup postgres. Quotes the name of the service for each
 * place where it is printed. */
#include "tool/setup_postgres.h"

#include "tool/setup_quote.h"
#include "tool/sql_name.h"

#include <string.h>

const char ria_postgres_entry_text[] =
    "[@SERVICE@]\n"
    "host=@HOST@\n"
    "port=@PORT@\n"
    "user=@USER@\n"
    "dbname=@DBNAME@\n"
    "sslmode=verify-full\n"
    "sslrootcert=@CA@\n"
    "# libpq 10 and 11 and pgx do not know gssencmode: remove the line for them.\n"
    "gssencmode=disable\n"
    "passfile=@PASSFILE@\n";

static const char start_text[] =
    "#      systemctl --user enable --now @USERUNITS@rds-iam-agent.service\n"
    "#    or, without systemd: rds-iam-agent\n";

/* Printed without a runtime directory. A login session of systemd has one; su and cron do not. */
static const char start_without_runtime_text[] =
    "#      rds-iam-agent\n"
    "#    The agent's systemd unit does not serve the passfile above, because\n"
    "#    XDG_RUNTIME_DIR @NORUNTIME@. To use the unit, run this\n"
    "#    command in a systemd login session (ssh or a console, not su or cron).\n";

/* RIA_UNITS and RIA_USER_UNITS are empty if systemd finds the units by name. */
#define LINK_UNIT                                                                                  \
    (sizeof(RIA_UNITS) > 1 ? "    systemctl link " RIA_UNITS "rds-iam-agent@.service\n" : "")

/* Returns the buffers of the texts, one after the other. */
static size_t list_texts(struct ria_postgres_texts *texts, struct ria_buf *out[9])
{
    struct ria_buf *const all[] = {
        &texts->sql_user,
        &texts->sql_service,
        &texts->connect,
        &texts->info,
        &texts->perl_info,
        &texts->url_service,
        &texts->word,
        &texts->exports,
        &texts->unit,
    };
    (void)memcpy(out, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}

void ria_postgres_texts_release(struct ria_postgres_texts *texts)
{
    struct ria_buf *all[9];
    size_t count = list_texts(texts, all);
    for (size_t i = 0; i < count; i++) {
        ria_buf_release(all[i]);
    }
}

#define TLS_VARIABLES "PGSSLMODE=verify-full PGGSSENCMODE=disable\n"

bool ria_postgres_texts_make(const struct ria_postgres_setup *setup, struct ria_postgres_texts *out)
{
    struct ria_buf *all[9];
    size_t count = list_texts(out, all);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        *all[i] = (struct ria_buf){.max = RIA_SETUP_TEXT_MAX};
    }
    ria_sql_name_add(RIA_ENGINE_POSTGRES, setup->username, &out->sql_user);
    ria_sql_name_add(RIA_ENGINE_POSTGRES, setup->service, &out->sql_service);
    ria_quote_service(setup->service, &out->connect);
    ria_quote_service_inside(setup->service, &out->info);
    ria_quote_perl_service_inside(setup->service, &out->perl_info);
    ria_quote_url(setup->service, &out->url_service);
    ria_quote_shell("", setup->service, "", &out->word);
    ria_buf_add_text(&out->exports, "    export " TLS_VARIABLES);
    ria_quote_shell("    export PGSERVICE=", setup->service, "\n", &out->exports);
    ria_quote_shell("    export PGSSLROOTCERT=", setup->ca, "\n", &out->exports);
    ria_buf_add_text(&out->unit, "    Environment=" TLS_VARIABLES);
    ria_quote_unit("    Environment=\"PGSERVICE=", setup->service, "\"\n", &out->unit);
    ria_quote_unit("    Environment=\"PGSSLROOTCERT=", setup->ca, "\"\n", &out->unit);
    for (size_t i = 0; i < count; i++) {
        ok = ok && ria_buf_text(all[i]) != NULL;
    }
    return ok;
}

void ria_postgres_values_fill(
    const struct ria_postgres_setup *setup,
    const struct ria_postgres_texts *texts,
    struct ria_setup_value values[RIA_POSTGRES_VALUES])
{
    bool is_set = ria_world_env(setup->world, "XDG_RUNTIME_DIR") != NULL;
    const struct ria_setup_value filled[RIA_POSTGRES_VALUES] = {
        {"SERVICE", setup->service, false},
        {"HOST", setup->hostname, false},
        {"PORT", setup->port, false},
        {"USER", setup->username, false},
        {"DBNAME", setup->dbname, false},
        {"CA", setup->ca, false},
        {"SYSTEMCA", setup->system_ca, false},
        {"PASSFILE", setup->passfile, false},
        {"SQLUSER", ria_buf_text(&texts->sql_user), false},
        {"SQLSERVICE", ria_buf_text(&texts->sql_service), false},
        {"EXPORTS", ria_buf_text(&texts->exports), false},
        {"UNIT", ria_buf_text(&texts->unit), false},
        {"SIDECAR", RIA_SIDECAR, false},
        {"USERUNITS", RIA_USER_UNITS, false},
        {"LINKUNIT", LINK_UNIT, false},
        {"FIRST", setup->has_ca ? "" : "# 0. Run once: rds-iam setup ca\n", false},
        {"ENTRY", ria_postgres_entry_text, true},
        {"START", setup->has_runtime ? start_text : start_without_runtime_text, true},
        {"NORUNTIME", is_set ? "names no directory of yours" : "is not set here", false},
        {"CONNECT", ria_buf_text(&texts->connect), false},
        {"INFO", ria_buf_text(&texts->info), false},
        {"PERLINFO", ria_buf_text(&texts->perl_info), false},
        {"URLSERVICE", ria_buf_text(&texts->url_service), false},
        {"WORD", ria_buf_text(&texts->word), false},
        {"READY", ria_setup_postgres_ready, true},
        {"SYSTEM", ria_setup_postgres_system, true},
        {0},
    };
    (void)memcpy(values, filled, sizeof(filled));
}
