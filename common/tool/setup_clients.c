/* SPDX-License-Identifier: MIT
 *
 * Finds the MySQL client programs and libraries of this machine. Searches each file for strings
 * that show which client library the file contains. Runs no program. */
#include "tool/setup_clients.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- client libraries ----------------------------------------------------------------------- */

/* The MySQL client library that a program file contains, and whether the library loads a plugin of
 * rds-iam. rds-iam setup does not run the program, but searches the file for strings. Each library
 * contains the name of an environment variable that no other library reads. If a plugin is built
 * into the library, the file contains the plugin's name with a zero byte before and after it. */
enum client_library {
    LIBRARY_LOADS,    /* MariaDB Connector/C that loads mysql_clear_password.so */
    LIBRARY_BUILT_IN, /* MariaDB Connector/C with mysql_clear_password built in */
    LIBRARY_ORACLE,   /* libmysqlclient */
    LIBRARY_NONE, /* the file contains no library: it is a script, or a program that is linked with
                     a shared library */
    LIBRARY_UNREADABLE,
};

enum {
    SEEN_MAX = 64 /* the largest number of files that are inspected */
};

static const char *const programs[] = {
    "mariadb", "mariadb-dump", "mariadb-admin", "mysql", "mysqldump", "mydumper"};
static const char *const libraries[] = {
    "/usr/lib/*/libmariadb.so.3",
    "/usr/lib/libmariadb.so.3",
    "/usr/lib64/libmariadb.so.3",
    "/usr/lib/*/libmysqlclient.so.2[0-9]",
    "/usr/lib64/*/libmysqlclient.so.2[0-9]",
    "/usr/local/lib/*/libmariadb.so.3",
    "/usr/local/lib/libmariadb.so.3",
    "/home/linuxbrew/.linuxbrew/lib/libmariadb.so.3",
};

struct bytes {
    const void *at;
    size_t len;
};

#define HAS(file, text) (memmem((file).at, (file).len, text, sizeof(text)) != NULL)

static enum client_library setup_clients_classify(struct bytes file)
{
    if (HAS(file, "MARIADB_PLUGIN_DIR")) {
        return HAS(file, "\0mysql_clear_password") ? LIBRARY_BUILT_IN : LIBRARY_LOADS;
    }
    return HAS(file, "LIBMYSQL_PLUGIN_DIR") ? LIBRARY_ORACLE : LIBRARY_NONE;
}

static enum client_library library_of(const char *path)
{
    struct stat status;
    enum client_library library = LIBRARY_UNREADABLE;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return library;
    }
    errno = 0; /* not a regular file, unless a call below fails */
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        size_t len = (size_t)status.st_size;
        void *at = len == 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        library = len == 0 ? LIBRARY_NONE : library;
        if (at != MAP_FAILED) {
            library = setup_clients_classify((struct bytes){at, len});
            (void)munmap(at, len);
        }
    }
    (void)close(fd);
    return library;
}

static const char *const advice[] = {
    [LIBRARY_LOADS] = "loads the plugin: needs only the lines of rds-iam setup mysql",
    [LIBRARY_BUILT_IN] = "has mysql_clear_password built in: also needs default-auth=aws_rds_iam",
    [LIBRARY_ORACLE] = "is Oracle's: needs the lines of rds-iam setup mysql --program mysql",
    [LIBRARY_NONE] = "contains no MySQL client library",
    [LIBRARY_UNREADABLE] = "cannot be read",
};

/* Appends a line about a file. Replaces control characters in its path, so that the text remains
 * one line, which may be a comment in an option file. */
static void add_advice(
    const char *prefix, const char *path, enum client_library library, struct ria_buf *out)
{
    char shown[PATH_MAX];
    int error = errno; /* the reason, if the file cannot be read */
    (void)ria_text_copy(shown, sizeof(shown), path);
    ria_printable(shown);
    ria_buf_addf(out, "%s%s %s", prefix, shown, advice[library]);
    if (library == LIBRARY_UNREADABLE) {
        ria_buf_addf(out, ": %s", error == 0 ? "not a regular file" : strerror(error));
    }
    ria_buf_add_char(out, '\n');
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

/* Writes the path of the first file of this name in the directories of PATH. Returns false if no
 * directory contains it. */
static bool find_in_path(const char *path, const char *name, char out[PATH_MAX])
{
    while (path != NULL && *path != '\0') {
        size_t len = strcspn(path, ":");
        if (len > 0 && snprintf(out, PATH_MAX, "%.*s/%s", (int)len, path, name) < PATH_MAX &&
            access(out, X_OK) == 0 && is_file(out)) {
            return true;
        }
        path += len + (path[len] == ':' ? 1 : 0);
    }
    return false;
}

void ria_setup_add_client(const char *name, const char *path, struct ria_buf *out)
{
    char found[PATH_MAX];
    bool is_searched = strchr(name, '/') == NULL && !is_file(name);
    const char *file = is_searched && find_in_path(path, name, found) ? found : name;
    add_advice("", file, library_of(file), out);
}

/* -- the clients on this machine ------------------------------------------------------------ */

struct search {
    struct {
        dev_t device;
        ino_t inode;
    } seen[SEEN_MAX];
    size_t count;
    const char *prefix;
    bool is_for_exceptions;
    struct ria_buf *out;
};

/* Returns true if the file has not been inspected yet. On most systems, mysql and mariadb are the
 * same file. Returns false if the table of files is full. */
static bool is_new(struct search *search, const struct stat *status)
{
    for (size_t i = 0; i < search->count; i++) {
        if (search->seen[i].device == status->st_dev && search->seen[i].inode == status->st_ino) {
            return false;
        }
    }
    if (search->count == SEEN_MAX) {
        return false;
    }
    search->seen[search->count].device = status->st_dev;
    search->seen[search->count].inode = status->st_ino;
    search->count++;
    return true;
}

static void setup_clients_inspect(struct search *search, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || !is_new(search, &status)) {
        return;
    }
    enum client_library library = library_of(path);
    bool is_usual = library == LIBRARY_LOADS || library == LIBRARY_UNREADABLE;
    if (library != LIBRARY_NONE && !(search->is_for_exceptions && is_usual)) {
        add_advice(search->prefix, path, library, search->out);
    }
}

static void search_path(struct search *search, const char *at, const char *name)
{
    while (at != NULL && *at != '\0') {
        char path[PATH_MAX];
        size_t len = strcspn(at, ":");
        if (len > 0 &&
            snprintf(path, sizeof(path), "%.*s/%s", (int)len, at, name) < (int)sizeof(path)) {
            setup_clients_inspect(search, path);
        }
        at += len + (at[len] == ':' ? 1 : 0);
    }
}

static void search_pattern(struct search *search, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) {
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        setup_clients_inspect(search, found.gl_pathv[i]);
    }
    globfree(&found);
}

void ria_setup_add_clients(
    const char *path, bool is_for_exceptions, const char *prefix, struct ria_buf *out)
{
    struct search search = {.prefix = prefix, .is_for_exceptions = is_for_exceptions, .out = out};
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        search_path(&search, path, programs[i]);
    }
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        search_pattern(&search, libraries[i]);
    }
}
