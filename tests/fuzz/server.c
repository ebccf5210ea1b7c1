/* SPDX-License-Identifier: MIT
 *
 * The server's thread, and the functions that replace libc's. One mutex protects the state. The
 * listener is bound to a free port of loopback. */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    WAIT_MS = 5,     /* for the client, before the next piece */
    DRAIN_MS = 1000, /* for the client, after the last piece, unless fuzz_server_end() is called */
    RECEIVED_MAX = 1 << 20,
};

static struct server {
    pthread_mutex_t mutex;
    pthread_cond_t is_idle;
    struct sockaddr_in address;
    int listener;
    struct fuzz_input script;
    struct ria_buf received;
    unsigned connections;
    int fd;         /* of the open connection, or -1 */
    unsigned begun; /* connections that clients have begun; counted by connect() */
} server = {.mutex = PTHREAD_MUTEX_INITIALIZER, .is_idle = PTHREAD_COND_INITIALIZER, .fd = -1};

/* -- the thread ------------------------------------------------------------------------------ */

/* Receives for at most `wait` milliseconds. Returns false if the client has closed its side. */
static bool receive(int fd, int wait)
{
    char bytes[4096];
    struct pollfd event = {.fd = fd, .events = POLLIN};
    if (poll(&event, 1, wait) <= 0) {
        return true;
    }
    ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
    if (len > 0) {
        (void)pthread_mutex_lock(&server.mutex);
        ria_buf_add(&server.received, bytes, (size_t)len);
        (void)pthread_mutex_unlock(&server.mutex);
    }
    return len > 0;
}

static bool next_piece(struct ria_buf *piece)
{
    (void)pthread_mutex_lock(&server.mutex);
    bool is_left = fuzz_piece(&server.script, piece);
    (void)pthread_mutex_unlock(&server.mutex);
    return is_left;
}

static bool has_piece(void)
{
    (void)pthread_mutex_lock(&server.mutex);
    bool is_left = server.script.at != NULL;
    (void)pthread_mutex_unlock(&server.mutex);
    return is_left;
}

static void set_open(int fd)
{
    (void)pthread_mutex_lock(&server.mutex);
    server.connections += fd < 0 ? 1 : 0;
    server.fd = fd;
    (void)pthread_cond_broadcast(&server.is_idle);
    (void)pthread_mutex_unlock(&server.mutex);
}

static void serve(int fd)
{
    bool is_open = true;
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    for (bool is_first = true; is_open && has_piece(); is_first = false) {
        RIA_AUTO(buf) piece = {0};
        is_open = is_first || receive(fd, WAIT_MS);
        if (is_open && next_piece(&piece) && piece.len > 0) {
            is_open = send(fd, piece.data, piece.len, MSG_NOSIGNAL) > 0;
        }
    }
    (void)shutdown(fd, SHUT_WR);
    struct pollfd event = {.fd = fd, .events = POLLIN};
    while (is_open && poll(&event, 1, DRAIN_MS) > 0) {
        is_open = receive(fd, 0);
    }
}

static void *run(void *unused)
{
    for (;;) {
        int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            set_open(fd);
            serve(fd);
            set_open(-1);
            (void)close(fd);
        }
    }
    return unused;
}

static void start(void)
{
    pthread_t thread;
    socklen_t len = sizeof(server.address);
    server.address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fuzz_require(
        bind(server.listener, (struct sockaddr *)&server.address, len) == 0 &&
        listen(server.listener, 64) == 0 &&
        getsockname(server.listener, (struct sockaddr *)&server.address, &len) == 0);
    fuzz_require(pthread_create(&thread, NULL, run, NULL) == 0 && pthread_detach(thread) == 0);
}

void fuzz_server_play(struct fuzz_input script)
{
    if (server.listener == 0) {
        start();
    }
    (void)pthread_mutex_lock(&server.mutex);
    ria_buf_release(&server.received);
    server.received = (struct ria_buf){.max = RECEIVED_MAX};
    server.script = script;
    server.connections = 0;
    server.begun = 0;
    (void)pthread_mutex_unlock(&server.mutex);
}

