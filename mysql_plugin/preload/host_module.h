/* SPDX-License-Identifier: MIT
 *
 * The interface between the preload and rds-iam-mysql-host.so. Every program under `rds-iam exec`
 * loads the preload, so the preload needs only libc. rds-iam-mysql-host.so contains rds-iam's
 * configuration reader. The preload loads it when a program first connects over TCP, or when a
 * command-line tool of MariaDB or Oracle starts, and never unloads it. Each object rejects the
 * other if their versions differ. rds-iam-mysql-host.so is in a separate package, which requires
 * the package of the preload in the same version. If rds-iam-mysql-host.so is missing, the preload
 * logs which package is missing.
 */
#ifndef RIA_MYSQL_PRELOAD_HOST_MODULE_H
#define RIA_MYSQL_PRELOAD_HOST_MODULE_H

#include <stdbool.h>

/* The target of a connection that the program begins. Strings are borrowed. */
struct ria_host_target {
    const char *host; /* as the program passes it; never NULL */
    unsigned port;    /* 0: the library's default */
    const char *user; /* NULL or "": not known, so that no section of the configuration with a user
                         applies */
    bool is_mariadb;  /* the library is libmariadb, so `host` may also be a list,
                         "HOST:PORT,HOST:PORT", or a connection string, "host=HOST;port=PORT;..." */
    bool lacks_ca;    /* the program has set no CA, and the library reads no option file */
};

/* How to verify the server of a connection. */
struct ria_host_verdict {
    bool is_ours; /* the target contains an RDS name, or a name that the configuration maps */
    bool chain_suffices; /* tls = verify-ca, and the library is libmariadb: the certificate need not
                            contain the host name */
    const char *ca;      /* the CA file for the server, from the environment; NULL: none is set */
    const char *ca_variable; /* the variable that names `ca`, or would name it; NULL unless is_ours
                              */
};

/* The option file that a command-line tool reads. The file exists only in the memory of the tool's
 * process. */
struct ria_tool_file {
    const char *path;  /* static; NULL: none */
    int (*open)(void); /* returns a new descriptor, or -1 with errno set */
};

struct ria_host_module {
    unsigned version; /* RIA_HOST_MODULE_VERSION */

    /* Fills *out. Reads rds-iam's configuration. Logs a warning if target->lacks_ca is true and the
     * environment names no CA file for an RDS host. Logs another warning, once in a process, if the
     * library is Oracle's and the configuration sets tls = verify-ca for the host. Runs on the
     * calling thread and uses 40 KB of its stack. */
    void (*check)(const struct ria_host_target *target, struct ria_host_verdict *out);

    /* Reads the arguments of a command-line tool (tool_arguments.h) before its main(). If the tool
     * connects to an RDS host, fills *out, and sets MYSQL_HOME in the environment of this process
     * (also MARIADB_HOME, if it is set and empty). Otherwise sets out->path to NULL. Uses as much
     * stack as check(). */
    void (*read_tool)(int argc, char *const argv[], struct ria_tool_file *out);
};

enum {
    RIA_HOST_MODULE_VERSION = 3
};

/* The one exported symbol of rds-iam-mysql-host.so. Returns static memory. Returns NULL if
 * `version` is not RIA_HOST_MODULE_VERSION. */
const struct ria_host_module *ria_host_module_for_version(unsigned version);
#define RIA_HOST_MODULE_SYMBOL "ria_host_module_for_version"

/* Checks the host of a connection; called by the preload. Loads rds-iam-mysql-host.so at the first
 * call, and runs the check on a stack that is large enough. If the object cannot be loaded, or if a
 * thread is needed and cannot be started, logs a warning with the reason and sets out->is_ours to
 * false. In this case the program's own settings apply, and the plugin still sends no token over an
 * unverified connection. Blocks until the check is done. Thread-safe. Preserves errno. */
void ria_host_query(const struct ria_host_target *target, struct ria_host_verdict *out);

/* Calls read_tool() of rds-iam-mysql-host.so; called by the preload in the process of a tool,
 * before main(). Loads the object in the same way as ria_host_query(). Preserves errno. */
void ria_host_read_tool(int argc, char *const argv[], struct ria_tool_file *out);

/* The functions of struct ria_host_module. Only files of rds-iam-mysql-host.so call them. */
void ria_host_check(const struct ria_host_target *target, struct ria_host_verdict *out);
void ria_tool_options_read(int argc, char *const argv[], struct ria_tool_file *out);

#endif
