/* SPDX-License-Identifier: MIT
 *
 * Stands for rds-iam-fetch in test_fetch_client.c. Reads the request from standard input and does
 * what the text of the request names. */
#include "codec/record.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PAYLOAD = 3000,
    NOT_LOADED = 127,
    MOMENT_US = 2000
};

/* Makes a complete response, with the length of a response that contains a session token. */
static void make_response(struct ria_buf *out)
{
    char payload[PAYLOAD];
    memset(payload, 'x', sizeof(payload));
    ria_record_begin(out, RIA_RECORD_RESPONSE);
    ria_record_add(out, 1, payload, sizeof(payload));
    ria_record_end(out);
}

static void put(const char *bytes, size_t len, size_t piece)
{
    for (size_t done = 0; done < len; done += piece) {
        size_t left = len - done;
        if (send(STDIN_FILENO, bytes + done, left < piece ? left : piece, MSG_NOSIGNAL) < 0) {
            _exit(EXIT_FAILURE);
        }
    }
}

static void read_to_the_end(void)
{
    char unused[4096];
    ssize_t len = 1;
    while (len > 0) {
        len = read(STDIN_FILENO, unused, sizeof(unused));
    }
}

/* Returns true if LD_LIBRARY_PATH is "/good", which stands for the directory that contains the
 * libraries of this program. */
static bool is_loaded(void)
{
    const char *path = getenv("LD_LIBRARY_PATH");
    return path != NULL && strcmp(path, "/good") == 0;
}

int main(void)
{
    static const struct rlimit no_core = {0};
    char word[16] = "";
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    make_response(&response);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (recv(STDIN_FILENO, word, sizeof(word) - 1, MSG_PEEK) < 0) {
        return EXIT_FAILURE;
    }
    if (strcmp(word, "early") == 0) {
        put(response.data, response.len, response.len);
        return EXIT_SUCCESS;
    }
    if (strcmp(word, "slow") == 0) {
        (void)usleep(100 * MOMENT_US);
    }
    if (strcmp(word, "hang") == 0) {
        (void)pause();
    }
    if (strcmp(word, "library") == 0 && !is_loaded()) {
        _exit(NOT_LOADED); /* as the dynamic linker does if it cannot find a library */
    }
    read_to_the_end();
    if (strcmp(word, "foreign") == 0) {
        put("HTTP/1.1 400 Bad Request\r\n", 26, 26);
    } else if (strcmp(word, "bytes") == 0) {
        put(response.data, response.len, 1);
    } else if (strcmp(word, "torn") == 0) {
        put(response.data, response.len / 2, response.len);
    } else if (strcmp(word, "torn 127") == 0) {
        put(response.data, response.len / 2, response.len);
        _exit(NOT_LOADED);
    } else if (strcmp(word, "longer") == 0) {
        put(response.data, response.len, response.len);
        put(response.data, response.len, response.len);
    } else if (strcmp(word, "killed") == 0) {
        (void)raise(SIGKILL);
    } else if (strcmp(word, "signalled") == 0) {
        (void)raise(SIGUSR1);
    } else if (strcmp(word, "goes on") == 0) {
        (void)close(STDIN_FILENO);
        (void)pause();
    } else if (strcmp(word, "exit 3") == 0) {
        _exit(3);
    } else {
        put(response.data, response.len, response.len);
    }
    return EXIT_SUCCESS;
}
