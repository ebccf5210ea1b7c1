/* SPDX-License-Identifier: MIT
 *
 * The wrapper of fcntl(), which has a variable number of arguments, under the name that the preload
 * calls. faults.c has the wrapper of fcntl64(). */
#include "faults.h"

#include <errno.h>
#include <stdarg.h>

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);

int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (ria_fault_step("fcntl", 0, __builtin_return_address(0)) != RIA_FAULT_NONE) {
        errno = EMFILE;
        return -1;
    }
    return __real_fcntl(fd, command, argument);
}
