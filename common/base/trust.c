/* SPDX-License-Identifier: MIT
 *
 * Checks who owns a file and which users can write it. The owner and the mode come from fstat() or
 * stat(). struct ria_file contains the access control list and the type of the file system only if
 * the mode lets the group or others write. If the mode does not let the group write, no list gives
 * the right to write, because the group bits are the mask of the list. Treats a list of an unknown
 * form as a list that lets others write.
 */
#include "base/trust.h"

#include "base/text.h"

#include <sys/stat.h>

/* -- access control lists ------------------------------------------------------------------- */

enum {
    ACL_HEADER = 4,
    ACL_ENTRY = 8,
    ACL_VERSION = 2,
    ACL_USER = 0x02,
    ACL_GROUP_OBJ = 0x04,
    ACL_GROUP = 0x08,
    ACL_MASK = 0x10,
    ACL_WRITE = 2,
};

struct acl_entry {
    unsigned tag;
    unsigned rights;
    uint32_t id;
};

/* Decodes an entry of an access control list. */
static struct acl_entry trust_read_entry(const uint8_t *at)
{
    return (struct acl_entry){
        .tag = at[0] | ((unsigned)at[1] << 8),
        .rights = at[2] | ((unsigned)at[3] << 8),
        .id = at[4] | ((uint32_t)at[5] << 8) | ((uint32_t)at[6] << 16) | ((uint32_t)at[7] << 24),
    };
}

/* Returns whether the group is group 0 or the private group of the user or of the owner. */
static bool is_accepted_group(const struct ria_file *file, uid_t user, gid_t group)
{
    return group == 0 || group == user || group == file->owner;
}

/* Returns whether the rule of base/trust.h lets the user or group of an entry write the file. */
static bool is_accepted(
    const struct ria_file *file, uid_t user, const struct acl_entry *entry, bool is_group)
{
    return is_group ? is_accepted_group(file, user, entry->id)
                    : entry->id == 0 || entry->id == user || entry->id == file->owner;
}

/* Updates file->acl for an entry that gives the right to write. The entry of the owning group sets
 * group_writes. The first entry of a user or group that is not accepted sets has_writer, and the
 * members that describe this user or group. Any other entry changes nothing. */
static void trust_add_entry(const struct acl_entry *entry, uid_t user, struct ria_file *file)
{
    struct ria_acl *acl = &file->acl;
    if ((entry->rights & ACL_WRITE) == 0) {
        return;
    }
    bool is_group = entry->tag == ACL_GROUP;
    if (entry->tag == ACL_GROUP_OBJ) {
        acl->group_writes = true;
    } else if (
        (is_group || entry->tag == ACL_USER) && !acl->has_writer &&
        !is_accepted(file, user, entry, is_group)) {
        acl->has_writer = true;
        acl->writer_is_group = is_group;
        acl->writer = entry->id;
    }
}

void ria_acl_read(const void *bytes, size_t len, uid_t user, struct ria_file *file)
{
    const uint8_t *at = bytes;
    file->acl = (struct ria_acl){.is_present = true};
    if (len < ACL_HEADER || (len - ACL_HEADER) % ACL_ENTRY != 0 || at[0] != ACL_VERSION ||
        at[1] != 0 || at[2] != 0 || at[3] != 0) {
        file->acl.is_unreadable = true;
        return;
    }
    bool mask_lets_write = true;
    for (size_t i = ACL_HEADER; i < len; i += ACL_ENTRY) {
        struct acl_entry entry = trust_read_entry(at + i);
        if (entry.tag == ACL_MASK) {
            mask_lets_write = (entry.rights & ACL_WRITE) != 0;
        } else {
            trust_add_entry(&entry, user, file);
        }
    }
    if (!mask_lets_write) {
        file->acl = (struct ria_acl){.is_present = true};
    }
}

/* -- who can write -------------------------------------------------------------------------- */

static bool everybody_writes(const struct ria_file *file)
{
    return (file->mode & S_IWOTH) != 0;
}

/* Returns whether the group of the file can write it and is not one of the accepted groups. */
static bool group_writes(const struct ria_file *file, uid_t user)
{
    bool has_right = file->acl.is_present ? file->acl.group_writes : (file->mode & S_IWGRP) != 0;
    return has_right && !is_accepted_group(file, user, file->group);
}

/* Returns whether the access control list lets another user or group write, or cannot be read. */
static bool list_widens(const struct ria_file *file)
{
    return file->acl.is_unreadable || file->acl.has_writer;
}

/* Describes in `out` which other users can write the file. Returns false if no other user can. */
static bool trust_describe(const struct ria_file *file, uid_t user, char *out, size_t size)
{
    const struct ria_acl *acl = &file->acl;
    out[0] = '\0';
    if (everybody_writes(file)) {
        (void)ria_text_copy(out, size, "every user can write it");
    } else if (group_writes(file, user)) {
        (void)ria_text_format(out, size, "all of group %u can write it", (unsigned)file->group);
    } else if (acl->is_unreadable) {
        (void)ria_text_copy(out, size, "it has an ACL that cannot be read");
    } else if (acl->has_writer) {
        (void)ria_text_format(
            out,
            size,
            "an ACL lets %s %u write it",
            acl->writer_is_group ? "group" : "user",
            (unsigned)acl->writer);
    }
    return out[0] != '\0';
}

/* Returns the command that takes the right to write away from other users. chmod g-w also clears
 * the write bit of the list's mask, so that no entry of the list lets a user or group write. */
