/* SPDX-License-Identifier: MIT
 *
 * The agent's status socket: the text that the agent sends, and the two sides of the exchange.
 *
 * Input: a service file, in which DIRECTORY stands for the agent's directory; a piece that the
 * client sends to the agent; and a piece that selects what a false agent sends to `--status`.
 *
 * Properties:
 *   1. the agent responds to each client, whatever the client sends, and never waits for a client;
 *   2. the text has no control character except newlines, and contains no password of the service
 *      file;
 *   3. `--status` ends, whatever the peer sends; it prints exactly the file that it receives, or
 *      fails with a message. */
#include "scratch.h"

#include "agent/status.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    TEXT_MAX = 1 << 20,
    PACKET_MAX = 4096,
};

/* -- the agent's world ----------------------------------------------------------------------- */

static const char *get_env(void *self, const char *name)
{
    (void)self;
    return strcmp(name, "PGSERVICEFILE") == 0 ? "/services" : NULL;
}

static enum ria_outcome read_file(
    void *self, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    const struct ria_buf *text = self;
    *file = (struct ria_file){0};
    if (strcmp(path, "/services") != 0) {
        return ria_absent(err, "%s does not exist", path);
    }
    ria_buf_add(out, text->data, text->len);
    return RIA_FOUND;
}

static uid_t get_uid(void *self)
{
    (void)self;
    return 0;
}

static int64_t get_now(void *self)
{
    (void)self;
    return 1787402096;
}

/* Copies the text, with the path of the directory instead of the word DIRECTORY. */
static void expand(const struct ria_buf *text, struct ria_buf *out)
{
    static const char word[] = "DIRECTORY";
    const char *at = text->data;
    const char *end = at + text->len;
    for (const char *next; at < end; at = next) {
        next = memmem(at, (size_t)(end - at), word, sizeof(word) - 1);
        ria_buf_add(out, at, (size_t)((next == NULL ? end : next) - at));
        if (next != NULL) {
            ria_buf_add_text(out, fuzz_scratch_directory());
        }
        next = next == NULL ? end : next + sizeof(word) - 1;
    }
}

static const struct ria_directory *open_directory(void)
{
    static struct ria_directory directory;
    struct ria_error err;
    if (directory.path[0] == '\0') {
        fuzz_require(ria_directory_open(
            fuzz_scratch_directory(), true, ria_process_world(), &directory, &err));
    }
    return &directory;
}

/* -- a socket -------------------------------------------------------------------------------- */

static void remove_socket(void)
{
    ria_status_end(open_directory());
}

static int listening(void)
{
    static int listener = -1;
    struct ria_error err;
    if (listener < 0) {
        listener = ria_status_listen(open_directory(), &err);
        fuzz_require(listener >= 0);
        (void)atexit(remove_socket);
    }
    return listener;
}

static int connected(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    (void)snprintf(
        address.sun_path,
        sizeof(address.sun_path),
        "/proc/self/fd/%d/agent.socket",
        open_directory()->fd);
    fuzz_require(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

struct packet {
    char bytes[PACKET_MAX];
    struct iovec data;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
    struct msghdr message;
};

static void open_packet(struct packet *packet, size_t len, size_t control)
{
    *packet = (struct packet){.data = {packet->bytes, len}};
    packet->message = (struct msghdr){
        .msg_iov = &packet->data,
        .msg_iovlen = 1,
        .msg_control = control == 0 ? NULL : packet->control,
        .msg_controllen = control,
    };
}

/* -- the agent ------------------------------------------------------------------------------- */

static void check_text(const struct ria_buf *text, const struct ria_buf *services)
{
    static const char password[] = "\npassword=" FUZZ_SECRET "\n";
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];
        fuzz_require(c == '\n' || (c >= ' ' && c != 0x7f));
    }
    if (fuzz_count(services->data, services->len, FUZZ_SECRET) ==
        fuzz_count(services->data, services->len, password)) {
        fuzz_require(fuzz_count(text->data, text->len, FUZZ_SECRET) == 0);
    }
}

static void receive_text(int fd, struct ria_buf *out)
{
    static char room[TEXT_MAX];
    struct packet packet;
    int received = -1;
    open_packet(&packet, PACKET_MAX, sizeof(packet.control));
    ssize_t got = recvmsg(fd, &packet.message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && errno == ECONNRESET) {
        /* The agent has closed the connection without reading what this client has sent. */
        open_packet(&packet, PACKET_MAX, sizeof(packet.control));
        got = recvmsg(fd, &packet.message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    }
    fuzz_require(got == 1);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&packet.message);
    fuzz_require(header != NULL && header->cmsg_len == CMSG_LEN(sizeof(int)));
    memcpy(&received, CMSG_DATA(header), sizeof(received));
    ssize_t len = pread(received, room, sizeof(room), 0);
    fuzz_require(len > 0);
    fuzz_fill(out, room, (size_t)len);
    (void)close(received);
}

