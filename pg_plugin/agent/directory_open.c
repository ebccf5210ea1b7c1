/* SPDX-License-Identifier: MIT
 *
 * Finds or creates the agent's directory, and checks that no other user can enter it or replace it.
 * Rejects a file system that does not store the mode 0600, and a HOME that the user should not use.
 */
#include "agent/directory.h"

#include "base/file.h"
#include "passfile/agent_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rejects a file system that does not store a file's mode; some file systems give every file the
 * same mode. If the test file cannot be created, as on a full disk, this check passes; creating the
 * first passfile then fails and reports the reason. */
static bool check_keeps_modes(int directory, const char *path, struct ria_error *err)
{
    static const char trial[] = ".mode.new";
    struct stat status = {.st_mode = S_IRUSR | S_IWUSR};
    int fd = ria_file_create_at(directory, trial, S_IRUSR | S_IWUSR);
    if (fd >= 0) {
        (void)fstat(fd, &status);
        (void)close(fd);
        (void)unlinkat(directory, trial, 0);
    }
    mode_t mode = status.st_mode & ALLPERMS;
    return mode == (S_IRUSR | S_IWUSR) ||
           ria_fail(
               err,
               RIA_E_SYSTEM,
               "%s: its file system changes a file's mode 0600 to %04o, so other users could read "
               "tokens; name a directory on another file system with --directory",
               path,
               (unsigned)mode);
}

static bool directory_open_check_directory(
    int fd, const char *path, const struct ria_world *world, struct ria_error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return ria_directory_fail(path, NULL, "cannot be checked", err);
    }
    uid_t uid = world->uid(world->self);
    if (status.st_uid != uid) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s: belongs to uid %u and not to you (uid %u); name a directory of your own with "
            "--directory, such as %s/run",
            path,
            (unsigned)status.st_uid,
            (unsigned)uid,
            path);
    }
    if (!check_keeps_modes(fd, path, err)) {
        return false;
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return ria_fail(
            err, RIA_E_SYSTEM, "%s: other users can enter it; run: chmod 700 %s", path, path);
    }
    return true;
}

/* Parses the first line of a uid_map: the start of the range inside the namespace, its start
 * outside, and its length. Returns true if the line maps every uid. Also returns true for a map
 * that is empty or cannot be parsed; the caller then trusts no unmapped owner. */
static bool maps_all(const char *map)
{
    char *rest = NULL;
    if (map == NULL) {
        return true;
    }
    (void)strtoul(map, &rest, 10);
    (void)strtoul(rest, &rest, 10);
    unsigned long length = strtoul(rest, NULL, 10);
    return length == 0 || length == UINT32_MAX;
}

/* Returns true if root or the user owns the file. In a user namespace, all users of the host that
 * the namespace does not map have the same uid, UNMAPPED, and these users may include root. So
 * UNMAPPED also counts as trusted, unless the namespace maps every uid: then UNMAPPED is an
 * ordinary user. */
static bool is_trusted_owner(const struct ria_file *facts, const struct ria_world *world)
{
    enum {
        UNMAPPED = 65534 /* the kernel's uid for unmapped users; /proc/sys/kernel/overflowuid */
    };
    if (!ria_trust_is_foreign(facts, world->uid(world->self))) {
        return true;
    }
    RIA_AUTO(buf) map = {.max = 4096};
    struct ria_error ignored;
    return facts->owner == UNMAPPED &&
           world->read_file(world->self, "/proc/self/uid_map", &map, NULL, &ignored) == RIA_FOUND &&
           !maps_all(ria_buf_text(&map));
}

/* Checks one parent directory. A user who can rename a directory in the parent could replace the
 * agent's directory, and clients would then read that user's passfiles. The sticky bit on the
 * parent prevents this. */
static bool check_parent(
    const char *path, const char *parent, const struct ria_world *world, struct ria_error *err)
{
    char why[RIA_ERROR_TEXT_MAX] = "";
    struct ria_file facts;
    if (!ria_file_facts_at(parent, &facts)) {
        return ria_directory_fail(parent, NULL, "cannot be checked", err);
    }
    bool is_trusted = is_trusted_owner(&facts, world);
    if (!is_trusted) {
        (void)ria_text_format(
            why,
            sizeof(why),
            "it belongs to uid %u, neither to root nor to you; change its owner",
            (unsigned)facts.owner);
    } else if ((facts.mode & S_ISVTX) == 0) {
        (void)ria_trust_describe_writers(&facts, world->uid(world->self), parent, why, sizeof(why));
    }
    return why[0] == '\0' || ria_fail(
                                 err,
                                 RIA_E_SYSTEM,
                                 "%s: other users can replace files in %s: %s%s, or name another "
                                 "directory with --directory",
                                 path,
                                 parent,
                                 why,
                                 !is_trusted || (facts.mode & S_IWOTH) == 0
                                     ? ""
                                     : ", or give it the sticky bit (in Kubernetes: emptyDir with "
                                       "medium: Memory)");
}

