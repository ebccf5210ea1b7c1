/* SPDX-License-Identifier: MIT
 *
 * What the library itself takes from an option file, which a program has it read with
 * MYSQL_READ_DEFAULT_FILE: few of the lines that its commands know, and never one about ssl-mode,
 * "loose-" or not. Follows mysql_read_default_options() in client.c and client.cc, 5.7 to 9.x.
 */
#ifndef RIA_LOADER_OPTION_FILE_H
#define RIA_LOADER_OPTION_FILE_H

#include "wire.h"

/* Reads the [client] lines of a file into an account, whose strings then stay allocated. False if
 * it cannot be read. */
bool ria_option_file_read(const char *path, struct ria_account *account);

#endif
