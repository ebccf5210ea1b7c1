/* SPDX-License-Identifier: MIT
 *
 * The option file in memory that makes a command-line tool of MariaDB or Oracle verify RDS servers.
 */
#ifndef RIA_MYSQL_PRELOAD_OPTION_FILE_H
#define RIA_MYSQL_PRELOAD_OPTION_FILE_H

#include "preload/tool_arguments.h"

#include "rds_iam.h"

/* Both makers install tools with the names mysql, mysqldump and so on. */
enum ria_tool_maker {
    RIA_TOOL_UNKNOWN,
    RIA_TOOL_MARIADB,
    RIA_TOOL_ORACLE,
};

/* Appends the text of the file. The text contains the CA file `ca`, unless `ca` is NULL, and the
 * option that makes a tool of this maker verify the server. If chain_suffices is true, the tool is
 * made to verify only the certificate chain, as far as the maker's tools support this. Returns
 * false, with *out unchanged, in two cases: the path of the CA file is longer than the parsers of
 * option files accept, or it contains a control character, for which option files have no escape.
 */
bool ria_option_file_write(
    enum ria_tool_maker maker, const char *ca, bool chain_suffices, struct ria_buf *out);

/* Returns a new file in memory with this text, open for reading, owned by the caller, with mode
 * 0600 and with the close-on-exec flag. Returns -1 if the kernel creates no such file. Changes
 * errno. */
int ria_option_file_open(const char *text);

#endif
