/* SPDX-License-Identifier: MIT
 *
 * Gives the command-line tools of MariaDB and of Oracle's MySQL the options that verify an RDS
 * server. These tools contain their client library, so no function of it can be interposed. They do
 * read option files: MYSQL_HOME names a directory whose my.cnf they read before ~/.my.cnf. So in
 * the process of a tool that connects to an RDS host, a constructor sets MYSQL_HOME, and makes a
 * my.cnf exist there in the memory of this process (interpose/memory_file.h). What the user writes
 * into ~/.my.cnf or gives on the command line comes later and overrides it.
 *
 * The constructor runs before main(), when the process has one thread, so it may call setenv(). In
 * any other program it only compares the program's name. It sets nothing in a tool that connects to
 * another host or over a Unix socket, in a tool whose arguments turn TLS off, if the user has set
 * MYSQL_HOME, or in a program that runs with more privileges than its caller. A host that only an
 * option file names is not seen.
 *
 * Programs that the tool starts inherit the variable but not the file, so nothing changes for
 * them. */
#include "preload/host_module.h"
#include "preload/tool_arguments.h"

#include "base/ascii.h"
#include "interpose/memory_file.h"
#include "interpose/preload_log.h"

#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>
#include <unistd.h>

/* No such directory exists. */
#define OPTION_DIRECTORY RIA_PKGLIBDIR "/in-memory"

enum {
    OPTION_LINE_MAX = 4000, /* bytes of a line that both parsers of option files accept */
};

/* -- the maker of a tool ----------------------------------------------------------------------- */

enum maker {
    MAKER_UNKNOWN,
    MAKER_MARIADB,
    MAKER_ORACLE,
};

struct mark {
    const char *text; /* with its zero byte, a string constant of every tool of the maker */
    enum maker maker;
};

/* "client-mariadb" is a group of option files that only MariaDB's tools read. "VERIFY_IDENTITY" is
 * a value of ssl-mode, which Oracle's tools have since 5.7.11, and MariaDB's do not have. */
