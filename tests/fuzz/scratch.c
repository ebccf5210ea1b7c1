/* SPDX-License-Identifier: MIT
 *
 * Creates and removes the directory of scratch.h. Each file stays open, so that an execution only
 * replaces its contents. */
#include "scratch.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[PATH_MAX];
static struct scratch_file {
    char path[PATH_MAX];
    int fd;
} files[FUZZ_SCRATCH_FILES];

static void remove_directory(void)
{
    for (size_t i = 0; i < FUZZ_SCRATCH_FILES && files[i].path[0] != '\0'; i++) {
        (void)unlink(files[i].path);
        (void)close(files[i].fd);
    }
    (void)rmdir(directory);
}

const char *fuzz_scratch_directory(void)
{
    char cwd[PATH_MAX / 2];
    if (directory[0] == '\0') {
        fuzz_require(getcwd(cwd, sizeof(cwd)) != NULL);
        (void)snprintf(directory, sizeof(directory), "%s/fuzz-XXXXXX", cwd);
        fuzz_require(mkdtemp(directory) != NULL);
        (void)atexit(remove_directory);
    }
    return directory;
}

static struct scratch_file *find_file(const char *path)
{
    size_t i = 0;
    while (i < FUZZ_SCRATCH_FILES && files[i].path[0] != '\0' && strcmp(files[i].path, path) != 0) {
        i++;
    }
    fuzz_require(i < FUZZ_SCRATCH_FILES);
    if (files[i].path[0] == '\0') {
        (void)stpcpy(files[i].path, path);
        files[i].fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        fuzz_require(files[i].fd >= 0);
    }
    return &files[i];
}

const char *fuzz_scratch_write(const char *name, const struct ria_buf *bytes)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", fuzz_scratch_directory(), name);
    fuzz_require(len > 0 && len < (int)sizeof(path));
    const struct scratch_file *file = find_file(path);
    fuzz_require(ftruncate(file->fd, 0) == 0);
    fuzz_require(
        bytes->len == 0 || pwrite(file->fd, bytes->data, bytes->len, 0) == (ssize_t)bytes->len);
    return file->path;
}

void fuzz_scratch_environment(void)
{
    static const char *const unset[] = {
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN",
        "MARIADB_TLS_DISABLE_PEER_VERIFICATION",
        "MYSQL_PWD",
        "PGPASSFILE",
        "PGPASSWORD",
        "PGSERVICE",
        "PGSERVICEFILE",
        "PGSSLMODE",
        "RDS_IAM_CONFIG",
        "XDG_CONFIG_HOME",
    };
    for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++) {
        (void)unsetenv(unset[i]);
    }
    fuzz_require(
        setenv("HOME", fuzz_scratch_directory(), 1) == 0 && setenv("RDS_IAM_LOG", "0", 1) == 0 &&
        setenv("AWS_ACCESS_KEY_ID", FUZZ_KEY_ID, 1) == 0 &&
        setenv("AWS_SECRET_ACCESS_KEY", FUZZ_SECRET, 1) == 0);
}