static const char *command(const struct ria_file *file, uid_t user)
{
    bool by_group = group_writes(file, user) || list_widens(file);
    if (everybody_writes(file)) {
        return by_group ? "chmod go-w" : "chmod o-w";
    }
    return group_writes(file, user) ? "chmod g-w" : "setfacl -b";
}

/* -- where chmod does not help --------------------------------------------------------------- */

/* Magic numbers from linux/magic.h, and from the sources of file systems that this header does not
 * list. */
static const struct {
    uint32_t type;
    const char *name;
} one_mode_for_all[] = {
    {0x01021997, "9p, drvfs"},
    {0x53464846, "drvfs of WSL 1"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB"},
    {0x0000517b, "SMB"},
    {0x00004d44, "FAT"},
    {0x2011bab0, "exFAT"},
    {0x7366746e, "NTFS"},
    {0x5346544e, "NTFS"},
    {0x65735546, "FUSE"}, /* also fuseblk: ntfs-3g, exfat-fuse */
    {0x786f4256, "VirtualBox"},
    {0xbacbacbc, "VMware"},
    {0x7c7c6673, "Parallels"},
    {0x5dca2df5, "sdcardfs"},
    {0x00004244, "HFS"},
    {0xf995e849, "HPFS"},
    {0x00009660, "ISO 9660"},
    {0x15013346, "UDF"},
};

/* Returns why chmod may have no effect on the file, or NULL if chmod has an effect. */
static const char *why_no_chmod(const struct ria_file *file)
{
    for (size_t i = 0; i < sizeof(one_mode_for_all) / sizeof(one_mode_for_all[0]); i++) {
        if (one_mode_for_all[i].type == file->file_system) {
            return one_mode_for_all[i].name;
        }
    }
    return file->is_read_only ? "mounted read-only" : NULL;
}

/* -- the checks ------------------------------------------------------------------------------ */

bool ria_trust_is_foreign(const struct ria_file *file, uid_t user)
{
    return file->owner != 0 && file->owner != user;
}

bool ria_trust_is_private(const struct ria_file *file, uid_t user)
{
    return file->owner == user && (file->mode & (S_IRWXG | S_IRWXO)) == 0;
}

bool ria_trust_describe_writers(
    const struct ria_file *file, uid_t user, const char *path, char *out, size_t size)
{
    char who[64];
    out[0] = '\0';
    if (!trust_describe(file, user, who, sizeof(who))) {
        return false;
    }
    bool may_change = user == 0 || file->owner == user;
    (void)ria_text_format(
        out,
        size,
        "%s; %s: %s %s",
        who,
        may_change ? "run" : "its owner must run",
        command(file, user),
        path);
    return true;
}

bool ria_trust_check_writers(
    const struct ria_world *world,
    const struct ria_file *file,
    const struct ria_trusted *what,
    struct ria_error *err)
{
    char text[RIA_ERROR_TEXT_MAX];
    if ((file->mode & (S_IWGRP | S_IWOTH)) == 0) {
        return true; /* only the owner can write the file */
    }
    uid_t user = world->uid(world->self);
    if (!trust_describe(file, user, text, sizeof(text))) {
        return true;
    }
    const char *why = why_no_chmod(file);
    if (why != NULL) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s: %s, and chmod may have no effect on its file system (%s); copy it to another "
            "file system and name the copy: %s",
            what->path,
            text,
            why,
            what->named_by);
    }
    (void)ria_trust_describe_writers(file, user, what->path, text, sizeof(text));
    return ria_fail(err, RIA_E_CONFIG, "%s: %s", what->path, text);
}

void ria_trust_own_remedy(uid_t user, const struct ria_trusted *what, char *out, size_t size)
{
    (void)ria_text_format(
        out,
        size,
        "run: chown %u %s, or copy it and name the copy: %s",
        (unsigned)user,
        what->path,
        what->named_by);
}

bool ria_trust_check(
    const struct ria_world *world,
    const struct ria_file *file,
    const struct ria_trusted *what,
    struct ria_error *err)
{
    uid_t user = world->uid(world->self);
    if (ria_trust_is_foreign(file, user)) {
        char remedy[RIA_ERROR_TEXT_MAX];
        char text[2 * RIA_ERROR_TEXT_MAX];
        ria_trust_own_remedy(user, what, remedy, sizeof(remedy));
        ria_trust_warning(file, what->path, remedy, text, sizeof(text));
        return ria_fail(err, RIA_E_CONFIG, "%s", text);
    }
    return ria_trust_check_writers(world, file, what, err);
}

void ria_trust_warning(
    const struct ria_file *file, const char *path, const char *consequence, char *out, size_t size)
{
    (void)ria_text_format(
        out,
        size,
        "%s: belongs to uid %u, neither to root nor to you; %s",
        path,
        (unsigned)file->owner,
        consequence);
}

enum ria_outcome ria_trust_read(
    const struct ria_world *world,
    const struct ria_trusted *what,
    struct ria_buf *out,
    struct ria_file *file,
    struct ria_error *err)
{
    *file = (struct ria_file){0};
    enum ria_outcome outcome = ria_world_read(world, what->path, out, file, err);
    if (outcome == RIA_FOUND && !ria_trust_check_writers(world, file, what, err)) {
        ria_buf_clear(out);
        return RIA_FAILED;
    }
    return outcome;
}
