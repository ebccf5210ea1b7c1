/* SPDX-License-Identifier: MIT
 *
 * Finds the files of the CA store, and writes and reads the expiry time in their first line.
 * Rejects a file that another user can write or replace, because that user could decide which
 * servers get a token. */
#include "tool/ca_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    WARNING_SECONDS = 60 * 86400,
    FIRST_LINE_SIZE = 256,
};

const char *const ria_ca_store_names[RIA_CA_KINDS] = {"rds-ca.pem", "rds-ca-public.pem"};

static const char header_format[] = "# rds-iam setup ca: the roots of %s expire at %s\n";

/* Writes the path of the directory of the user's own store. Ignores XDG_CONFIG_HOME if it is not an
 * absolute path. Returns false if neither XDG_CONFIG_HOME nor the home directory is known, or if
 * the path does not fit. */
static bool user_directory(const struct ria_world *world, char out[RIA_CA_PATH_SIZE])
{
    const char *base = ria_world_env(world, "XDG_CONFIG_HOME");
    const char *home = ria_world_home(world);
    if (base != NULL && *base == '/') {
        return ria_text_format(out, RIA_CA_PATH_SIZE, "%s/rds-iam", base);
    }
    return home != NULL && ria_text_format(out, RIA_CA_PATH_SIZE, "%s/.config/rds-iam", home);
}

/* Returns why user_directory() has returned false. */
static const char *why_no_directory(const struct ria_world *world)
{
    const char *base = ria_world_env(world, "XDG_CONFIG_HOME");
    if (base != NULL && *base == '/') {
        return "XDG_CONFIG_HOME is too long";
    }
    return ria_world_home(world) == NULL ? "neither HOME nor XDG_CONFIG_HOME is set"
                                         : "the path of the home directory is too long";
}

bool ria_ca_store_directory(
    const struct ria_world *world, char out[RIA_CA_PATH_SIZE], struct ria_error *err)
{
    if (world->uid(world->self) == 0) {
        return ria_text_copy(out, RIA_CA_PATH_SIZE, RIA_CA_SYSTEM_DIRECTORY);
    }
    return user_directory(world, out) ||
           ria_fail(
               err,
               RIA_E_CONFIG,
               "no directory for the CA store: %s; set XDG_CONFIG_HOME to a directory",
               why_no_directory(world));
}

void ria_ca_store_searched(const struct ria_world *world, char out[RIA_CA_SEARCHED_SIZE])
{
    char directory[RIA_CA_PATH_SIZE];
    if (user_directory(world, directory)) {
        (void)ria_text_format(
            out, RIA_CA_SEARCHED_SIZE, "%s or " RIA_CA_SYSTEM_DIRECTORY, directory);
    } else {
        (void)ria_text_format(
            out, RIA_CA_SEARCHED_SIZE, RIA_CA_SYSTEM_DIRECTORY " (%s)", why_no_directory(world));
    }
}

/* Checks that only trusted users (base/trust.h) can write the directory of a file. Any other user
 * who can write the directory could replace the file before the clients open it. */
static bool check_directory_of(
    const struct ria_world *world, const char *path, struct ria_error *err)
{
    char directory[RIA_CA_PATH_SIZE];
    const struct ria_trusted what = {.path = directory, .named_by = "--ca COPY"};
    struct ria_file facts;
    (void)ria_text_copy(directory, sizeof(directory), path);
    *strrchr(directory, '/') = '\0';
    return ria_file_facts_at(directory, &facts)
               ? ria_trust_check(world, &facts, &what, err)
               : ria_fail(err, RIA_E_CONFIG, RIA_MESSAGE_UNKNOWN_OWNER, directory);
}

/* Checks that a file exists, can be read, and is not too large. If one of these conditions is not
 * met, opens the file to find the reason. Returns FOUND with *facts filled; ABSENT or FAILED like
 * ria_ca_store_find(). */