bool fuzz_server_crashes_libmariadb(struct fuzz_input script)
{
    return fuzz_count(script.at, script.left, "\xff\xff\xff") > 0;
}

void fuzz_server_end(struct ria_buf *received)
{
    (void)pthread_mutex_lock(&server.mutex);
    server.script = (struct fuzz_input){0};
    while (server.connections < server.begun) {
        /* The thread still reads what the client has sent. */
        if (server.fd >= 0) {
            (void)shutdown(server.fd, SHUT_RDWR);
        }
        (void)pthread_cond_wait(&server.is_idle, &server.mutex);
    }
    fuzz_fill(received, server.received.data, server.received.len);
    (void)pthread_mutex_unlock(&server.mutex);
}

unsigned fuzz_server_connections(void)
{
    return server.connections;
}

/* -- replaces libc's functions --------------------------------------------------------------- */

#define REPLACES_LIBC __attribute__((visibility("default"), used))

/* The parameter is the transparent union of libc's prototype. */
REPLACES_LIBC int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    (void)len;
    int domain = 0;
    socklen_t size = sizeof(domain);
    bool is_tcp = getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_INET;
    if (!is_tcp || address.__sockaddr__->sa_family != AF_INET || server.listener == 0) {
        errno = ECONNREFUSED;
        return -1;
    }
    int result = (int)syscall(SYS_connect, fd, &server.address, sizeof(server.address));
    if (result == 0 || errno == EINPROGRESS) {
        (void)pthread_mutex_lock(&server.mutex);
        server.begun++;
        (void)pthread_mutex_unlock(&server.mutex);
    }
    return result;
}

struct found {
    struct addrinfo info;
    struct sockaddr_in address;
};

REPLACES_LIBC int getaddrinfo(
    const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    struct found *found = calloc(1, sizeof(*found));
    bool is_numeric = hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0;
    struct in_addr unused;
    if (found == NULL) {
        return EAI_MEMORY;
    }
    if ((hints != NULL && hints->ai_family == AF_INET6) ||
        (is_numeric && inet_pton(AF_INET, name == NULL ? "" : name, &unused) != 1)) {
        free(found);
        return EAI_NONAME;
    }
    found->address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons(service == NULL ? 1 : (uint16_t)strtoul(service, NULL, 10)),
    };
    found->info = (struct addrinfo){
        .ai_family = AF_INET,
        .ai_socktype = hints == NULL || hints->ai_socktype == 0 ? SOCK_STREAM : hints->ai_socktype,
        .ai_protocol = IPPROTO_TCP,
        .ai_addrlen = sizeof(found->address),
        .ai_addr = (struct sockaddr *)&found->address,
    };
    *out = &found->info;
    return 0;
}

REPLACES_LIBC void freeaddrinfo(struct addrinfo *info)
{
    free(info); /* the first member of a struct found */
}

REPLACES_LIBC int posix_spawn(
    pid_t *pid,
    const char *path,
    const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes,
    char *const arguments[],
    char *const environment[])
{
    (void)pid, (void)path, (void)actions, (void)attributes, (void)arguments, (void)environment;
    return ENOENT;
}

void fuzz_use_preload(char **arguments)
{
    static const char name[] = FUZZ_PREFIX "/lib/rds-iam/librds-iam-pq.so";
    const char *loaded = getenv("LD_PRELOAD");
    if (loaded != NULL && strstr(loaded, name) != NULL) {
        return;
    }
    if (access(name, R_OK) != 0) {
        (void)fprintf(stderr, "%s does not exist; run tests/prepare\n", name);
        exit(1);
    }
    (void)setenv("LD_PRELOAD", name, 1);
    (void)execv("/proc/self/exe", arguments);
    abort();
}
