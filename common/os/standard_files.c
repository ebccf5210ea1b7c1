/* SPDX-License-Identifier: MIT
 *
 * Fills descriptors 0 to 2 at the start of a program of ours. The caller may have closed them; a
 * file of ours that got the number 2 would receive our messages, and under rds-iam exec so would a
 * file of the command. */
#include "os/guest_stderr.h"
#include "os/process_world.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct ria_stderr_file ria_stderr_at_start;

/* A lower one may be closed as well, so these are filled in order. */
static bool standard_files_fill(int fd, int flags)
{
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) {
        return true;
    }
    return open("/dev/null", flags) == fd; /* NOLINT(android-cloexec-open) */
}

/* Output that cannot be delivered is an error, as on a closed descriptor: what `rds-iam token` or a
 * command prints must not disappear with exit status 0. So 1 takes no bytes. */
bool ria_standard_files_open(void)
{
    bool ok = standard_files_fill(STDIN_FILENO, O_RDWR) &&
              standard_files_fill(STDOUT_FILENO, O_RDONLY) &&
              standard_files_fill(STDERR_FILENO, O_RDWR);
    ria_stderr_inspect(&ria_stderr_at_start);
    return ok;
}
