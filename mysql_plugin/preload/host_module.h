/* SPDX-License-Identifier: MIT
 *
 * The seam between the preload and rds-iam-mysql-host.so. The preload is in every program below
 * `rds-iam exec` and needs libc alone. The other object contains rds-iam's configuration reader; it
 * is loaded when a program connects over TCP for the first time, and is never unloaded. Both are
 * installed together. Each refuses the other if it is of another version.
 */
#ifndef RIA_MYSQL_PRELOAD_HOST_MODULE_H
#define RIA_MYSQL_PRELOAD_HOST_MODULE_H

#include <stdbool.h>

/* A connection that a program begins. Strings are borrowed. */
struct ria_host_target {
    const char *host; /* as the program gives it, not NULL */
    unsigned port;    /* 0: the library's default */
    const char *user; /* NULL or "": the operating system's user */
    bool is_mariadb;  /* then `host` may be a list, "HOST:PORT,HOST:PORT", or a connection string,
                         "host=HOST;port=PORT;..." */
    bool lacks_ca;    /* neither the program nor an option file gives a CA */
};

/* What is known of its server. */
struct ria_host_verdict {
    bool is_ours; /* one of its hosts is an RDS name, or a name that rds-iam's configuration maps */
    bool chain_suffices; /* tls = verify-ca: the certificate need not have the name */
    const char *ca;      /* the CA file for it, from the environment; NULL: none is known */
};

struct ria_host_module {
    unsigned version; /* RIA_HOST_MODULE_VERSION */

    /* Fills *out. Reads rds-iam's configuration where the name does not tell. Logs a warning where
     * a CA is needed and none is known. Runs on the calling thread, on 40 KB of its stack. */
    void (*judge)(const struct ria_host_target *target, struct ria_host_verdict *out);
};

enum {
    RIA_HOST_MODULE_VERSION = 1
};

/* The one symbol of rds-iam-mysql-host.so. Returns NULL for any version but its own. */
const struct ria_host_module *ria_host_module_for_version(unsigned version);
#define RIA_HOST_MODULE_SYMBOL "ria_host_module_for_version"

/* For the preload: loads rds-iam-mysql-host.so at the first question, and has it check a host on a
 * stack that has room. Where the object cannot be loaded, or there can be no thread for it, the
 * host counts as none of ours and a warning names the reason: the settings of the connection are
 * then the program's own, and the plugin sends no token over it if it is not verified. From any
 * thread. Keeps errno. */
void ria_host_query(const struct ria_host_target *target, struct ria_host_verdict *out);

#endif