static void check_agent(const struct ria_buf *services, const struct ria_buf *sent)
{
    struct ria_agent *agent = calloc(1, sizeof(*agent));
    struct ria_serve *serve = calloc(1, sizeof(*serve));
    struct ria_world world = {
        .self = (void *)(uintptr_t)services,
        .env = get_env,
        .read_file = read_file,
        .uid = get_uid,
        .now = get_now};
    RIA_AUTO(buf) text = {0};
    fuzz_require(agent != NULL && serve != NULL);
    agent->directory = *open_directory();
    agent->log = (struct ria_log){.fd = -1, .clock = &world};
    serve->agent = agent;
    fuzz_require(
        ria_entries_load(&world, "/none", &agent->directory, &agent->log, &serve->entries));
    const struct ria_status status = {.serve = serve, .supervisor = 1, .since = get_now(NULL)};
    int listener = listening();
    int fd = connected();
    if (sent->len > 0) {
        (void)!send(fd, sent->data, sent->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    ria_status_respond(listener, &status);
    receive_text(fd, &text);
    (void)close(fd);
    check_text(&text, services);
    ria_entries_release(&serve->entries);
    ria_log_release(&agent->log);
    free(serve);
    free(agent);
}

/* -- a false agent --------------------------------------------------------------------------- */

struct false_agent {
    const struct ria_buf *piece;
    int file; /* that it sends */
};

/* Sends one packet for each two bytes of the piece. The first byte selects the number of
 * descriptors, and the second is the length. */
static void *play(void *argument)
{
    const struct false_agent *agent = argument;
    struct fuzz_input input = {(const uint8_t *)agent->piece->data, agent->piece->len};
    struct pollfd client = {.fd = listening(), .events = POLLIN};
    fuzz_require(poll(&client, 1, -1) == 1 || errno == EINTR);
    int fd = accept4(client.fd, NULL, NULL, SOCK_CLOEXEC);
    fuzz_require(fd >= 0);
    while (input.left > 0) {
        struct packet packet;
        size_t count = fuzz_byte(&input) % 3;
        size_t len = fuzz_byte(&input);
        const int descriptors[] = {agent->file, agent->file};
        open_packet(&packet, len, count == 0 ? 0 : CMSG_SPACE(count * sizeof(int)));
        struct cmsghdr *header = CMSG_FIRSTHDR(&packet.message);
        if (header != NULL) {
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(count * sizeof(int));
            memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
        }
        (void)!sendmsg(fd, &packet.message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    (void)close(fd);
    return NULL;
}

/* Queries with stdout in a file, and compares this file with the file that was sent. */
static void check_query(const struct ria_buf *piece)
{
    char sent[64];
    char printed[64] = "";
    struct ria_error err = {0};
    struct false_agent agent = {piece, memfd_create("sent", MFD_CLOEXEC)};
    int output = memfd_create("stdout", MFD_CLOEXEC);
    int saved = dup(STDOUT_FILENO);
    pthread_t thread;
    int len = snprintf(sent, sizeof(sent), "status of %zu bytes\n", piece->len);
    fuzz_require(agent.file >= 0 && write(agent.file, sent, (size_t)len) == len);
    fuzz_require(pthread_create(&thread, NULL, play, &agent) == 0);
    fuzz_require(fflush(stdout) == 0 && dup2(output, STDOUT_FILENO) == STDOUT_FILENO);
    bool ok = ria_status_query(open_directory(), &err);
    fuzz_require(dup2(saved, STDOUT_FILENO) == STDOUT_FILENO);
    fuzz_require(pthread_join(thread, NULL) == 0);
    ssize_t got = pread(output, printed, sizeof(printed), 0);
    fuzz_require(ok ? got == len && memcmp(sent, printed, (size_t)len) == 0 : got == 0);
    fuzz_require(ok || err.text[0] != '\0');
    (void)close(saved);
    (void)close(output);
    (void)close(agent.file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    RIA_AUTO(buf) text = {0};
    RIA_AUTO(buf) services = {.max = TEXT_MAX};
    RIA_AUTO(buf) sent = {0};
    RIA_AUTO(buf) piece = {0};
    (void)fuzz_piece(&input, &text);
    (void)fuzz_piece(&input, &sent);
    bool has_query = fuzz_piece(&input, &piece);
    fuzz_scratch_environment();
    expand(&text, &services);
    check_agent(&services, &sent);
    if (has_query) {
        check_query(&piece);
    }
    return 0;
}
