/* SPDX-License-Identifier: MIT
 *
 * Writes the text of the option file for a command-line tool, and opens the file as a memfd. The
 * file has one group, [client], which every tool of both makers reads. */
#include "preload/option_file.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 4000 /* the longest line; older parsers cut a line at 4096 bytes */
};

/* Returns the line that makes the tool verify the server. If verifying the chain is enough,
 * MariaDB's tools need no line, because they verify the chain if they have a CA (version 11.4 and
 * later also verify the name). Oracle's tools always get the mode VERIFY_IDENTITY, because they
 * report no other mode to a plugin. A tool that does not know the option ssl-mode prints a warning
 * and continues, because of the prefix "loose-". */
static const char *verification_line(enum ria_tool_maker maker, bool chain_suffices)
{
    if (maker == RIA_TOOL_ORACLE) {
        return "loose-ssl-mode=VERIFY_IDENTITY\n";
    }
    return chain_suffices ? "" : "ssl-verify-server-cert=1\n";
}

static bool is_writable_path(const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < len; i++) {
        if (ria_ascii_is_control(path[i])) {
            return false;
        }
    }
    return 2 * len < LINE_MAX_BYTES;
}

/* Appends a value in quotes, so that '#' does not start a comment. */
static void add_quoted(const char *value, struct ria_buf *out)
{
    ria_buf_add_char(out, '"');
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\') {
            ria_buf_add_char(out, '\\');
        }
        ria_buf_add_char(out, *value);
    }
    ria_buf_add_char(out, '"');
}

bool ria_option_file_write(
    enum ria_tool_maker maker, const char *ca, bool chain_suffices, struct ria_buf *out)
{
    if (ca != NULL && !is_writable_path(ca)) {
        return false;
    }
    ria_buf_add_text(out, "[client]\n");
    if (ca != NULL) {
        ria_buf_add_text(out, "ssl-ca=");
        add_quoted(ca, out);
        ria_buf_add_char(out, '\n');
    }
    ria_buf_add_text(out, verification_line(maker, chain_suffices));
    return true;
}

/* Writes the text to the file. First checks the limit of file sizes (ulimit -f), because a write
 * beyond the limit would raise SIGXFSZ in the tool. Changes the mode of the file, because a new
 * memfd has the mode 0777, and the tools ignore a file that other users may write. */
static bool option_file_fill(int fd, const char *text)
{
    size_t len = strlen(text);
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= len &&
           fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write(fd, text, len) == (ssize_t)len &&
           lseek(fd, 0, SEEK_SET) == 0;
}

int ria_option_file_open(const char *text)
{
    int fd = memfd_create("my.cnf", MFD_CLOEXEC);
    if (fd >= 0 && !option_file_fill(fd, text)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}
