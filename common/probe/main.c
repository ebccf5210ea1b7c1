/* SPDX-License-Identifier: MIT
 *
 * rds-iam-probe: probes a server's TLS, or logs in through a client library. Prints lines "NAME
 * VALUE" for `rds-iam check`, the only program that starts rds-iam-probe. The kernel kills
 * rds-iam-probe when `rds-iam check` ends. If the arguments are not those of one of the two
 * commands, prints a hint and returns the exit status 2. */
#include "probe/probe_program.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    VALUE_MAX = 4096
};

int64_t probe_ticks(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void print_escaped(const char *value)
{
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\n') {
            (void)fputs("\\n", stdout);
        } else if (*at == '\\') {
            (void)fputs("\\\\", stdout);
        } else {
            (void)putchar((unsigned char)*at < ' ' || *at == '\x7f' ? '?' : *at);
        }
    }
}

void probe_print(const char *name, const char *format, ...)
{
    char value[VALUE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    (void)printf("%s ", name);
    print_escaped(value);
    (void)putchar('\n');
    (void)fflush(stdout);
}

static enum probe_engine engine_named(const char *name)
{
    return strcmp(name, "postgres") == 0 ? PROBE_POSTGRES
           : strcmp(name, "mysql") == 0  ? PROBE_MYSQL
                                         : PROBE_UNKNOWN;
}

/* rds-iam-probe tls ENGINE HOST PORT MILLISECONDS SIGNED-NAME ADDRESS [CAFILE] */
static int run_tls(int argc, char **argv)
{
    int fd = probe_connect(argv[7], argv[4], (int)strtol(argv[5], NULL, 10));
    if (fd < 0) {
        return EXIT_SUCCESS;
    }
    if (probe_start_tls(fd, engine_named(argv[2]))) {
        probe_tls(fd, argv[3], argv[6], argc > 8 ? argv[8] : NULL);
    }
    (void)close(fd);
    return EXIT_SUCCESS;
}

/* rds-iam-probe login ENGINE LIBRARY NAME VALUE ... */
static int run_login(char **argv)
{
    bool ok = engine_named(argv[2]) == PROBE_POSTGRES ? probe_login_postgres(argv[3], argv + 4)
                                                      : probe_login_mysql(argv[3], argv + 4);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    if ((argc == 8 || argc == 9) && strcmp(argv[1], "tls") == 0) {
        return run_tls(argc, argv);
    }
    if (argc >= 4 && argc % 2 == 0 && strcmp(argv[1], "login") == 0) {
        return run_login(argv);
    }
    (void)fputs(
        "rds-iam-probe: this program is started by rds-iam check; do not run it by hand; see "
        "rds-iam check --help\n",
        stderr);
    return 2;
}