static enum ria_outcome read_facts_of(
    const struct ria_world *world, const char *path, struct ria_file *facts, struct ria_error *err)
{
    RIA_AUTO(buf) content = {.max = RIA_CA_FILE_MAX};
    if (world->read_facts(world->self, path, facts) && facts->stamp.size <= RIA_CA_FILE_MAX &&
        access(path, R_OK) == 0) {
        return RIA_FOUND;
    }
    return world->read_file(world->self, path, &content, facts, err);
}

/* Checks that a file exists and that only trusted users can write it and its directory. Returns
 * FOUND, ABSENT or FAILED like ria_ca_store_find(). */
static enum ria_outcome check_file_at(
    const struct ria_world *world, const char *path, struct ria_error *err)
{
    const struct ria_trusted what = {.path = path, .named_by = "--ca COPY"};
    struct ria_file facts;
    enum ria_outcome outcome = read_facts_of(world, path, &facts, err);
    if (outcome == RIA_FOUND &&
        (!ria_trust_check(world, &facts, &what, err) || !check_directory_of(world, path, err))) {
        return RIA_FAILED;
    }
    return outcome;
}

enum ria_outcome ria_ca_store_find(
    const struct ria_world *world,
    enum ria_ca_kind kind,
    char out[RIA_CA_PATH_SIZE],
    struct ria_error *err)
{
    char directory[RIA_CA_PATH_SIZE];
    const char *name = ria_ca_store_names[kind];
    enum ria_outcome outcome = RIA_ABSENT;
    if (user_directory(world, directory) &&
        ria_text_format(out, RIA_CA_PATH_SIZE, "%s/%s", directory, name)) {
        outcome = check_file_at(world, out, err);
    }
    if (outcome == RIA_ABSENT) {
        (void)ria_text_format(out, RIA_CA_PATH_SIZE, "%s/%s", RIA_CA_SYSTEM_DIRECTORY, name);
        outcome = check_file_at(world, out, err);
    }
    if (outcome == RIA_ABSENT) {
        *out = '\0';
    }
    return outcome;
}

bool ria_ca_store_path(
    const struct ria_world *world,
    enum ria_ca_kind kind,
    char out[RIA_CA_PATH_SIZE],
    bool *is_installed,
    struct ria_error *err)
{
    char directory[RIA_CA_PATH_SIZE];
    enum ria_outcome outcome = ria_ca_store_find(world, kind, out, err);
    *is_installed = outcome == RIA_FOUND;
    if (outcome != RIA_ABSENT) {
        return outcome == RIA_FOUND;
    }
    return ria_ca_store_directory(world, directory, err) &&
           (ria_text_format(out, RIA_CA_PATH_SIZE, "%s/%s", directory, ria_ca_store_names[kind]) ||
            ria_fail(err, RIA_E_CONFIG, "the path of the CA store is too long"));
}

void ria_ca_store_add_header(const char *region, int64_t at, struct ria_buf *out)
{
    char date[RIA_TIMESTAMP_EXTENDED_SIZE] = "";
    if (ria_timestamp_format_extended(at, date)) {
        ria_buf_addf(out, header_format, region, date);
    }
}

/* Reads the first line of an installed file. Returns false if that line is not the header of
 * ria_ca_store_add_header(). */
static bool read_header(const char *path, char region[64], char date[32])
{
    char line[FIRST_LINE_SIZE] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    line[len < 0 ? 0 : len] = '\0';
    return sscanf(line, "# rds-iam setup ca: the roots of %63s expire at %31s", region, date) == 2;
}

void ria_ca_store_warn(const struct ria_world *world, const char *path)
{
    char region[64];
    char date[32];
    int64_t end = 0;
    if (read_header(path, region, date) && ria_timestamp_parse(date, &end) &&
        end - world->now(world->self) < WARNING_SECONDS) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s: the root certificates of %s expire at %s; run: rds-iam setup ca",
            path,
            region,
            date);
    }
}
