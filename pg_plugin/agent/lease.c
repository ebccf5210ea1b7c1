/* SPDX-License-Identifier: MIT
 *
 * Calls fcntl(2) for leases, in the order that the kernel requires. Takes the first lease on a file
 * before the file gets its final name. */
#include "agent/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char trial[] = "lease";

/* Sets RIA_LEASE_SIGNAL as the signal of the file before each lease, because the kernel resets this
 * setting when a lease is released. Without the setting, the kernel would send SIGIO at the next
 * open, and SIGIO does not contain the descriptor. */
bool ria_lease_take(int fd)
{
    return fcntl(fd, F_SETSIG, RIA_LEASE_SIGNAL) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
}

void ria_lease_release(int fd)
{
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
}

/* While a client waits, F_GETLEASE returns the type to which the holder must change the lease. This
 * type is not F_WRLCK. */
bool ria_lease_has_waiter(int fd)
{
    return fcntl(fd, F_GETLEASE) != F_WRLCK;
}

static bool take_first(
    int fd, const struct ria_directory *directory, const char *name, struct ria_error *err)
{
    return ria_lease_take(fd) ||
           ria_directory_fail(directory->path, name, "cannot take a lease", err);
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
