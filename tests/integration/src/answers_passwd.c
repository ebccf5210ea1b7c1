/* SPDX-License-Identifier: MIT
 *
 * Preloaded: replaces getpwuid_r(). If the variable PASSWD_HOME is "" or not set, the lookup finds
 * no passwd entry. If it is "never", the lookup blocks. Otherwise its value is the home directory
 * in the entry. Each lookup appends the name of the calling program to the file that the variable
 * PASSWD_LOG names. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(void)
{
    const char *path = getenv("PASSWD_LOG");
    int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)dprintf(fd, "%s\n", program_invocation_short_name);
        (void)close(fd);
    }
}

__attribute__((visibility("default"))) int getpwuid_r(
    uid_t uid, struct passwd *entry, char *room, size_t size, struct passwd **found)
{
    const char *home = getenv("PASSWD_HOME");
    note();
    *found = NULL;
    while (home != NULL && strcmp(home, "never") == 0) {
        (void)pause();
    }
    if (home == NULL || *home == '\0') {
        return 0;
    }
    if (strlen(home) >= size) {
        return ERANGE;
    }
    *entry = (struct passwd){.pw_uid = uid, .pw_dir = strcpy(room, home)};
    *found = entry;
    return 0;
}
