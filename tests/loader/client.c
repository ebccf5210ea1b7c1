/* SPDX-License-Identifier: MIT
 *
 * A command that logs in as a program with Oracle's library does, with the plugins that
 * LIBMYSQL_PLUGINS and LIBMYSQL_PLUGIN_DIR name. Prints the user that the server reports, or the
 * error.
 *
 *   client [--library=VERSION] [--ssl-mode=MODE] [--ssl-ca=FILE] [--password=TEXT]
 *          [--read-default-file=FILE] [--default-auth=PLUGIN] [--enable-cleartext-plugin]
 *          [--change-user=USER] [--threads=N] HOST PORT USER */
#include "option_file.h"
#include "wire.h"

#include <getopt.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS_MAX = 64
};

static char none[] = "";

struct task {
    struct ria_library library;
    struct ria_account account;
    char *second_user;
    const struct ria_profile *profile;
    bool is_cleartext_enabled;
    unsigned long threads;
    pthread_barrier_t barrier;
};

static bool show(const struct ria_wire *wire, bool ok, const char *text)
{
    if (ok) {
        (void)printf("%s\n", text);
    } else {
        (void)printf(
            "ERROR %u (%s): %s\n",
            ria_connection_errno(&wire->connection),
            ria_connection_sqlstate(&wire->connection),
            ria_connection_error(&wire->connection));
    }
    return ok;
}

static bool log_in(struct task *task)
{
    static const char who[] = "select current_user()";
    char user[256] = "";
    struct ria_wire *wire = calloc(1, sizeof(*wire));
    struct ria_account second = task->account;
    if (wire == NULL) {
        return false;
    }
    bool ok = ria_wire_connect(wire, &task->library, &task->account) &&
              ria_wire_query(wire, who, user, sizeof(user));
    ok = show(wire, ok, user);
    if (ok && task->second_user != NULL) {
        second.user = task->second_user;
        ok = ria_wire_change_user(wire, &second) && ria_wire_query(wire, who, user, sizeof(user));
        ok = show(wire, ok, user);
    }
    ria_wire_close(wire);
    free(wire);
    return ok;
}

static void *log_in_thread(void *argument)
{
    struct task *task = argument;
    (void)pthread_barrier_wait(&task->barrier);
    return log_in(task) ? argument : NULL;
}

/* Resolves the host before any thread starts. The lab's names come from libnss_wrapper, which reads
 * its file at its first use. This first use is not thread-safe, and libnss_wrapper is not under
 * test. */
static void resolve_once(const struct task *task)
{
    struct addrinfo *found = NULL;
    if (getaddrinfo(task->account.host, NULL, NULL, &found) == 0) {
        freeaddrinfo(found);
    }
}

static bool log_in_many(struct task *task)
{
    pthread_t threads[THREADS_MAX];
    resolve_once(task);
    bool ok = pthread_barrier_init(&task->barrier, NULL, (unsigned)task->threads) == 0;
    for (size_t i = 0; i < task->threads; i++) {
        if (pthread_create(&threads[i], NULL, log_in_thread, task) != 0) {
            abort();
        }
    }
    for (size_t i = 0; i < task->threads; i++) {
        void *result = NULL;
        (void)pthread_join(threads[i], &result);
        ok = ok && result != NULL;
    }
    (void)pthread_barrier_destroy(&task->barrier);
    return ok;
}

static enum ria_ssl_mode mode_of(const char *text)
{
    static const char *const names[] = {
        [RIA_SSL_DISABLED] = "DISABLED",
        [RIA_SSL_PREFERRED] = "PREFERRED",
        [RIA_SSL_REQUIRED] = "REQUIRED",
        [RIA_SSL_VERIFY_CA] = "VERIFY_CA",
        [RIA_SSL_VERIFY_IDENTITY] = "VERIFY_IDENTITY",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            return (enum ria_ssl_mode)i;
        }
    }
    (void)fprintf(stderr, "client: unknown --ssl-mode=%s; write for example VERIFY_CA\n", text);
    exit(2);
}

static const struct ria_profile *profile_of(const char *text)
{
    for (size_t i = 0; i < RIA_PROFILES; i++) {
        if (strcmp(text, ria_profiles[i].name) == 0) {
            return &ria_profiles[i];
        }
    }
    (void)fprintf(stderr, "client: unknown --library=%s; library.c lists the versions\n", text);
    exit(2);
}

static void read_file(struct task *task, const char *path)
{
    if (!ria_option_file_read(path, &task->account)) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
}

static void apply_option(struct task *task, int option)
{
    switch (option) {
    case 'l':
        task->profile = profile_of(optarg);
        break;
    case 'm':
        task->account.ssl_mode = mode_of(optarg);
        break;
    case 'a':
        task->account.ssl_ca = optarg;
        break;
    case 'f':
        read_file(task, optarg);
        break;
    case 'p':
        task->account.password = optarg;
        break;
    case 'd':
        task->account.default_auth = optarg;
        break;
    case 'e':
        task->is_cleartext_enabled = true;
        break;
    case 'c':
        task->second_user = optarg;
        break;
    case 't':
        task->threads = strtoul(optarg, NULL, 10);
        break;
    default:
        exit(2);
    }
}

static const struct option options[] = {
    {"library", required_argument, NULL, 'l'},
    {"ssl-mode", required_argument, NULL, 'm'},
    {"ssl-ca", required_argument, NULL, 'a'},
    {"read-default-file", required_argument, NULL, 'f'},
    {"password", required_argument, NULL, 'p'},
    {"default-auth", required_argument, NULL, 'd'},
    {"enable-cleartext-plugin", no_argument, NULL, 'e'},
    {"change-user", required_argument, NULL, 'c'},
    {"threads", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
    struct task task = {
        .profile = &ria_profiles[RIA_PROFILES - 1],
        .account = {.password = none, .ssl_mode = RIA_SSL_PREFERRED},
    };
    for (int option = 0; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        apply_option(&task, option);
    }
    const char *names = getenv("LIBMYSQL_PLUGINS");
    const char *directory = getenv("LIBMYSQL_PLUGIN_DIR");
    if (argc - optind != 3 || task.threads > THREADS_MAX) {
        (void)fprintf(stderr, "usage: client [OPTION...] HOST PORT USER\n");
        return 2;
    }
    task.account.host = argv[optind];
    task.account.port = (unsigned)strtoul(argv[optind + 1], NULL, 10);
    task.account.user = argv[optind + 2];
    (void)signal(SIGPIPE, SIG_IGN);
    ria_library_start(&task.library, task.profile);
    task.library.is_cleartext_enabled = task.is_cleartext_enabled;
    if (names != NULL && directory != NULL) {
        (void)ria_library_preload(&task.library, directory, names);
    }
    bool ok = task.threads > 0 ? log_in_many(&task) : log_in(&task);
    ria_library_end(&task.library);
    return ok ? 0 : 1;
}
