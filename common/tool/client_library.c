/* SPDX-License-Identifier: MIT
 *
 * Both libraries name the environment variables that they read, and each has one of its own; a
 * plugin that is built in has its name in the file, with a 0 before and behind it. */
#include "tool/client_library.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SEEN_MAX = 64 /* files that are looked at */
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

static enum ria_client_library classify(struct bytes file)
{
    if (HAS(file, "MARIADB_PLUGIN_DIR")) {
        return HAS(file, "\0mysql_clear_password") ? RIA_LIBRARY_BUILT_IN : RIA_LIBRARY_LOADS;
    }
    return HAS(file, "LIBMYSQL_PLUGIN_DIR") ? RIA_LIBRARY_ORACLE : RIA_LIBRARY_NONE;
}

enum ria_client_library ria_client_library_of(const char *path)
{
    struct stat status;
    enum ria_client_library library = RIA_LIBRARY_UNREADABLE;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return library;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        size_t len = (size_t)status.st_size;
        void *at = len == 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        library = len == 0 ? RIA_LIBRARY_NONE : library;
        if (at != MAP_FAILED) {
            library = classify((struct bytes){at, len});
            (void)munmap(at, len);
        }
    }
    (void)close(fd);
    return library;
}

/* -- where they are ------------------------------------------------------------------------- */

struct search {
    int (*see)(const char *path, enum ria_client_library library, void *data);
    void *data;
    struct {
        dev_t device;
        ino_t inode;
    } seen[SEEN_MAX];
    size_t count;
    bool is_over;
};

/* mysql and mariadb are one file on most systems. */
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

static void look_at(struct search *search, const char *path)
{
    struct stat status;
    if (search->is_over || stat(path, &status) != 0 || !is_new(search, &status)) {
        return;
    }
    enum ria_client_library library = ria_client_library_of(path);
    if (library != RIA_LIBRARY_NONE) {
        search->is_over = search->see(path, library, search->data) != 0;
    }
}

static void look_in_path(struct search *search, const char *at, const char *name)
{
    while (at != NULL && *at != '\0') {
        char path[PATH_MAX];
        size_t len = strcspn(at, ":");
        if (len > 0 &&
            snprintf(path, sizeof(path), "%.*s/%s", (int)len, at, name) < (int)sizeof(path)) {
            look_at(search, path);
        }
        at += len + (at[len] == ':' ? 1 : 0);
    }
}

static void look_for(struct search *search, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) {
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        look_at(search, found.gl_pathv[i]);
    }
    globfree(&found);
}

void ria_client_library_each(
    const char *path,
    int (*see)(const char *path, enum ria_client_library library, void *data),
    void *data)
{
    struct search search = {.see = see, .data = data};
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        look_in_path(&search, path, programs[i]);
    }
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        look_for(&search, libraries[i]);
    }
}
