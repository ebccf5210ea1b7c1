/* SPDX-License-Identifier: MIT
 *
 * Examines each file in the agent's directory, reads its first line, and removes the file if it is
 * a leftover of an earlier agent. Does not change any other file. ria_leftovers_may_replace() does
 * not open an empty file, because the file may be leased. The open would then fail, and the kernel
 * would send the lease's signal to the holder of the lease, as if a client waited. */
#include "agent/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_MAX_SIZE = 2 * RIA_TOKEN_TEXT_MAX /* room for the names and a token, with backslashes */
};

/* Returns true if the file's first line contains a token. Reads the whole line, because the
 * signature is the token's last parameter. */
static bool begins_with_token(int fd)
{
    RIA_AUTO(buf) text = {.max = LINE_MAX_SIZE};
    char *room = ria_buf_reserve(&text, LINE_MAX_SIZE);
    ssize_t len = room == NULL ? -1 : pread(fd, room, LINE_MAX_SIZE, 0);
    if (len <= 0) {
        return false;
    }
    ria_buf_grown(&text, (size_t)len);
    const char *end = memchr(text.data, '\n', text.len);
    size_t line = end == NULL ? text.len : (size_t)(end - text.data);
    return memmem(text.data, line, ":*:", 3) != NULL && ria_line_has_token(text.data, line);
}

static bool is_left_over(int fd)
{
    struct stat status;
    return ria_file_is_private(fd, S_IFREG) && fstat(fd, &status) == 0 && status.st_nlink == 1 &&
           begins_with_token(fd);
}

static int leftovers_open_file(const struct ria_directory *directory, const char *name)
{
    return openat(directory->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void sweep_file(const struct ria_directory *directory, const char *name)
{
    int fd = leftovers_open_file(directory, name);
    if (fd < 0) {
        return;
    }
    if (is_left_over(fd)) {
        ria_directory_remove(directory, name);
    }
    (void)close(fd);
}

void ria_leftovers_remove(const struct ria_directory *directory)
{
    int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (entries == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return;
    }
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        sweep_file(directory, entry->d_name);
    }
    (void)closedir(entries);
}

/* Does not open an empty file: see the comment at the top. */
bool ria_leftovers_may_replace(
    const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    struct stat status;
    if (fstatat(directory->fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode) || status.st_nlink != 1 || status.st_size == 0) {
        return true;
    }
    int fd = leftovers_open_file(directory, name);
    bool is_own = fd >= 0 && begins_with_token(fd);
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_own || ria_fail(
                         err,
                         RIA_E_CONFIG,
                         "%s/%s: contains lines that the agent did not write; move it or name "
                         "another passfile",
                         directory->path,
                         name);
}
