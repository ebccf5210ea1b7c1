/* SPDX-License-Identifier: MIT
 *
 * Reads a file's facts, recognizes file systems whose facts may be old, and replaces a file.
 *
 * The owner and the mode come from fstat() or stat(). The access control list is read only if the
 * mode lets the group write, because a list cannot give more rights than the group bits of the
 * mode. Few files let the group write. Only the error message for a file that others can write
 * depends on the type of the file system. So the type is read only if the mode lets the group or
 * others write.
 *
 * To replace a file, the new contents are written to a new file in the same directory, without
 * following a link, and rename() puts the new file in place. On failure the new file is removed, so
 * that no partial file stays behind.
 */
#include "base/file.h"

#include "base/text.h"
#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum {
    ACL_MAX = 1028 /* 128 entries; a longer list is treated as unreadable */
};

static const char acl_name[] = "system.posix_acl_access";

/* Parses the access control list. `len` is the return value of fgetxattr() or getxattr(): the
 * length of the list, or -1 with errno set. An error number that only means that the file has no
 * list is not treated as a failure. */
static void file_set_acl(const void *bytes, ssize_t len, uid_t user, struct ria_file *out)
{
    if (len >= 0) {
        ria_acl_read(bytes, (size_t)len, user, out);
    } else if (errno != ENODATA && errno != ENOTSUP && errno != ENOSYS && errno != EPERM) {
        out->acl = (struct ria_acl){.is_present = true, .is_unreadable = true};
    }
}

static void file_set_file_system(const struct statfs *status, struct ria_file *out)
{
    enum {
        READ_ONLY = 1 /* ST_RDONLY of statvfs(3); statfs(2) uses the same bit */
    };
    out->file_system = (uint32_t)status->f_type;
    out->is_read_only = (status->f_flags & READ_ONLY) != 0;
}

/* Reads the access control list and the type of the file system. Uses the descriptor if `path` is
 * NULL, else the path. The function is not inlined, because inlining would put the function's
 * buffer on the stack of every login. */
__attribute__((noinline)) static void read_acl_and_file_system(
    int fd, const char *path, struct ria_file *out)
{
    char bytes[ACL_MAX];
    struct statfs status;
    if ((out->mode & S_IWGRP) != 0) {
        ssize_t len = path == NULL ? fgetxattr(fd, acl_name, bytes, sizeof(bytes))
                                   : getxattr(path, acl_name, bytes, sizeof(bytes));
        file_set_acl(bytes, len, geteuid(), out);
    }
    if ((path == NULL ? fstatfs(fd, &status) : statfs(path, &status)) == 0) {
        file_set_file_system(&status, out);
    }
}

static int64_t nanoseconds(const struct timespec *time)
{
    return ((int64_t)time->tv_sec * 1000000000) + time->tv_nsec;
}

/* Returns whether the next change of the file will give the file a new time stamp. The kernel takes
 * a time stamp from its last tick, which is up to 10 ms old (CONFIG_HZ=100). File systems without
 * fractions of a second have steps of up to 2 s (FAT). Returns false for a file whose time stamp is
 * in the future. */
static bool is_settled(const struct stat *status)
{
    static const int64_t fine = 20 * 1000000LL;
    static const int64_t coarse = 3 * 1000000000LL;
    struct timespec now = {0};
    /* The time of the kernel's last tick, from which the time stamps are also taken. */
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    bool has_fraction = status->st_ctim.tv_nsec != 0 || status->st_mtim.tv_nsec != 0;
    return nanoseconds(&now) - nanoseconds(&status->st_ctim) > (has_fraction ? fine : coarse);
}

/* Fills *out from the result of fstat() or stat(). `path` is NULL for a descriptor. */
static void file_set_facts(
    int fd, const char *path, const struct stat *status, struct ria_file *out)
{
    *out = (struct ria_file){
        .owner = status->st_uid,
        .group = status->st_gid,
        .mode = status->st_mode,
        .stamp = {
            .device = status->st_dev,
            .inode = status->st_ino,
            .size = status->st_size,
            .modified = nanoseconds(&status->st_mtim),
            .changed = nanoseconds(&status->st_ctim),
            .is_settled = is_settled(status),
        }};
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        read_acl_and_file_system(fd, path, out);
    }
}

