/* SPDX-License-Identifier: MIT
 *
 * Implements both sides of --status. A socket's address has room for about 100 bytes, and the path
 * of a socket may be longer. So both sides reach the socket through the directory's descriptor. The
 * agent ignores clients of other users, except root. */
#include "agent/status.h"

#include "passfile/agent_directory.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    TEXT_MAX = 16 * 1024 * 1024,
    RESPONSE_MS = 5000, /* how long the client waits; longer than the supervisor takes to replace a
                           stuck worker */
};

/* Returns the address of the agent's socket in the directory. */
static struct sockaddr_un address_in(const struct ria_directory *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(
        address.sun_path,
        sizeof(address.sun_path),
        "/proc/self/fd/%d/%s",
        directory->fd,
        RIA_AGENT_SOCKET);
    return address;
}

int ria_status_listen(const struct ria_directory *directory, struct ria_error *err)
{
    enum {
        WAITING_MAX = 16
    };
    struct sockaddr_un address = address_in(directory);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ria_directory_remove(directory, RIA_AGENT_SOCKET);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, WAITING_MAX) != 0) {
        (void)ria_directory_fail(directory->path, RIA_AGENT_SOCKET, "cannot be created", err);
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

void ria_status_end(const struct ria_directory *directory)
{
    ria_directory_remove(directory, RIA_AGENT_SOCKET);
}

/* -- the message ---------------------------------------------------------------------------- */

/* A message with room for one descriptor. It carries one byte, because a message without data
 * cannot carry a descriptor. */
struct envelope {
    char byte;
    struct iovec data;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr message;
};

static struct cmsghdr *open_envelope(struct envelope *envelope)
{
    *envelope = (struct envelope){.byte = '.', .data = {&envelope->byte, 1}};
    envelope->message = (struct msghdr){
        .msg_iov = &envelope->data,
        .msg_iovlen = 1,
        .msg_control = envelope->control,
        .msg_controllen = sizeof(envelope->control),
    };
    return CMSG_FIRSTHDR(&envelope->message);
}

/* -- the text ------------------------------------------------------------------------------- */

static void add_time(struct ria_buf *out, int64_t when)
{
    char text[RIA_TIMESTAMP_EXTENDED_SIZE];
    ria_buf_add_text(out, ria_timestamp_format_extended(when, text) ? text : "?");
}

/* Describes the line whose token was appended last. */
static void add_last_line(struct ria_buf *out, const struct ria_token_line_maker *maker)
{
    char text[sizeof(maker->last_line) + 32];
    (void)snprintf(
        text,
        sizeof(text),
        "[%s] for %s at %s:%s",
        maker->last_line.service,
        maker->last_line.user,
        maker->last_line.host,
        maker->last_line.port);
    ria_printable(text);
    ria_buf_addf(out, " %s\n", text);
}

/* Adds the newest error of a line that has no token now. The log also has the errors that are over.
 */
static void add_last_error(const struct ria_serve *serve, struct ria_buf *out)
{
    char text[RIA_TOKEN_LINE_ERROR_SIZE];
    int64_t when = ria_token_line_find_error(&serve->maker, &serve->entries, text);
    ria_buf_add_text(out, "last error   ");
    if (when != 0) {
        add_time(out, when);
        ria_buf_add_char(out, ' ');
    }
    ria_buf_addf(out, "%s\n", when == 0 ? "none" : text);
}

/* Adds the lines about the agent as a whole. */
static void status_add_head(const struct ria_status *status, struct ria_buf *out)
{
    const struct ria_serve *serve = status->serve;
    const struct ria_token_line_maker *maker = &serve->maker;
    ria_buf_addf(
        out,
        "rds-iam-agent " RIA_VERSION ", process %ld, worker %ld, since ",
        (long)status->supervisor,
        (long)getpid());
    add_time(out, status->since);
    ria_buf_addf(out, "\ndirectory    %s\n", serve->agent->directory.path);
    ria_buf_addf(
        out,
        "serving      %s\n",
        serve->is_leasing ? "on open; the passfiles are empty in between"
                          : "by renewal every few minutes, because leases do not work here");
    ria_buf_addf(
        out,
        "entries      %zu of %zu services have their tokens, in %zu passfiles\n",
        ria_entries_count_served(&serve->entries),
        serve->entries.entry_count,
        serve->entries.file_count);
    ria_buf_addf(
        out,
        "opened       %llu times, with %llu tokens made\n",
        (unsigned long long)serve->opened,
        (unsigned long long)maker->appended);
    if (maker->last_appended != 0) {
        ria_buf_add_text(out, "last token   ");
        add_time(out, maker->last_appended);
        add_last_line(out, maker);
    } else {
        ria_buf_add_text(out, "last token   none yet\n");
    }
    add_last_error(serve, out);
}

static void add_sources(const struct ria_token_line_maker *maker, struct ria_buf *out)
{
    for (size_t i = 0; i < RIA_TOKEN_LINE_SOURCES; i++) {
        if (maker->sources[i].name[0] == '\0') {
            continue;
        }
        ria_buf_addf(out, "credentials  %s, ", maker->sources[i].name);
        if (maker->sources[i].expires == 0) {
            ria_buf_add_text(out, "without an expiry time\n");
        } else {
            ria_buf_add_text(out, "until ");
            add_time(out, maker->sources[i].expires);
            ria_buf_add_char(out, '\n');
        }
    }
}

/* Adds a line for each host of each entry. */
static void status_add_lines(const struct ria_entries *entries, struct ria_buf *out)
{
    for (size_t i = 0; i < entries->line_count; i++) {
        const struct ria_line *line = &entries->lines[i];
        const char *word = line->has_token ? "ok" : "no token";
        char who[1024];
        char host[RIA_HOST_SHOWN_SIZE];
        ria_show_host(line->host, host);
        (void)snprintf(
            who, sizeof(who), "[%s] %s at %s:%s", line->service, line->user, host, line->port);
        ria_printable(who);
        ria_buf_addf(
            out,
            "%s  %s\n",
            who,
            line->is_pending && !line->has_token ? "credentials are being fetched" : word);
    }
}

/* Adds one line of text for each passfile line whose last failure is known, and then the number of
 * the other lines that have failed. */
static void add_failures(const struct ria_serve *serve, struct ria_buf *out)
{
    size_t more = 0;
    for (size_t i = 0; i < serve->entries.line_count; i++) {
        const struct ria_line *line = &serve->entries.lines[i];
        const struct ria_failure *failure = ria_failures_find(&serve->maker.failures, line->key);
        if (failure == NULL) {
            more += line->has_failed ? 1 : 0;
            continue;
        }
        char when[RIA_TIMESTAMP_EXTENDED_SIZE];
        char host[RIA_HOST_SHOWN_SIZE];
        char text[2 * RIA_ERROR_TEXT_MAX];
        ria_show_host(line->host, host);
        (void)ria_text_format(
            text,
            sizeof(text),
            "failed       [%.64s] (%.200s:%u): %s %.64s at %.128s:%s: %s",
            line->service,
            line->path,
            line->place,
            ria_timestamp_format_extended(failure->when, when) ? when : "?",
            line->user,
            host,
            line->port,
            failure->message);
        ria_printable(text);
        ria_buf_addf(out, "%s\n", text);
    }
    if (more > 0) {
        ria_buf_addf(out, "failed       and %zu more; see the log\n", more);
    }
}

/* Adds one line of text for each passfile line that has its token, but whose server the clients
 * reject. */
static void add_rejected(const struct ria_serve *serve, struct ria_buf *out)
{
    for (size_t i = 0; i < serve->entries.line_count; i++) {
        const struct ria_line *line = &serve->entries.lines[i];
        const struct ria_login login = {
            .host = line->host,
            .port = line->number,
            .user = line->user,
            .channel = RIA_CHANNEL_VERIFIED,
            .is_service = true,
        };
        struct ria_error err;
        if (!line->is_rejected || ria_service_check_host(&login, &serve->agent->world, &err)) {
            continue;
        }
        char text[2 * RIA_ERROR_TEXT_MAX];
        (void)ria_text_format(
            text,
            sizeof(text),
            "warning      [%.64s] (%.200s:%u): %s",
            line->service,
            line->path,
            line->place,
            err.text);
        ria_printable(text);
        ria_buf_addf(out, "%s\n", text);
    }
}

/* -- the agent's side ----------------------------------------------------------------------- */

static bool is_authorized(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

/* Sends the descriptor `text` over the socket fd. Does not block. */
static void send_descriptor(int fd, int text)
{
    struct envelope envelope;
    struct cmsghdr *header = open_envelope(&envelope);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &text, sizeof(text));
    (void)!sendmsg(fd, &envelope.message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void status_send_text(int fd, const struct ria_buf *text)
{
    int memory = memfd_create("status", MFD_CLOEXEC);
    if (memory >= 0 && ria_file_fill(memory, text->data, text->len)) {
        send_descriptor(fd, memory);
    }
    if (memory >= 0) {
        (void)close(memory);
    }
}

void ria_status_respond(int listener, const struct ria_status *status)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    RIA_AUTO(buf) text = {.max = TEXT_MAX};
    if (is_authorized(fd)) {
        status_add_head(status, &text);
        add_sources(&status->serve->maker, &text);
        ria_refusals_describe(&status->serve->entries.refusals, &text);
        add_failures(status->serve, &text);
        add_rejected(status->serve, &text);
        status_add_lines(&status->serve->entries, &text);
        status_send_text(fd, &text);
    }
    (void)close(fd);
}

/* -- the client's side ---------------------------------------------------------------------- */

/* Waits for the response. Returns its descriptor, or -1 with errno set. */
static int receive_descriptor(int fd)
{
    struct pollfd response = {.fd = fd, .events = POLLIN};
    struct envelope envelope;
    (void)open_envelope(&envelope);
    int ready;
    do { /* after an interruption, waits for the whole time again */
        errno = ETIMEDOUT;
        ready = poll(&response, 1, RESPONSE_MS);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0 || recvmsg(fd, &envelope.message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0) {
        return -1;
    }
    const struct cmsghdr *header = CMSG_FIRSTHDR(&envelope.message);
    int received = -1;
    if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
        memcpy(&received, CMSG_DATA(header), sizeof(received));
    }
    return received;
}

static bool print_file(int fd)
{
    char piece[4096];
    off_t at = 0;
    for (ssize_t len = 1; len > 0; at += len) {
        len = pread(fd, piece, sizeof(piece), at);
        if (len < 0 || fwrite(piece, 1, (size_t)len, stdout) != (size_t)len) {
            return false;
        }
    }
    return fflush(stdout) == 0;
}

bool ria_status_query(const struct ria_directory *directory, struct ria_error *err)
{
    struct sockaddr_un address = address_in(directory);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return ria_directory_fail_unserved(
            directory->path, directory->is_default, "no agent serves it", err);
    }
    int text = receive_descriptor(fd);
    bool ok = text >= 0
                  ? print_file(text) ||
                        ria_directory_fail(directory->path, RIA_AGENT_SOCKET, "cannot be read", err)
                  : ria_directory_fail(
                        directory->path, RIA_AGENT_SOCKET, "the agent does not respond", err);
    if (text >= 0) {
        (void)close(text);
    }
    (void)close(fd);
    return ok;
}
