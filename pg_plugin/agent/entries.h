/* SPDX-License-Identifier: MIT
 *
 * Lists what the agent serves: the entries of the service files that name a passfile in the agent's
 * directory and are valid, sorted by passfile. The list contains no secrets except the passfile
 * texts that serve.h caches in it. The functions here open no passfile.
 */
#ifndef RIA_AGENT_ENTRIES_H
#define RIA_AGENT_ENTRIES_H

#include "agent/directory.h"
#include "agent/log.h"
#include "agent/refusals.h"

/* One line of a passfile, for one host of an entry, and the state of its token. */
struct ria_line {
    char *texts; /* owned; contains the texts of the next four members */
    const char *service;
    const char *host; /* as written in the entry */
    const char *port;
    const char *user;
    const char *path; /* of the service file; borrowed from the struct ria_entries */
    unsigned place;   /* the number of the line [NAME] in that file */
    unsigned number;  /* `port` as a number */
    size_t entry;     /* lines of one entry are adjacent and have the same number here */
    /* token_line.h uses the members below. */
    bool has_token;  /* the last attempt made a token */
    bool is_pending; /* the line's credentials are being fetched */
    bool is_done;    /* already handled in the passfile text that is being built */
    unsigned failures;
    uint64_t error; /* hash of the last error message; 0: no error since the last token */
    uint64_t key;   /* a hash of service, host, port and user, by which refusals.h finds the line's
                       last failure */
    bool is_rejected; /* clients reject the server, because its certificate does not contain the
                         host, to which a section of the configuration gives an endpoint */
    bool has_failed;  /* an attempt has failed since the entries were loaded */
    int64_t retry_at; /* when to try again at the latest, seconds since 1970; INT64_MAX: never */
    int64_t expires;  /* when the last token expires, seconds since 1970 */
};

/* One passfile, and its adjacent lines. */
struct ria_served {
    char *name; /* owned */
    size_t first;
    size_t count;
    bool is_missing; /* the file could not be created or written, so no client gets the tokens of
                        its lines */
    /* serve.h uses the members below. */
    int fd;              /* the leased file, or -1 */
    unsigned char state; /* enum ria_serve_state */
    unsigned char tries; /* failed attempts to take the lease again */
    bool is_active;      /* in ria_serve.active */
    size_t next;         /* index of the next line to make */
    int64_t since;       /* when the state began, ticks */
    int64_t due;         /* when to act again: ticks; in SERVE_RENEWED, seconds since 1970 */
    int64_t made_ticks;  /* when `text` was made, in ticks */
    int64_t made_at;     /* when `text` was made, in seconds since 1970 */
    /* The passfile's text, cached for a second. A leased file whose text is longer than
     * RIA_PASSFILE_PIECE is written in pieces, and its text is not cached. */
    struct ria_buf text;
    off_t written; /* the number of bytes of the pieces that the file already contains; `text` comes
                      after them */
    int write_error; /* the errno of the piece that could not be written, or 0 */
};

struct ria_entries {
    char *paths[2];     /* paths of the service files, existing or not; owned */
    uint64_t stamps[2]; /* ria_config_snapshot_stamp() of each file before it was read */
    size_t path_count;
    struct ria_line *lines;
    size_t line_count;
    struct ria_served *files; /* sorted by name */
    size_t file_count;
    size_t entry_count; /* entries with a passfile in the directory, including rejected entries */
    struct ria_refusals refusals; /* the entries and files that are not served, for --status */
    bool is_broken; /* a service file cannot be read, or contains a line that is not a comment, a
                       [group] or a setting in a group */
};

enum {
    RIA_PASSFILE_PIECE = 256 * 1024,
    /* The longest passfile text in memory; only a file that is renewed without a lease needs so
     * much. There is room for seven thousand hosts with long session tokens. */
    RIA_PASSFILE_MAX = 16 * 1024 * 1024,
};

/* Reads the service files and fills *out. Skips each entry that has an error. Logs the errors of
 * the files and of the first RIA_REFUSALS_MAX refused services. Returns false only if there is not
 * enough memory. The caller releases *out in any case. */
bool ria_entries_load(
    const struct ria_world *world,
    const char *sysconfdir,
    const struct ria_directory *directory,
    struct ria_log *log,
    struct ria_entries *out) RIA_MUST_USE;

/* Returns the number of entries that have a token for every line, and whose passfile could be
 * written. */
size_t ria_entries_count_served(const struct ria_entries *entries);

/* Writes a summary for the log and for systemd: how many of the entries have their tokens or, if
 * there are no entries, how to create one. */
void ria_entries_describe(
    const struct ria_entries *entries,
    const struct ria_directory *directory,
    char out[RIA_ERROR_TEXT_MAX]);

/* Returns the passfile of that name, or NULL. Borrowed from `entries`. */
struct ria_served *ria_entries_find(const struct ria_entries *entries, const char *name);

/* Frees the entries and wipes the texts. Does not close descriptors; the caller must close them.
 * Accepts zeroed entries. */
void ria_entries_release(struct ria_entries *entries);

#endif