bool ria_file_facts(int fd, struct ria_file *out)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return false;
    }
    file_set_facts(fd, NULL, &status, out);
    return true;
}

bool ria_file_is_private(int fd, mode_t kind)
{
    struct ria_file facts;
    return ria_file_facts(fd, &facts) && (facts.mode & S_IFMT) == kind &&
           ria_trust_is_private(&facts, geteuid());
}

bool ria_file_facts_at(const char *path, struct ria_file *out)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return false;
    }
    file_set_facts(-1, path, &status, out);
    return true;
}

static bool same_acl(const struct ria_acl *a, const struct ria_acl *b)
{
    return a->is_present == b->is_present && a->is_unreadable == b->is_unreadable &&
           a->group_writes == b->group_writes && a->has_writer == b->has_writer &&
           a->writer_is_group == b->writer_is_group && a->writer == b->writer;
}

bool ria_file_same_facts(const struct ria_file *a, const struct ria_file *b)
{
    const struct ria_stamp *x = &a->stamp;
    const struct ria_stamp *y = &b->stamp;
    return x->device == y->device && x->inode == y->inode && x->size == y->size &&
           x->modified == y->modified && x->changed == y->changed && x->version == y->version &&
           a->owner == b->owner && a->group == b->group && a->mode == b->mode &&
           same_acl(&a->acl, &b->acl);
}

/* -- file systems with old facts -------------------------------------------------------------- */

/* Magic numbers from linux/magic.h, and from the sources of file systems that this header does not
 * list. */
static const uint32_t remote_types[] = {
    0x00006969, /* NFS */
    0xff534d42, /* CIFS */
    0xfe534d42, /* SMB */
    0x0000517b, /* SMB */
    0x65735546, /* FUSE: sshfs, virtiofs, and most user-space clients of a server */
    0x01021997, /* 9p, drvfs */
    0x53464846, /* drvfs of WSL 1 */
    0x5346414f, /* AFS */
    0x6b414653, /* AFS of the kernel */
    0x00c36400, /* Ceph */
    0x0bd00bd0, /* Lustre */
    0x47504653, /* GPFS */
    0x19830326, /* BeeGFS */
    0xaad7aaea, /* PanFS */
    0x20030528, /* OrangeFS */
    0x01161970, /* GFS2 */
    0x7461636f, /* OCFS2 */
    0xbeefdead, /* StorNext */
    0x73757245, /* Coda */
    0x0000564c, /* NCP */
    0x786f4256, /* VirtualBox */
    0xbacbacbc, /* VMware */
    0x7c7c6673, /* Parallels */
};

bool ria_file_is_remote_type(uint32_t type)
{
    for (size_t i = 0; i < sizeof(remote_types) / sizeof(remote_types[0]); i++) {
        if (remote_types[i] == type) {
            return true;
        }
    }
    return false;
}

/* Replaces a path by the path of its directory. Returns false, with the path unchanged, for "/" and
 * ".". */
static bool cut_last_name(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        bool is_name = strcmp(path, ".") != 0;
        memcpy(path, ".", sizeof("."));
        return is_name;
    }
    bool is_root = slash[1] == '\0' && slash == path;
    slash[slash == path ? 1 : 0] = '\0';
    return !is_root;
}

bool ria_file_is_remote(const char *path)
{
    enum {
        ROOM = 512
    };
    char at[ROOM];
    struct statfs status;
    if (!ria_text_copy(at, sizeof(at), path)) {
        return true;
    }
    int result = statfs(at, &status);
    while (result != 0 && (errno == ENOENT || errno == ENOTDIR) && cut_last_name(at)) {
        result = statfs(at, &status);
    }
    return result != 0 || ria_file_is_remote_type((uint32_t)status.f_type);
}

/* -- replacing a file ------------------------------------------------------------------------ */

