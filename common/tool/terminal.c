/* SPDX-License-Identifier: MIT
 *
 * The terminal does not echo while somebody types. Signals that would end or stop the program
 * meanwhile are blocked and watched for, so that they strike when it echoes again. */
#include "tool/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

struct terminal {
    int fd;
    int signals; /* readable when one of the blocked signals has come */
    struct termios before;
    sigset_t mask_before;
};

static bool quieten(struct terminal *terminal)
{
    static const int ends[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP};
    sigset_t blocked;
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)sigaddset(&blocked, ends[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &blocked, &terminal->mask_before);
    terminal->signals = signalfd(-1, &blocked, SFD_CLOEXEC);
    struct termios unseen = terminal->before;
    unseen.c_lflag &= (tcflag_t) ~(tcflag_t)ECHO;
    return terminal->signals >= 0 && tcsetattr(terminal->fd, TCSAFLUSH, &unseen) == 0;
}

/* A signal that has come strikes here. */
static void give_back(struct terminal *terminal)
{
    (void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
    (void)!write(terminal->fd, "\n", 1);
    if (terminal->signals >= 0) {
        (void)close(terminal->signals);
    }
    (void)sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
}

/* The bytes of one line; -1 if a signal has come instead. */
static ssize_t read_line(const struct terminal *terminal, char *out, size_t size)
{
    struct pollfd watched[] = {
        {.fd = terminal->signals, .events = POLLIN}, {.fd = terminal->fd, .events = POLLIN}};
    while (poll(watched, 2, -1) < 0 && errno == EINTR) {
    }
    if (watched[0].revents != 0) {
        return -1;
    }
    ssize_t len = read(terminal->fd, out, size);
    return len < 0 ? 0 : len;
}

static ssize_t ask_once(struct terminal *terminal, const char *question, char *out, size_t size)
{
    ssize_t len = 0;
    if (quieten(terminal) && write(terminal->fd, question, strlen(question)) > 0) {
        len = read_line(terminal, out, size);
    }
    give_back(terminal);
    return len;
}

enum ria_typed ria_terminal_ask(const char *question, char *out, size_t size)
{
    struct terminal terminal = {.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
    if (terminal.fd < 0) {
        return RIA_TYPED_NO_TERMINAL;
    }
    if (tcgetattr(terminal.fd, &terminal.before) != 0) {
        (void)close(terminal.fd);
        return RIA_TYPED_NO_TERMINAL;
    }
    /* Who was stopped and goes on is asked again. */
    ssize_t len;
    do {
        len = ask_once(&terminal, question, out, size - 1);
    } while (len < 0);
    (void)close(terminal.fd);
    out[len] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return out[0] == '\0' ? RIA_TYPED_NOTHING : RIA_TYPED;
}
