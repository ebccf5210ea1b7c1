/* SPDX-License-Identifier: MIT
 *
 * What is to be served: the entries of the service files whose passfile lies in the agent's
 * directory, checked, and put in order by passfile. Nothing here holds a secret or opens a
 * passfile.
 */
#ifndef RIA_AGENT_ENTRIES_H
#define RIA_AGENT_ENTRIES_H

#include "agent/directory.h"
#include "agent/log.h"

/* One line of a passfile: a host of an entry, and how making its token goes. */
struct ria_line {
    char *texts; /* owned: what the next four point into */
    const char *service;
    const char *host; /* as written in the entry */
    const char *port;
    const char *user;
    const char *path; /* of the service file; borrowed from the entries */
    unsigned place;   /* line of its [service] */
    unsigned number;  /* the port */
    size_t entry;     /* lines of one entry stand together and have the same number here */
    /* of token_line.h */
    bool has_token;  /* the last attempt made one */
    bool is_pending; /* its credentials are being fetched */
    bool is_done;    /* in the passfile text under way */
    unsigned failures;
    uint64_t error;  /* hash of the last sentence; 0: none since the last token */
    int64_t look_at; /* when to try in any case, seconds since 1970; INT64_MAX: never */
    int64_t expires; /* of the last token */
};

/* One passfile, with a run of lines. */
struct ria_served {
    char *name; /* owned */
    size_t first;
    size_t count;
    bool is_missing; /* it could not be made or written, so nobody gets its tokens */
    /* of serve.h */
    int fd;              /* the leased file, or -1 */
    unsigned char state; /* enum ria_serve_state */
    unsigned char tries;
    bool is_listed;
    size_t next;        /* line to be made next */
    int64_t since;      /* of the state, ticks */
    int64_t due;        /* when to act again, ticks; of a renewed file, seconds since 1970 */
    int64_t made_ticks; /* when `text` was made, on both clocks */
    int64_t made_at;
    struct ria_buf text; /* the passfile, for a second */
};

struct ria_entries {
    char *paths[2]; /* service files that were looked for; owned */
    size_t path_count;
    struct ria_line *lines;
    size_t line_count;
    struct ria_served *files; /* by name */
    size_t file_count;
    size_t entry_count; /* with a passfile in the directory, refused ones too */
    bool is_broken;     /* a service file cannot be read, or holds what no service file does */
};

enum {
    RIA_PASSFILE_MAX = 16 * 1024 * 1024, /* seven thousand hosts with long session tokens */
};

/* Reads the service files. What is wrong goes to the log. False only without memory. */
bool ria_entries_load(
    const struct ria_world *world,
    const char *sysconfdir,
    const struct ria_directory *directory,
    struct ria_log *log,
    struct ria_entries *out) RIA_MUST_USE;

/* Number of entries whose every line has a token, in a passfile that is there. */
size_t ria_entries_count_served(const struct ria_entries *entries);

/* Says how many that are, or how to have one: for the log and for systemd. */
void ria_entries_describe(
    const struct ria_entries *entries,
    const struct ria_directory *directory,
    char out[RIA_ERROR_TEXT_MAX]);

/* The file of that name, or NULL. */
struct ria_served *ria_entries_find(const struct ria_entries *entries, const char *name);

/* Frees them and wipes texts; descriptors are the owner's to close. Accepts zeroed ones. */
void ria_entries_release(struct ria_entries *entries);

#endif
