/* SPDX-License-Identifier: MIT
 *
 * Where the private directory is, and whether nobody else can be in it or put another one in its
 * place. */
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

/* Some file systems have one mode for all files, whatever a file is made with. One that cannot be
 * asked, being full, is asked at the first passfile. */
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
               "%s: its file system does not keep the mode 0600 of a file but makes it %04o, so it "
               "cannot keep tokens from others; name a directory of another one with --directory",
               path,
               (unsigned)mode);
}

static bool directory_open_check_directory(
    int fd, const char *path, const struct ria_world *world, struct ria_error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return ria_directory_fail(path, NULL, "cannot be looked at", err);
    }
    uid_t uid = world->uid(world->self);
    if (status.st_uid != uid) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "%s: belongs to uid %u and not to you (uid %u); name one of your own with --directory, "
            "such as %s/run",
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
            err, RIA_E_SYSTEM, "%s: others can enter it; type: chmod 700 %s", path, path);
    }
    return true;
}

/* The first line of a uid_map: where its range begins inside, where outside, how long it is. What
 * cannot be read maps all, and nobody is trusted for it. */
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

/* In a user namespace the host's root and everybody else who is not mapped look alike. */
static bool is_trusted_owner(const struct ria_file *facts, const struct ria_world *world)
{
    enum {
        UNMAPPED = 65534 /* of the kernel; /proc/sys/kernel/overflowuid */
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

/* A user who can rename a directory above can put another one in the place of this one, and a
 * client would read the passfiles in it. A sticky bit prevents that. */
static bool check_parent(
    const char *path, const char *parent, const struct ria_world *world, struct ria_error *err)
{
    char why[RIA_ERROR_TEXT_MAX] = "";
    struct ria_file facts;
    if (!ria_file_facts_at(parent, &facts)) {
        return ria_directory_fail(parent, NULL, "cannot be looked at", err);
    }
    if (!is_trusted_owner(&facts, world)) {
        (void)ria_text_format(
            why,
            sizeof(why),
            "it belongs to uid %u, neither to root nor to you",
            (unsigned)facts.owner);
    } else if ((facts.mode & S_ISVTX) == 0) {
        (void)ria_trust_describe_writers(&facts, world->uid(world->self), parent, why, sizeof(why));
    }
    return why[0] == '\0' || ria_fail(
                                 err,
                                 RIA_E_SYSTEM,
                                 "%s: others can replace what is in %s: %s%s, or name another "
                                 "directory with --directory",
                                 path,
                                 parent,
                                 why,
                                 (facts.mode & S_IWOTH) == 0
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

/* *made counts the directories that were not there. NULL: none is made. */
static bool make_directory(const char *path, unsigned *made, struct ria_error *err)
{
    if (made == NULL) {
        return true;
    }
    if (mkdir(path, S_IRWXU) == 0) {
        (*made)++;
        return true;
    }
    return errno == EEXIST || ria_directory_fail(path, NULL, "cannot be made", err);
}

/* Removes as many components from the end, as long as they are empty. */
static void unmake(const char *path, unsigned made)
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
    unmake(directory->path, directory->made);
}

static bool open_made(
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

/* Appends one component after the other to the base and makes it. */
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

/* HOME stays another user's in some shells of root's, who would make directories there that are in
 * that user's way. */
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

static bool make_usual(
    const struct ria_world *world, char path[PATH_MAX], unsigned *made, struct ria_error *err)
{
    struct ria_agent_directory usual;
    if (!ria_agent_find_directory(world, &usual)) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "neither XDG_RUNTIME_DIR nor HOME names a directory; name one with --directory");
    }
    return (usual.is_runtime || directory_open_check_home(usual.base, world, err)) &&
           make_below(usual.base, usual.below, path, made, err);
}

static bool check_is_there(const char *path, struct ria_error *err)
{
    struct stat status;
    if (stat(path, &status) == 0 || errno != ENOENT) {
        return true;
    }
    return ria_fail(
        err,
        RIA_E_SYSTEM,
        "%s: no agent serves it, for it is not there; start one: rds-iam-agent, or systemctl "
        "--user "
        "start rds-iam-agent",
        path);
}

bool ria_directory_open(
    const char *wanted,
    bool make,
    const struct ria_world *world,
    struct ria_directory *out,
    struct ria_error *err)
{
    char usual[PATH_MAX] = "";
    struct ria_directory directory = {.fd = -1, .lock = -1};
    const char *path = wanted != NULL ? wanted : usual;
    unsigned *made = make ? &directory.made : NULL;
    bool ok =
        wanted != NULL ? make_directory(path, made, err) : make_usual(world, usual, made, err);
    if (!ok || !(make || check_is_there(path, err)) || !open_made(path, world, &directory, err)) {
        ria_directory_release(&directory);
        unmake(path, directory.made);
        return false;
    }
    *out = directory;
    return true;
}
