/* SPDX-License-Identifier: MIT
 *
 * Gives the command-line tools of MariaDB and of Oracle's MySQL the options that make them verify
 * an RDS server. These tools contain their client library, so its functions cannot be interposed.
 * But the tools read option files: MYSQL_HOME names a directory whose my.cnf they read before
 * ~/.my.cnf. So if a tool connects to an RDS host, this file sets MYSQL_HOME in the tool's process,
 * and the preload redirects the opens of the my.cnf in that directory to a file in memory. Nothing
 * is written to disk. The tool reads ~/.my.cnf and its command line later, so the user's own
 * options override the file in memory. A program that the tool starts inherits MYSQL_HOME, but
 * finds no file there.
 *
 * Runs before main(), when the process has one thread, so setenv() is safe. Sets nothing in these
 * cases:
 *
 *   - the maker of the tool is unknown;
 *   - the tool connects to a host that is not an RDS host, or over a Unix socket;
 *   - the tool's arguments or ~/.my.cnf turn TLS off;
 *   - the user has set MYSQL_HOME, or MARIADB_HOME for a tool of MariaDB;
 *   - no CA file is known, or its path cannot be written to an option file;
 *   - the arguments name no host, and the tool reads options from a source that this file does not
 *     read.
 *
 * If the host is named only in an option file other than ~/.my.cnf, this code does not find the
 * host. */
#include "preload/host_module.h"
#include "preload/option_file.h"

#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    OWN_FILE_MAX = 1024 * 1024 /* the size limit of an option file; a longer file is ignored */
};

/* The value of MYSQL_HOME that this file sets. No directory of this name exists. */
#define OPTION_DIRECTORY RIA_PKGLIBDIR "/in-memory"

/* -- the maker of a tool ----------------------------------------------------------------------- */

struct mark {
    const char *text; /* every tool of the maker contains this constant, followed by a zero byte */
    enum ria_tool_maker maker;
};

/* "client-mariadb" is a group of option files that only MariaDB's tools read. "VERIFY_IDENTITY" is
 * a value of ssl-mode, which Oracle's tools know since 5.7.11. MariaDB's tools do not know it. */
static const struct mark marks[] = {
    {"client-mariadb", RIA_TOOL_MARIADB},
    {"VERIFY_IDENTITY", RIA_TOOL_ORACLE},
};

static bool has_mark(const struct dl_phdr_info *program, const char *text)
{
    for (size_t i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_R) == 0 ||
            (segment->p_flags & PF_W) != 0) {
            continue;
        }
        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        const void *start = (const void *)(program->dlpi_addr + segment->p_vaddr);
        if (memmem(start, segment->p_filesz, text, strlen(text) + 1) != NULL) {
            return true;
        }
    }
    return false;
}

/* The callback of dl_iterate_phdr(), whose first call is for the program itself. */
static int find_maker(struct dl_phdr_info *program, size_t size, void *out)
{
    (void)size;
    enum ria_tool_maker *maker = out;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && *maker == RIA_TOOL_UNKNOWN; i++) {
        if (has_mark(program, marks[i].text)) {
            *maker = marks[i].maker;
        }
    }
    return 1;
}

static enum ria_tool_maker read_maker(void)
{
    enum ria_tool_maker maker = RIA_TOOL_UNKNOWN;
    (void)dl_iterate_phdr(find_maker, &maker);
    return maker;
}

/* -- the host ---------------------------------------------------------------------------------- */

/* Returns the value of a variable, or NULL if the variable is not set or is empty. */
static const char *tool_env(const char *name)
{
    const char *value = ria_world_env(ria_process_world(), name);
    return value == NULL || *value == '\0' ? NULL : value;
}

/* Returns whether the tool connects over TCP. Both makers' tools take "localhost" for a Unix
 * socket, unless the protocol is TCP. In MariaDB's tools since 10.6, a port selects TCP if it is in
 * the arguments (has_port), but not if it is in an option file. */
static bool tool_is_over_tcp(
    const struct ria_tool_arguments *given, enum ria_tool_maker maker, bool has_port)
{
    const char *protocol = given->protocol;
    bool is_tcp = protocol != NULL && ria_ascii_begins("tcp", protocol);
    if (given->host == NULL || *given->host == '\0' || *given->host == '/' ||
        (protocol != NULL && !is_tcp)) {
        return false;
    }
    return is_tcp || strcmp(given->host, "localhost") != 0 ||
           (maker == RIA_TOOL_MARIADB && has_port);
}