static const struct mark marks[] = {
    {"client-mariadb", MAKER_MARIADB},
    {"VERIFY_IDENTITY", MAKER_ORACLE},
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

/* For dl_iterate_phdr(), which passes the program itself first. */
static int find_maker(struct dl_phdr_info *program, size_t size, void *out)
{
    (void)size;
    enum maker *maker = out;
    for (size_t i = 0; *maker == MAKER_UNKNOWN && i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (has_mark(program, marks[i].text)) {
            *maker = marks[i].maker;
        }
    }
    return 1;
}

/* Both makers install tools with the names mysql, mysqldump and so on. */
static enum maker read_maker(void)
{
    enum maker maker = MAKER_UNKNOWN;
    (void)dl_iterate_phdr(find_maker, &maker);
    return maker;
}

/* -- the host ---------------------------------------------------------------------------------- */

static const char *tool_env(const char *name)
{
    const char *value = secure_getenv(name);
    return value == NULL || *value == '\0' ? NULL : value;
}

/* Returns whether the tool connects over TCP. Both makers' tools take "localhost" for a Unix
 * socket, unless the protocol is TCP. In MariaDB's tools since 10.6, a port selects TCP. */
static bool tool_is_over_tcp(const struct ria_tool_arguments *given, enum maker maker)
{
    bool is_tcp = given->protocol != NULL &&
                  strncasecmp(given->protocol, "tcp", strlen(given->protocol)) == 0;
    if (given->host == NULL || *given->host == '\0' || *given->host == '/' ||
        (given->protocol != NULL && !is_tcp)) {
        return false;
    }
    return is_tcp || strcmp(given->host, "localhost") != 0 ||
           (maker == MAKER_MARIADB && given->port != NULL);
}

static bool has_own_option_file(void)
{
    char path[OPTION_LINE_MAX];
    const char *home = tool_env("HOME");
    int len = home == NULL ? -1 : snprintf(path, sizeof(path), "%s/.my.cnf", home);
    return len > 0 && len < (int)sizeof(path) && access(path, F_OK) == 0;
}

static void check_tool_host(
    const struct ria_tool_arguments *given, enum maker maker, struct ria_host_verdict *out)
{
    const char *port = given->port != NULL ? given->port : tool_env("MYSQL_TCP_PORT");
    const struct ria_host_target target = {
        .host = given->host,
        .port = port == NULL ? 0 : ria_port_parse(port),
        .user = given->user,
        .is_mariadb = maker == MAKER_MARIADB,
        .lacks_ca = !given->has_ca && !has_own_option_file(),
    };
    ria_host_query(&target, out);
}

/* -- the option file --------------------------------------------------------------------------- */

/* Writes a path in quotes, with the escapes of an option file. Returns false if it does not fit, or
 * if it contains a control character, for which option files have no escape. */
static bool write_quoted(const char *path, char out[OPTION_LINE_MAX])
{
    size_t len = 0;
    out[len++] = '"';
    for (; *path != '\0' && len < OPTION_LINE_MAX - 4; path++) {
        if (ria_ascii_is_control(*path)) {
            return false;
        }
        if (*path == '"' || *path == '\\') {
            out[len++] = '\\';
        }
        out[len++] = *path;
    }
    out[len++] = '"';
    out[len] = '\0';
    return *path == '\0';
}

/* Returns the line that makes the tool verify the server. If the chain suffices, MariaDB's tools
 * need no line: they verify the chain if they have a CA, and 11.4 and later also the name. Oracle's
 * tools before 5.7.11 do not have the option. */
static const char *verification_line(enum maker maker, bool chain_suffices)
{
    if (maker == MAKER_ORACLE) {
        return "loose-ssl-mode=VERIFY_IDENTITY\n";
    }
    return chain_suffices ? "" : "ssl-verify-server-cert=1\n";
}

/* Returns the text of the option file, which is never freed; NULL if there is no text to add, or
 * after a warning. */
static const char *make_option_text(
    const struct ria_tool_arguments *given,
    enum maker maker,
    const struct ria_host_verdict *verdict)
{
    char line[OPTION_LINE_MAX];
    char *text = NULL;
    const char *verify = verification_line(maker, verdict->chain_suffices);
    /* Without a CA, verification fails for every RDS server. */
    if (given->has_ca) {
        return asprintf(&text, "[client]\n%s", verify) < 0 ? NULL : text;
    }
    if (verdict->ca == NULL) {
        return NULL;
    }
    if (!write_quoted(verdict->ca, line)) {
        ria_preload_log_warning("the path of the CA file (RDS_IAM_CA) is too long or contains a "
                                "control character; rename the file");
        return NULL;
    }
    return asprintf(&text, "[client]\nssl-ca=%s\n%s", line, verify) < 0 ? NULL : text;
}

/* Returns whether the user has set MYSQL_HOME. A tool that started this one may have set it to the
 * directory of its own option file. */
static bool has_own_home(void)
{
    const char *value = tool_env("MYSQL_HOME");
    return value != NULL && strcmp(value, OPTION_DIRECTORY) != 0;
}

static void give_options(const struct ria_tool_arguments *given)
{
    struct ria_host_verdict verdict;
    enum maker maker = read_maker();
    if (maker == MAKER_UNKNOWN || !tool_is_over_tcp(given, maker)) {
        return;
    }
    check_tool_host(given, maker, &verdict);
    const char *text = verdict.is_ours ? make_option_text(given, maker, &verdict) : NULL;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
    if (text != NULL && setenv("MYSQL_HOME", OPTION_DIRECTORY, 1) == 0) {
        ria_memory_file_create(OPTION_DIRECTORY "/my.cnf", text);
    }
}

/* glibc passes the arguments of main() to a constructor. Runs after the constructors of
 * common/interpose. */
__attribute__((constructor)) static void tool_options_at_start(int argc, char **argv)
{
    struct ria_tool_arguments given;
    if (!ria_tool_arguments_read(argc, argv, &given) || given.is_tls_off ||
        getauxval(AT_SECURE) != 0 || has_own_home()) {
        return;
    }
    int saved = errno;
    if (given.host == NULL && ria_tool_is_interactive(argv[0])) {
        given.host = tool_env("MYSQL_HOST");
    }
    give_options(&given);
    errno = saved;
}
