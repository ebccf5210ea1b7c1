/* SPDX-License-Identifier: MIT
 *
 * A fake world (struct ria_world of base/world.h): its environment, files, clocks and log are
 * tables. It uses nothing of the machine, so tests need no setenv, no file and no sleep.
 *
 *     struct ria_fake fake;
 *     ria_fake_init(&fake);
 *     ria_fake_env(&fake, "AWS_PROFILE", "etl");
 *     ria_fake_file(&fake, "/home/u/.aws/config", "[profile etl]\n");
 *     ria_token_for(&login, deadline, &fake.world, ...);
 *     assert_true(ria_fake_logged(&fake, RIA_LOG_WARNING, "belongs to uid"));
 *
 * A private file is a file in `files` whose mode gives access only to its owner. The fake remembers
 * what the last request to rds-iam-fetch asked for. HOME is /home/u. Strings are borrowed. The
 * struct must not be copied: its world points to it.
 */
#ifndef RIA_UNIT_FAKE_WORLD_H
#define RIA_UNIT_FAKE_WORLD_H

#include "aws/endpoint.h"
#include "aws/plan.h"
#include "base/world.h"
#include "provider/response.h"

enum {
    RIA_FAKE_UID = 1000,
    RIA_FAKE_ITEMS_MAX = 32,
};

#define RIA_FAKE_CONFIG "/home/u/.config/rds-iam/config"
#define RIA_FAKE_AWS_CONFIG "/home/u/.aws/config"
#define RIA_FAKE_AWS_CREDENTIALS "/home/u/.aws/credentials"

struct ria_fake_file {
    const char *path;
    const char *text; /* NULL: the file exists and cannot be opened */
    size_t len;
    bool is_unreachable; /* below a directory that the user cannot search */
    struct ria_file file;
};

struct ria_fake {
    struct ria_world world;
    struct ria_fake_variable {
        const char *name;
        const char *value;
    } variables[RIA_FAKE_ITEMS_MAX];
    size_t variable_count;
    struct ria_fake_file files[RIA_FAKE_ITEMS_MAX];
    size_t file_count;
    const char *passwd_home; /* of the passwd entry, or NULL */
    size_t reads;            /* how often a file was read, including missing files */
    int64_t now;
    int64_t ticks;
    int64_t ticks_step; /* how far each read of the monotonic clock advances it */
    bool is_privileged;
    const char *foreign_directory; /* the only directory of another user, or NULL */
    const char *remote;            /* paths that begin with this text are on a network file system;
                                      or NULL */
    size_t remote_checks;          /* how often a file system was checked */
    uid_t user;                    /* the effective user */
    struct ria_machine machine;
    /* The response of rds-iam-fetch to a request for credentials; NULL: instance metadata is
     * absent, and every other such request fails. */
    const struct ria_response *response;
    size_t fetches;                    /* for credentials */
    struct ria_deadline deadline;      /* of the last request */
    const char *alias;                 /* the alias that DNS returns */
    char queried_alias[RIA_HOST_SIZE]; /* the last name that was queried */
    enum ria_source asked_source;      /* of the last request for credentials */
    size_t asked_roles;
    bool asked_process_cache; /* the request allows caching the output of a credential_process */
    struct ria_fake_line {
        enum ria_log_level level;
        char text[RIA_ERROR_TEXT_MAX];
    } log[RIA_FAKE_ITEMS_MAX];
    size_t log_count;
};

/* Sets up a world without files, and without variables except HOME. Its user has the uid
 * RIA_FAKE_UID, and its time is 2026-08-22T12:34:56Z. */
void ria_fake_init(struct ria_fake *fake);

/* Sets a variable, or a file that belongs to the user and has mode 0600. Replaces an existing
   variable or file of that name. */
void ria_fake_env(struct ria_fake *fake, const char *name, const char *value);
struct ria_fake_file *ria_fake_file(struct ria_fake *fake, const char *path, const char *text);

/* Enables the world's functions that return the status of a file without reading it, so that parsed
 * files can be cached. Without them, each call reads its files. */
void ria_fake_enable_stat(struct ria_fake *fake);

/* Returns true if a line of that level contains the piece. */
bool ria_fake_logged(const struct ria_fake *fake, enum ria_log_level level, const char *piece);

/* Returns the number of lines of that level. */
size_t ria_fake_log_count(const struct ria_fake *fake, enum ria_log_level level);

#endif