/* Writes the path of a file in HOME. Returns false if HOME is not set or the path is too long. */
static bool own_path(const char *name, char out[PATH_MAX])
{
    const char *home = tool_env("HOME");
    int len = home == NULL ? -1 : snprintf(out, PATH_MAX, "%s/%s", home, name);
    return len > 0 && len < PATH_MAX;
}

/* Returns whether the file of mysql_config_editor (~/.mylogin.cnf) exists. Oracle's tools read it
 * last. */
static bool has_login_file(void)
{
    char path[PATH_MAX];
    struct stat status;
    const char *named = tool_env("MYSQL_TEST_LOGIN_FILE");
    return named != NULL ? stat(named, &status) == 0
                         : own_path(".mylogin.cnf", path) && stat(path, &status) == 0;
}

/* Returns whether the tool reads options from a source that this file does not read. */
static bool tool_has_other_source(const struct ria_tool_arguments *given, enum ria_tool_maker maker)
{
    return given->has_other_source || tool_env("MYSQL_GROUP_SUFFIX") != NULL ||
           (maker == RIA_TOOL_MARIADB && tool_env("MARIADB_GROUP_SUFFIX") != NULL) ||
           (maker == RIA_TOOL_ORACLE && !given->skips_login_file && has_login_file());
}

/* Reads an option file into *out, which is wiped on release, because the file may contain a
 * password. Returns false if it is not a regular file, cannot be read, or is longer than out->max.
 */
static bool load_file(const char *path, struct ria_buf *out)
{
    const struct ria_world *world = ria_process_world();
    struct ria_error ignored;
    return world->read_file(world->self, path, out, NULL, &ignored) == RIA_FOUND &&
           ria_buf_text(out) != NULL;
}

/* Reads the options that an option file sets for the tool. Does not read the files that the option
 * file includes. */
static void read_file(
    const char *path,
    const char *program,
    enum ria_tool_maker maker,
    struct ria_tool_arguments *out)
{
    RIA_AUTO(buf) text = {.max = OWN_FILE_MAX};
    char *next = load_file(path, &text) ? text.data : NULL;
    bool is_read = false;
    for (char *line = strsep(&next, "\n"); line != NULL; line = strsep(&next, "\n")) {
        line += strspn(line, RIA_BLANKS);
        if (*line == '[') {
            is_read = ria_tool_reads_group(
                program, maker == RIA_TOOL_MARIADB, line + 1, strcspn(line + 1, "]"));
        } else if (is_read || *line == '!') {
            ria_tool_line_read(line, out);
        }
    }
}

static void check_tool_host(
    const struct ria_tool_arguments *given, enum ria_tool_maker maker, struct ria_host_verdict *out)
{
    const char *port = given->port != NULL ? given->port : tool_env("MYSQL_TCP_PORT");
    const struct ria_host_target target = {
        .host = given->host,
        .port = port == NULL ? 0 : ria_port_parse(port),
        .user = given->user,
        .is_mariadb = maker == RIA_TOOL_MARIADB,
        .lacks_ca = !given->has_ca,
    };
    ria_host_check(&target, out);
}

/* -- the option file --------------------------------------------------------------------------- */

/* The text of the option file. It is written before main() and only read afterwards. Never freed.
 */
static char *option_text;

/* Logs why the tool gets no option file. */
static void log_no_file(const char *reason)
{
    ria_world_log(
        ria_process_world(),
        RIA_LOG_WARNING,
        "the server is not verified, because the tool gets no option file: %s",
        reason);
}

static int open_option_text(void)
{
    int fd = ria_option_file_open(option_text);
    if (fd < 0) {
        log_no_file("it cannot be made in memory (memfd_create, or ulimit -f)");
    }
    return fd;
}

/* Stores the text of the option file in option_text, or NULL if memory runs out. Returns false if
 * the tool gets no file: either no CA is known, or the CA's path cannot be written to an option
 * file. */
static bool make_option_text(
    const struct ria_tool_arguments *given,
    enum ria_tool_maker maker,
    const struct ria_host_verdict *verdict)
{
    RIA_AUTO(buf) text = {.max = (size_t)16 * 1024};
    /* Without any CA, verification would fail for every RDS server. */
    if (!given->has_ca && verdict->ca == NULL) {
        return false;
    }
    if (!ria_option_file_write(
            maker, given->has_ca ? NULL : verdict->ca, verdict->chain_suffices, &text)) {
        ria_world_log(
            ria_process_world(),
            RIA_LOG_WARNING,
            "the path of the CA file in %s is too long or contains a control character; rename "
            "the file",
            verdict->ca_variable);
        return false;
    }
    const char *whole = ria_buf_text(&text);
    option_text = whole == NULL ? NULL : strdup(whole);
    return true;
}

