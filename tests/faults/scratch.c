/* SPDX-License-Identifier: MIT
 *
 * Files below a new directory, and a server that has one response for each request. */
#include "scratch.h"

#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ROUTES_MAX = 16,
    REQUEST_MAX = 32 * 1024
};

static char directory[256];
static pid_t owner;
static uint64_t *served;

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    return at->level == 0 ? 0 : remove(path);
}

static void clear(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_directory(void)
{
    if (getpid() == owner) {
        clear(directory);
        (void)rmdir(directory);
    }
}

const char *scratch_directory(void)
{
    if (directory[0] == '\0') {
        const char *base = getenv("TMPDIR");
        (void)snprintf(
            directory, sizeof(directory), "%s/ria-faults-XXXXXX", base == NULL ? "/tmp" : base);
        assert_non_null(mkdtemp(directory));
        owner = getpid();
        assert_int_equal(atexit(remove_directory), 0);
    }
    return directory;
}

static void make_path(char *out, size_t size, const char *name)
{
    int len = snprintf(out, size, "%s/%s", scratch_directory(), name);
    assert_true(len > 0 && (size_t)len < size);
    for (char *slash = out + strlen(directory) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        (void)mkdir(out, 0700);
        *slash = '/';
    }
}

void scratch_write(const char *name, const char *text)
{
    char path[4096];
    make_path(path, sizeof(path), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

bool scratch_read(const char *name, char *out, size_t size)
{
    char path[4096];
    make_path(path, sizeof(path), name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, out, size - 1);
    (void)close(fd);
    out[len < 0 ? 0 : len] = '\0';
    return len >= 0 && (size_t)len < size - 1;
}

void scratch_clear(const char *name)
{
    char path[4096];
    make_path(path, sizeof(path), name);
    (void)mkdir(path, 0700);
    clear(path);
}

/* -- the server ----------------------------------------------------------------------------- */

static bool is_complete(const char *request, size_t len)
{
    static const char length[] = "Content-Length: ";
    const char *end = strstr(request, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    const char *given = strcasestr(request, length);
    size_t body = given == NULL || given > end ? 0 : strtoul(given + strlen(length), NULL, 10);
    return len >= (size_t)(end + 4 - request) + body;
}

static void respond(int fd, const struct scratch_route *routes, size_t count)
{
    static char request[REQUEST_MAX];
    size_t len = 0;
    ssize_t more = 1;
    while (more > 0 && len < sizeof(request) - 1 && !is_complete(request, len)) {
        more = recv(fd, request + len, sizeof(request) - 1 - len, 0);
        len += more > 0 ? (size_t)more : 0;
        request[len] = '\0';
    }
    size_t i = 0;
    while (i < count && strncmp(request, routes[i].request, strlen(routes[i].request)) != 0) {
        i++;
    }
    const char *status = i == count                  ? "404 Not Found"
                         : routes[i].failure != NULL ? routes[i].failure
                                                     : "200 OK";
    const char *body = i == count ? "" : routes[i].body;
    if (i < count && is_complete(request, len)) {
        served[i]++;
        (void)dprintf(
            fd,
            "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
            status,
            routes[i].type,
            strlen(body),
            body);
    } else {
        (void)dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
    }
    (void)close(fd);
}

unsigned scratch_serve(const struct scratch_route *routes, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(count <= ROUTES_MAX);
    served = mmap(
        NULL,
        ROUTES_MAX * sizeof(*served),
        PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS,
        -1,
        0);
    assert_ptr_not_equal(served, MAP_FAILED);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fd >= 0) {
                respond(fd, routes, count);
            }
        }
    }
    (void)close(listener);
    return ntohs(address.sin_port);
}

uint64_t scratch_served(size_t route)
{
    return __atomic_load_n(&served[route], __ATOMIC_SEQ_CST);
}