int ria_file_create_at(int directory, const char *name, mode_t mode)
{
    (void)unlinkat(directory, name, 0);
    return openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

bool ria_file_fill(int fd, const void *bytes, size_t len)
{
    return ria_file_fill_from(fd, 0, bytes, len);
}

bool ria_file_fill_from(int fd, off_t at, const void *bytes, size_t len)
{
    const char *from = bytes;
    size_t done = 0;
    while (done < len) {
        ssize_t more = pwrite(fd, from + done, len - done, at + (off_t)done);
        if (more < 0 && errno != EINTR) {
            int saved = errno;
            (void)!ftruncate(fd, 0);
            errno = saved;
            return false;
        }
        done += more < 0 ? 0 : (size_t)more;
    }
    return ftruncate(fd, at + (off_t)len) == 0;
}

bool ria_file_put_at(int directory, const char *fresh, const char *name)
{
    if (renameat(directory, fresh, directory, name) == 0) {
        return true;
    }
    int error = errno;
    (void)unlinkat(directory, fresh, 0);
    errno = error;
    return false;
}

/* Syncs the directory. An error is ignored, because the file was already replaced and no data is
 * lost. */
static void sync_directory(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

/* Removes the access control list that the new file inherited from the directory's default list.
 * The inherited list could give access to users to whom `mode` gives no access. */
static bool remove_acl(int fd)
{
    return fremovexattr(fd, acl_name) == 0 || errno == ENODATA || errno == ENOTSUP ||
           errno == ENOSYS;
}

/* Writes the new file. If has_owner is set, a failure of fchown() is not an error: the file then
 * keeps the owner and the group of this process. */
static bool write_fresh(const struct ria_replacement *what, int fd, const void *bytes, size_t len)
{
    if (what->has_owner) {
        (void)!fchown(fd, what->owner, what->group);
    }
    if (what->is_exact && (fchown(fd, what->owner, what->group) != 0 || !remove_acl(fd) ||
                           fchmod(fd, what->mode) != 0)) {
        return false;
    }
    return ria_file_fill(fd, bytes, len) && (!what->is_synced || fsync(fd) == 0);
}

/* Returns whether the file is still the version on which the new contents are based. Otherwise sets
 * errno to ESTALE. */
static bool is_expected(const struct ria_replacement *what)
{
    struct stat now;
    const struct ria_stamp *old = what->expected;
    if (old == NULL ||
        (fstatat(what->directory, what->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
         now.st_dev == old->device && now.st_ino == old->inode && now.st_size == old->size &&
         nanoseconds(&now.st_mtim) == old->modified && nanoseconds(&now.st_ctim) == old->changed)) {
        return true;
    }
    errno = ESTALE;
    return false;
}

/* Renames the new file to `name`. Fails with EEXIST if a file called `name` exists. On a file
 * system that does not support RENAME_NOREPLACE, creates a hard link called `name` and removes the
 * name `fresh`. */
static bool put_new(int directory, const char *fresh, const char *name)
{
    enum {
        NO_REPLACE = 1 /* RENAME_NOREPLACE of linux/fs.h */
    };
    /* This is a direct system call, because not every C library has the function renameat2(). */
    if (syscall(SYS_renameat2, directory, fresh, directory, name, NO_REPLACE) == 0) {
        return true;
    }
    bool ok =
        (errno == EINVAL || errno == ENOSYS) && linkat(directory, fresh, directory, name, 0) == 0;
    int error = errno;
    (void)unlinkat(directory, fresh, 0);
    errno = error;
    return ok;
}

bool ria_file_replace(const struct ria_replacement *what, const void *bytes, size_t len)
{
    int fd = ria_file_create_at(what->directory, what->fresh, what->mode);
    if (fd < 0) {
        return false;
    }
    bool ok = write_fresh(what, fd, bytes, len) && is_expected(what);
    int error = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        error = errno;
    }
    if (!ok || what->name == NULL) {
        (void)unlinkat(what->directory, what->fresh, 0);
        errno = error;
        return ok;
    }
    ok = what->is_new ? put_new(what->directory, what->fresh, what->name)
                      : ria_file_put_at(what->directory, what->fresh, what->name);
    if (ok && what->is_synced) {
        sync_directory(what->directory);
    }
    return ok;
}