static bool is_own_home(const char *variable)
{
    const char *value = tool_env(variable);
    return value != NULL && strcmp(value, OPTION_DIRECTORY) != 0;
}

/* Returns whether the user has set MYSQL_HOME, or MARIADB_HOME for a tool of MariaDB. The value
 * OPTION_DIRECTORY does not count, because the user has not set it: it was inherited from another
 * tool that has started this tool. */
static bool has_own_home(enum ria_tool_maker maker)
{
    return is_own_home("MYSQL_HOME") || (maker == RIA_TOOL_MARIADB && is_own_home("MARIADB_HOME"));
}

/* Makes the tool read the option file. Some releases of MariaDB's tools ignore MYSQL_HOME if
 * MARIADB_HOME is set, even to an empty value. So if MARIADB_HOME is set (has_own_home() then
 * ensures that its value is empty or OPTION_DIRECTORY), sets both variables. */
static bool set_home(enum ria_tool_maker maker)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): ria_world_env() returns NULL for an empty value. */
    bool has_mariadb_home = maker == RIA_TOOL_MARIADB && secure_getenv("MARIADB_HOME") != NULL;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
    return (!has_mariadb_home || setenv("MARIADB_HOME", OPTION_DIRECTORY, 1) == 0) &&
           /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
           setenv("MYSQL_HOME", OPTION_DIRECTORY, 1) == 0;
}

/* Finds the tool's server. If the arguments name a host, this is the tool's server, because the
 * arguments override every other source. If the arguments name no host, and the tool reads a source
 * that this file does not read, that source may name a host. In this case, leaves *given without a
 * host. */
static void find_server(
    int argc,
    char *const argv[],
    const struct ria_tool_arguments *arguments,
    enum ria_tool_maker maker,
    struct ria_tool_arguments *given)
{
    char path[PATH_MAX];
    if (ria_tool_reads_own_file(argv) && own_path(".my.cnf", path)) {
        read_file(path, argv[0], maker, given);
    }
    ria_tool_arguments_read(argc, argv, given);
    if (given->host == NULL && ria_tool_is_interactive(argv[0])) {
        given->host = tool_env("MYSQL_HOST");
    }
    if (arguments->host == NULL && tool_has_other_source(given, maker)) {
        given->host = NULL;
    }
}

/* Warns if the first argument makes the tool ignore the option file in memory, unless the arguments
 * or the file of --defaults-file set what that file would set: the CA, and whether the server's
 * name is verified. */
static void warn_of_ignored_file(
    char *const argv[],
    enum ria_tool_maker maker,
    const struct ria_host_verdict *verdict,
    const struct ria_tool_arguments *given)
{
    struct ria_tool_arguments named = *given;
    bool is_read = ria_tool_reads_own_file(argv);
    const char *equals = is_read ? NULL : strchr(argv[1], '=');
    if (equals != NULL) {
        read_file(equals + 1, argv[0], maker, &named);
    }
    bool is_chain_enough = maker == RIA_TOOL_MARIADB && verdict->chain_suffices;
    bool is_complete = named.has_ca && (named.sets_verification || is_chain_enough);
    if (is_read || is_complete || named.is_tls_off) {
        return;
    }
    ria_world_log(
        ria_process_world(),
        RIA_LOG_WARNING,
        "the server%s, because %.*s makes the tool ignore what rds-iam exec sets; %s",
        named.has_ca ? "'s host name may not be verified" : " is not verified",
        (int)strcspn(argv[1], "="),
        argv[1],
        equals == NULL ? "remove it" : "write --defaults-extra-file instead");
}

void ria_tool_options_read(int argc, char *const argv[], struct ria_tool_file *out)
{
    struct ria_tool_arguments arguments = {0};
    struct ria_tool_arguments given = {0};
    struct ria_host_verdict verdict = {0};
    enum ria_tool_maker maker = read_maker();
    *out = (struct ria_tool_file){0};
    if (maker == RIA_TOOL_UNKNOWN || has_own_home(maker)) {
        return;
    }
    ria_tool_arguments_read(argc, argv, &arguments);
    find_server(argc, argv, &arguments, maker, &given);
    if (!given.is_tls_off && tool_is_over_tcp(&given, maker, arguments.port != NULL)) {
        check_tool_host(&given, maker, &verdict);
    }
    if (!verdict.is_ours || !make_option_text(&given, maker, &verdict)) {
        return;
    }
    warn_of_ignored_file(argv, maker, &verdict, &given);
    if (option_text != NULL && set_home(maker)) {
        *out = (struct ria_tool_file){OPTION_DIRECTORY "/my.cnf", open_option_text};
    } else {
        log_no_file("memory ran out; start the tool again");
    }
}
