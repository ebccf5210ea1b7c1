/* SPDX-License-Identifier: MIT
 *
 * Recognizes MariaDB's and Oracle's command-line tools when they start. Such a tool contains its
 * client library, so it calls none of the interposed functions of the libraries. The preload
 * therefore calls rds-iam-mysql-host.so, which gives the tool an option file (tool_options.c). In
 * every other program, this file only compares the program's name with a table. */
#include "preload/host_module.h"
#include "preload/tool_arguments.h"

#include "interpose/redirect.h"

#include <stddef.h>
#include <sys/auxv.h>

/* glibc passes the arguments of main() to a constructor. Runs after the constructors of
 * common/interpose, and before main(), when the process has one thread. */
__attribute__((constructor)) static void tool_start(int argc, char **argv)
{
    struct ria_tool_file file;
    if (argc == 0 || !ria_tool_is_known(argv[0]) || getauxval(AT_SECURE) != 0) {
        return;
    }
    ria_host_read_tool(argc, argv, &file);
    if (file.path != NULL) {
        ria_redirect_set(file.path, file.open);
    }
}
