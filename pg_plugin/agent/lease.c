/* SPDX-License-Identifier: MIT
 *
 * The four calls, and the order that they must have. */
#include "agent/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char trial[] = "lease";

/* The kernel forgets the signal when a lease is given back, and would send SIGIO at the next open,
 * which says no descriptor; so it is set before each. */
bool ria_lease_take(int fd)
{
    return fcntl(fd, F_SETSIG, RIA_LEASE_SIGNAL) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
}

void ria_lease_give(int fd)
{
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
}

/* A lease that is wanted is told as what it shall become. */
bool ria_lease_is_wanted(int fd)
{
    return fcntl(fd, F_GETLEASE) != F_WRLCK;
}

static bool take_first(
    int fd, const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    return ria_lease_take(fd) || ria_directory_fail(directory->path, name, "no lease", err);
}

int ria_lease_make(const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    int fd = ria_directory_create(directory, name, err);
    if (fd >= 0 &&
        (!take_first(fd, directory, name, err) || !ria_directory_put(directory, name, err))) {
        (void)close(fd);
        ria_directory_drop(directory, name);
        return -1;
    }
    return fd;
}

bool ria_lease_works(const struct ria_directory *directory, struct ria_error *err)
{
    int fd = ria_directory_create(directory, trial, err);
    if (fd < 0) {
        return false;
    }
    bool ok = take_first(fd, directory, trial, err);
    (void)close(fd);
    ria_directory_drop(directory, trial);
    return ok;
}
