/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup ca: fills the CA store. Downloads Amazon's bundle or reads a bundle from disk,
 * checks every certificate in it, and replaces each file of the store atomically. Rejects a bundle
 * that is cut off, and a bundle with a certificate that is not a valid root of Amazon RDS. Unless
 * --force is given, also rejects a bundle that lacks a root which the installed bundle contains and
 * which has not expired. If a bundle is rejected, the store is unchanged. If the store is root's,
 * gives every user the right to read it. */
#include "cli/command_line.h"
#include "tool/ca_bundle.h"
#include "tool/ca_store.h"
#include "tool/tool.h"
#include "tool/user_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ca_setup {
    const struct ria_world *world;
    const char *partition;
    const char *file;
    bool is_forced;
    int64_t now;
    char directory[RIA_CA_PATH_SIZE];
    int fd; /* descriptor of the directory, which is locked */
    struct ria_error err;
};

static const struct ria_option options[] = {
    {"partition",
     "NAME",
     "download the bundle of aws (the default), aws-us-gov or aws-cn",
     RIA_VALUE(struct ca_setup, partition)},
    {"file",
     "FILE",
     "install this bundle instead of downloading one",
     RIA_VALUE(struct ca_setup, file)},
    {"force",
     NULL,
     "install a bundle that lacks a root of the installed bundle",
     RIA_FLAG(struct ca_setup, is_forced)},
};

static const struct ria_syntax setup_ca_syntax = {
    .usage = "rds-iam setup ca [--partition NAME | --file FILE] [--force]\n",
    .about = "Installs the root certificates with which clients verify the servers of RDS: for\n"
             "root in /etc/rds-iam, for any other user in ~/.config/rds-iam. rds-iam exec uses\n"
             "these certificates.\n",
    .notes = "On a machine that cannot download, give --file a copy of Amazon's bundle:\n"
             "  https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem\n",
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
};

/* -- the new bundle -------------------------------------------------------------------------- */

static bool get_bundle(struct ca_setup *setup, struct ria_buf *pem, const char **name)
{
    if (setup->file == NULL) {
        struct ria_deadline deadline = ria_deadline_in(setup->world, RIA_INTERACTIVE_BUDGET_MS);
        *name = "the bundle";
        return ria_trust_bundle_fetch(setup->partition, deadline, setup->world, pem, &setup->err);
    }
    *name = setup->file;
    enum ria_outcome outcome =
        setup->world->read_file(setup->world->self, setup->file, pem, NULL, &setup->err);
    return outcome == RIA_FOUND;
}

/* -- the directory --------------------------------------------------------------------------- */

/* Creates the last two components of the path, because both may be missing (~/.config/rds-iam), and
 * opens the directory. */