static bool check_parents(const char *path, const struct ria_world *world, struct ria_error *err)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    for (char *slash = strrchr(parent, '/'); slash != NULL; slash = strrchr(parent, '/')) {
        bool is_root = slash == parent;
        slash[is_root ? 1 : 0] = '\0';
        if (!check_parent(path, parent, world, err)) {
            return false;
        }
        if (is_root) {
            return true;
        }
    }
    return true;
}

/* Creates a directory unless it exists, and counts it in *made if it was created. With made ==
 * NULL, creates nothing. */
static bool make_directory(const char *path, unsigned *made, struct ria_error *err)
{
    if (made == NULL) {
        return true;
    }
    if (mkdir(path, S_IRWXU) == 0) {
        (*made)++;
        return true;
    }
    return errno == EEXIST || ria_directory_fail(path, NULL, "cannot be created", err);
}

/* Removes `made` components from the end of the path, as long as the directories are empty. */
static void remove_created(const char *path, unsigned made)
{
    char left[PATH_MAX];
    (void)snprintf(left, sizeof(left), "%s", path);
    for (unsigned i = 0; i < made && rmdir(left) == 0; i++) {
        char *slash = strrchr(left, '/');
        if (slash == NULL) {
            return;
        }
        *slash = '\0';
    }
}

void ria_directory_unmake(const struct ria_directory *directory)
{
    remove_created(directory->path, directory->made);
}

/* Opens and checks the directory, and fills `directory`. */
static bool open_and_check(
    const char *path,
    const struct ria_world *world,
    struct ria_directory *directory,
    struct ria_error *err)
{
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory->fd < 0) {
        return ria_directory_fail(path, NULL, "cannot be opened as a directory", err);
    }
    if (!directory_open_check_directory(directory->fd, path, world, err)) {
        return false;
    }
    if (realpath(path, directory->path) == NULL) {
        return ria_directory_fail(path, NULL, "cannot be resolved", err);
    }
    return check_parents(directory->path, world, err);
}

/* Writes base/below to `path`. Creates each component of `below`, unless `made` is NULL. */
static bool make_below(
    const char *base, const char *below, char path[PATH_MAX], unsigned *made, struct ria_error *err)
{
    size_t len = strlen(base);
    if (snprintf(path, PATH_MAX, "%s/%s", base, below) >= PATH_MAX) {
        return ria_fail(err, RIA_E_SYSTEM, "%.64s...: the path is too long", base);
    }
    for (char *slash = path + len; slash != NULL; slash = strchr(slash + 1, '/')) {
        char *end = strchrnul(slash + 1, '/');
        char after = *end;
        *end = '\0';
        bool ok = make_directory(path, made, err);
        *end = after;
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* Rejects a HOME that belongs to neither root nor the user, and the HOME / of a user other than
 * root. Some root shells retain the HOME of the user who started them. In such a shell, root would
 * create directories in that user's home that the user could not write. */
static bool directory_open_check_home(
    const char *home, const struct ria_world *world, struct ria_error *err)
{
    struct ria_file facts;
    if (strcmp(home, "/") == 0 && world->uid(world->self) != 0) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "HOME is /, where you have no directory of your own; set HOME, or name a directory "
            "with --directory");
    }
    if (!ria_file_facts_at(home, &facts) || is_trusted_owner(&facts, world)) {
        return true;
    }
    return ria_fail(
        err,
        RIA_E_SYSTEM,
        "%s: HOME belongs to uid %u and not to you (uid %u); set HOME, or name a directory with "
        "--directory",
        home,
        (unsigned)facts.owner,
        (unsigned)world->uid(world->self));
}

static bool make_default(
    const struct ria_world *world, char path[PATH_MAX], unsigned *made, struct ria_error *err)
{
    struct ria_agent_directory by_default;
    if (!ria_agent_find_directory(world, &by_default)) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "neither XDG_RUNTIME_DIR nor HOME names a directory; name one with --directory");
    }
    return (by_default.is_runtime || directory_open_check_home(by_default.base, world, err)) &&
           make_below(by_default.base, by_default.below, path, made, err);
}

static bool check_exists(const char *path, bool is_default, struct ria_error *err)
{
    struct stat status;
    if (stat(path, &status) == 0 || errno != ENOENT) {
        return true;
    }
    return ria_directory_fail_unserved(
        path, is_default, "the directory does not exist, so no agent serves it", err);
}

bool ria_directory_open(
    const char *requested,
    bool make,
    const struct ria_world *world,
    struct ria_directory *out,
    struct ria_error *err)
{
    char by_default[PATH_MAX] = "";
    struct ria_directory directory = {.fd = -1, .lock = -1, .is_default = requested == NULL};
    const char *path = requested != NULL ? requested : by_default;
    unsigned *made = make ? &directory.made : NULL;
    bool ok = requested != NULL ? make_directory(path, made, err)
                                : make_default(world, by_default, made, err);
    if (!ok || !(make || check_exists(path, directory.is_default, err)) ||
        !open_and_check(path, world, &directory, err)) {
        ria_directory_release(&directory);
        remove_created(path, directory.made);
        return false;
    }
    *out = directory;
    return true;
}
