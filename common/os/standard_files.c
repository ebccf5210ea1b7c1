/* SPDX-License-Identifier: MIT
 *
 * Opens /dev/null on closed descriptors 0 to 2 when one of rds-iam's programs starts. The parent
 * process may have closed these descriptors. If descriptor 2 stayed closed, a file that the program
 * opens could get the number 2, and error messages would be written into that file. Under rds-iam
 * exec, the error messages of the command would also be written into that file. */
#include "os/guest_stderr.h"
#include "os/process_world.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct ria_stderr_file ria_stderr_at_start;

/* open() returns the lowest free number, so the caller fills the descriptors in ascending order. */
static bool standard_files_fill(int fd, int flags)
{
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) {
        return true;
    }
    return open("/dev/null", flags) == fd; /* NOLINT(android-cloexec-open) */
}

/* Descriptor 1 is opened for reading only, so a write to it fails as on a closed descriptor. If a
 * write succeeded, the output of `rds-iam token` or of another command would be lost, although the
 * exit status is 0. */
bool ria_standard_files_open(void)
{
    bool ok = standard_files_fill(STDIN_FILENO, O_RDWR) &&
              standard_files_fill(STDOUT_FILENO, O_RDONLY) &&
              standard_files_fill(STDERR_FILENO, O_RDWR);
    ria_stderr_inspect(&ria_stderr_at_start);
    return ok;
}
