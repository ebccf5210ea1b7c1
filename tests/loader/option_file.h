/* SPDX-License-Identifier: MIT
 *
 * Reads an option file as the library itself does when a program sets MYSQL_READ_DEFAULT_FILE. The
 * library accepts only a few of the options that the mysql commands accept. It always ignores
 * ssl-mode, with or without "loose-". Models the behavior of mysql_read_default_options() of 5.7 to
 * 9.x.
 */
#ifndef RIA_LOADER_OPTION_FILE_H
#define RIA_LOADER_OPTION_FILE_H

#include "wire.h"

/* Reads the [client] section of a file into *account. The strings are allocated and never freed.
 * Returns false if the file cannot be read. */
bool ria_option_file_read(const char *path, struct ria_account *account);

#endif
