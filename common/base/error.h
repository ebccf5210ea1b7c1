/* SPDX-License-Identifier: MIT
 *
 * The one error type. It is a value on the caller's stack: filling it allocates nothing, so it
 * works out of memory and inside a foreign process, and there is nothing to free.
 *
 * A text reads "place: what is wrong; what to do". It never holds a secret, a token or a URL with
 * a query. Control characters are replaced as the text is written, because file names, profile
 * names and host names in it come from outside.
 */
#ifndef RIA_BASE_ERROR_H
#define RIA_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define RIA_MUST_USE __attribute__((warn_unused_result))

/* 511 bytes is also what Connector/C and libmysqlclient keep of an error text. */
enum {
    RIA_ERROR_TEXT_MAX = 512,
    /* What every client shows whole: 480 bytes, less the words that Oracle's library has in front.
     * See ria_fail_shown(). */
    RIA_ERROR_SHOWN_MAX = 380,
};

/* One code for each thing that a caller can do about it. */
enum ria_code {
    RIA_E_NONE = 0,
    RIA_E_USAGE,          /* the request itself is wrong: host, port, user */
    RIA_E_CONFIG,         /* a file must be mended */
    RIA_E_UNREACHABLE,    /* a path does not lead to a file: ria_world_read_usual() */
    RIA_E_NO_CREDENTIALS, /* no source is configured */
    RIA_E_CREDENTIALS,    /* a source is configured and broken, or not usable */
    RIA_E_ENDPOINT,       /* the host is nothing that a token can be signed for */
    RIA_E_CHANNEL,        /* the connection is not fit to carry a token */
    RIA_E_CRYPTO,         /* OpenSSL cannot be trusted in this process, or failed */
    RIA_E_SYSTEM,         /* memory, threads, files of our own */
    RIA_E_MFA,            /* a person must type a code */
    RIA_E_DEADLINE,       /* the time allowed is used up */
    RIA_E_SLOW_PROCESS,   /* a credential_process did not answer in time */
    RIA_E_PENDING,        /* under way: ask again when it has come */
};

/* The answer to "can you?" where yes and no are not enough: a source that is not configured is
 * ABSENT and the next one is asked; one that is configured and broken FAILED and the search ends,
 * because going on would log in as somebody else. */
enum ria_outcome {
    RIA_FOUND,
    RIA_ABSENT,
    RIA_FAILED,
};

struct ria_error {
    enum ria_code code;
    char text[RIA_ERROR_TEXT_MAX];
};

/* Fills *err (which may be NULL) and returns false, so that "return ria_fail(...)" reads well.
 * A text that does not fit is cut at a UTF-8 character and ends in "...". */
bool ria_fail(struct ria_error *err, enum ria_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a text that ends in something to write, which a client must show whole: where the
 * text is longer than RIA_ERROR_SHOWN_MAX, what stands in front of its first semicolon is left out,
 * because what to do matters more than what is wrong. An argument there must hold no "; ". */
bool ria_fail_shown(struct ria_error *err, enum ria_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for three-way functions: fills *err and returns RIA_FAILED, or RIA_ABSENT. */
enum ria_outcome ria_failed(struct ria_error *err, enum ria_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum ria_outcome ria_absent(struct ria_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Replaces every control character of a text, and every byte that is not UTF-8, with '?'. For texts
 * that a person will read: Python's clients lose the whole of an error that is not UTF-8. */
void ria_printable(char *text);

#endif