static bool make_store_directory(struct ca_setup *setup)
{
    char parent[RIA_CA_PATH_SIZE];
    mode_t mode = setup->world->uid(setup->world->self) == 0 ? 0755 : 0700;
    (void)ria_text_copy(parent, sizeof(parent), setup->directory);
    *strrchr(parent, '/') = '\0';
    (void)mkdir(parent, mode);
    (void)mkdir(setup->directory, mode);
    setup->fd = open(setup->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return setup->fd >= 0 || ria_fail(
                                 &setup->err,
                                 RIA_E_SYSTEM,
                                 "%s: cannot be created or opened: %s",
                                 setup->directory,
                                 strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
}

static bool check_directory_owner(struct ca_setup *setup)
{
    const struct ria_trusted what = {.path = setup->directory, .named_by = "XDG_CONFIG_HOME=COPY"};
    struct ria_file facts;
    return ria_file_facts(setup->fd, &facts)
               ? ria_trust_check(setup->world, &facts, &what, &setup->err)
               : ria_fail(&setup->err, RIA_E_SYSTEM, RIA_MESSAGE_UNKNOWN_OWNER, setup->directory);
}

static bool open_store(struct ca_setup *setup)
{
    bool is_locked = false; /* the files are replaced atomically, so a lock is not required */
    return ria_ca_store_directory(setup->world, setup->directory, &setup->err) &&
           make_store_directory(setup) && check_directory_owner(setup) &&
           ria_directory_lock(setup->fd, setup->directory, setup->world, &is_locked, &setup->err);
}

/* -- the installed bundle -------------------------------------------------------------------- */

/* Reads an installed file. If the file is absent or unreadable, leaves *pem empty. This is not a
 * failure, because the new file replaces the installed one. */
static void read_installed(const struct ca_setup *setup, enum ria_ca_kind kind, struct ria_buf *pem)
{
    char path[RIA_CA_PATH_SIZE];
    struct ria_error unused;
    if (!ria_text_format(path, sizeof(path), "%s/%s", setup->directory, ria_ca_store_names[kind]) ||
        setup->world->read_file(setup->world->self, path, pem, NULL, &unused) != RIA_FOUND) {
        ria_buf_clear(pem);
    }
}

/* Prints each installed root that is still valid and that `fresh` lacks. Returns the number of
 * these roots. */
static unsigned print_lost(
    const struct ca_setup *setup,
    const struct ria_ca_bundle *installed,
    const struct ria_ca_bundle *fresh)
{
    unsigned count = 0;
    for (size_t i = 0; i < installed->count; i++) {
        const X509 *root = ria_ca_bundle_get(installed, i);
        if (!ria_ca_has_expired(root, setup->now) && !ria_ca_bundle_has(fresh, root)) {
            char subject[RIA_CA_SUBJECT_SIZE];
            ria_ca_subject(root, subject);
            (void)ria_failure("not in the new bundle: %s", subject);
            count++;
        }
    }
    return count;
}

/* Unless --force is given, rejects a bundle that lacks a valid root of the installed bundle. With
 * such a bundle, clients would reject every server whose certificate chain ends at the missing
 * root. */
static bool check_lost(struct ca_setup *setup, const struct ria_ca_bundle *fresh)
{
    RIA_AUTO(buf) pem = {.max = RIA_CA_FILE_MAX};
    RIA_AUTO(ca_bundle) installed = {0};
    struct ria_error unused;
    read_installed(setup, RIA_CA_RDS, &pem);
    if (pem.len == 0 || !ria_ca_bundle_read(&pem, "the store", &installed, &unused)) {
        return true;
    }
    unsigned count = print_lost(setup, &installed, fresh);
    return count == 0 || setup->is_forced ||
           ria_fail(
               &setup->err,
               RIA_E_CONFIG,
               "the new bundle lacks %u root%s that %s/%s has; if that is intended, use --force",
               count,
               count == 1 ? "" : "s",
               setup->directory,
               ria_ca_store_names[RIA_CA_RDS]);
}

/* -- installing ------------------------------------------------------------------------------ */

/* Replaces a file of the store, unless the file already has this content. */
static bool install(struct ca_setup *setup, enum ria_ca_kind kind, const struct ria_buf *content)
{
    RIA_AUTO(buf) installed = {.max = RIA_CA_FILE_MAX};
    const struct ria_replacement what = {
        .directory = setup->fd,
        .name = ria_ca_store_names[kind],
        .fresh = kind == RIA_CA_RDS ? ".rds-ca.pem.new" : ".rds-ca-public.pem.new",
        .mode = 0644,
        .is_synced = true,
    };
    read_installed(setup, kind, &installed);
    if (content->failed) {
        return ria_fail(&setup->err, RIA_E_SYSTEM, RIA_REFUSAL_MEMORY);
    }
    if (installed.len == content->len && memcmp(installed.data, content->data, content->len) == 0) {
        return true;
    }
    return ria_file_replace(&what, content->data, content->len) ||
           ria_fail(
               &setup->err,
               RIA_E_SYSTEM,
               "%s/%s: cannot be written and is unchanged: %s",
               setup->directory,
               ria_ca_store_names[kind],
               strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
}

static bool install_rds(struct ca_setup *setup, const struct ria_ca_bundle *fresh)
{
    struct ria_ca_end first;
    char date[RIA_TIMESTAMP_EXTENDED_SIZE] = "";
    RIA_AUTO(buf) content = {.max = RIA_CA_FILE_MAX};
    if (!ria_ca_bundle_first_end(fresh, &first) || !ria_timestamp_format_extended(first.at, date)) {
        return ria_fail(
            &setup->err,
            RIA_E_CONFIG,
            "a certificate has no valid expiry date; use Amazon's bundle");
    }
    ria_ca_store_add_header(first.region, first.at, &content);
    ria_ca_bundle_write(fresh, &content);
    if (!install(setup, RIA_CA_RDS, &content)) {
        return false;
    }
    (void)printf(
        "%s/%s: %zu root%s of Amazon RDS; the roots of %s expire first, at %s\n",
        setup->directory,
        ria_ca_store_names[RIA_CA_RDS],
        fresh->count,
        fresh->count == 1 ? "" : "s",
        first.region,
        date);
    return true;
}

/* Installs those of Amazon's public roots that the system trusts. If the system trusts none of
 * them, only warns, because clients can verify instances and clusters without these roots. */
static bool install_public(struct ca_setup *setup)
{
    RIA_AUTO(ca_bundle) roots = {0};
    RIA_AUTO(buf) content = {.max = RIA_CA_FILE_MAX};
    if (!ria_ca_bundle_find_public(setup->now, &roots, &setup->err)) {
        return false;
    }
    if (roots.count == 0) {
        ria_world_log(
            setup->world,
            RIA_LOG_WARNING,
            "this system does not trust Amazon's public roots, so RDS Proxy and Aurora DSQL cannot "
            "be verified; install the package ca-certificates and run: rds-iam setup ca");
        return true;
    }
    ria_ca_bundle_write(&roots, &content);
    if (!install(setup, RIA_CA_PUBLIC, &content)) {
        return false;
    }
    (void)printf(
        "%s/%s: %zu public root%s of Amazon, for RDS Proxy and Aurora DSQL\n",
        setup->directory,
        ria_ca_store_names[RIA_CA_PUBLIC],
        roots.count,
        roots.count == 1 ? "" : "s");
    return true;
}

/* -- the rights of other users --------------------------------------------------------------- */

static bool cannot_share(struct ca_setup *setup, const char *path)
{
    return ria_fail(
        &setup->err,
        RIA_E_SYSTEM,
        "%s: other users cannot read it, and its mode cannot be changed: %s",
        path,
        strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
}

/* Adds the rights `wanted` to the mode of an open directory or file, and reports the change. */
static bool add_rights(struct ca_setup *setup, int fd, const char *path, mode_t wanted)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return cannot_share(setup, path);
    }
    unsigned old = status.st_mode & 07777;
    unsigned new = old | wanted;
    if (old == new) {
        return true;
    }
    if (fchmod(fd, new) != 0) {
        return cannot_share(setup, path);
    }
    (void)printf(
        "%s: changed the mode from %04o to %04o, so that every user can read it\n", path, old, new);
    return true;
}

/* Lets every user read a file of the store. The file may be absent. Does not change the mode of the
 * target of a symbolic link, because the target does not belong to the store. */
static bool share_file(struct ca_setup *setup, const char *name)
{
    char path[RIA_CA_PATH_SIZE];
    struct stat status;
    (void)ria_text_format(path, sizeof(path), "%s/%s", setup->directory, name);
    if (fstatat(setup->fd, name, &status, 0) != 0) {
        return errno == ENOENT || cannot_share(setup, path);
    }
    if ((status.st_mode & S_IROTH) != 0) {
        return true;
    }
    int fd = openat(setup->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return cannot_share(setup, path);
    }
    bool ok = add_rights(setup, fd, path, 0644);
    (void)close(fd);
    return ok;
}

/* Lets every user read root's store, which an earlier command under a strict umask may have
 * created, and prints who uses it. */
static bool share_store(struct ca_setup *setup)
{
    if (setup->world->uid(setup->world->self) != 0) {
        return true;
    }
    bool ok = add_rights(setup, setup->fd, setup->directory, 0755);
    for (size_t i = 0; ok && i < RIA_CA_KINDS; i++) {
        ok = share_file(setup, ria_ca_store_names[i]);
    }
    return ok && printf(
                     "%s: every user of this machine uses these files, except users with files of "
                     "their own in ~/.config/rds-iam\n",
                     setup->directory) > 0;
}

static bool setup_ca_run(struct ca_setup *setup)
{
    RIA_AUTO(buf) pem = {.max = RIA_CA_FILE_MAX};
    RIA_AUTO(ca_bundle) fresh = {0};
    const char *name = NULL;
    return get_bundle(setup, &pem, &name) && ria_ca_bundle_read(&pem, name, &fresh, &setup->err) &&
           ria_ca_bundle_check_rds(&fresh, name, setup->now, &setup->err) && open_store(setup) &&
           check_lost(setup, &fresh) && install_rds(setup, &fresh) && install_public(setup) &&
           share_store(setup);
}

int ria_setup_ca(int argc, char **argv, const struct ria_world *world)
{
    struct ca_setup setup = {.world = world, .fd = -1, .now = world->now(world->self)};
    int status = ria_options_parse(argc, argv, &setup_ca_syntax, &setup);
    if (status != RIA_CONTINUE) {
        return status;
    }
    if (setup.partition != NULL && setup.file != NULL) {
        return ria_usage(argv[0], "--partition and --file cannot be used together");
    }
    setup.partition = setup.partition == NULL ? "aws" : setup.partition;
    (void)umask(S_IWGRP | S_IWOTH); /* with a stricter umask, users could not read root's store */
    bool ok = setup_ca_run(&setup);
    if (setup.fd >= 0) {
        (void)close(setup.fd);
    }
    if (!ok) {
        (void)ria_failure("%s", setup.err.text);
        return setup.err.code == RIA_E_USAGE ? RIA_EXIT_USAGE : RIA_EXIT_FAILED;
    }
    return ria_print("");
}
