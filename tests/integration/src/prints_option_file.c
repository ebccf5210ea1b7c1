/* SPDX-License-Identifier: MIT
 *
 * Stands for a command-line tool that contains its client library. Prints the contents of the
 * option file my.cnf, or "no option file". It checks and opens the file as the tools do. The file
 * is in the directory $MARIADB_HOME if that variable is set and the tool is one of MariaDB,
 * otherwise in $MYSQL_HOME. MARK is the string by which the preload recognizes the tool's maker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* volatile: the compiler must not drop the string. */
static const char *volatile mark = MARK;

int main(void)
{
    char path[8192];
    char text[8192] = "";
    struct stat status;
    /* Only the mark of MariaDB contains a hyphen. If this file contained the whole mark, every
     * stand-in would contain it. */
    const char *home = strchr(mark, '-') != NULL ? getenv("MARIADB_HOME") : NULL;
    home = home != NULL ? home : getenv("MYSQL_HOME");
    FILE *file = NULL;
    if (home != NULL) {
        (void)snprintf(path, sizeof(path), "%s/my.cnf", home);
        file =
            stat(path, &status) == 0 && (status.st_mode & S_IWOTH) == 0 ? fopen(path, "r") : NULL;
    }
    if (file == NULL) {
        puts("no option file");
        return 0;
    }
    (void)fputs(fread(text, 1, sizeof(text) - 1, file) > 0 ? text : "empty\n", stdout);
    (void)fclose(file);
    return 0;
}
