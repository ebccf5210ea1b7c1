/* SPDX-License-Identifier: MIT
 *
 * The error type of this project. A caller declares a struct ria_error on its stack. Filling
 * the struct allocates no memory, so errors can be reported when memory is exhausted, and there is
 * nothing to free.
 *
 * An error's text has the form "place: what is wrong; what to do". It never contains a secret, a
 * token or a URL with a query. Control characters are replaced when the text is written, because
 * the text can contain file names, profile names and host names from outside.
 */
#ifndef RIA_BASE_ERROR_H
#define RIA_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define RIA_MUST_USE __attribute__((warn_unused_result))

/* The size of an error text with its NUL. Connector/C and libmysqlclient have the same limit. */
enum {
    RIA_ERROR_TEXT_MAX = 512,
    /* The longest text that every client shows in full: RIA_PLUGIN_MESSAGE_SIZE (480 bytes,
     * mysql_plugin/message.h) minus 100 bytes for the words that Oracle's library writes before the
     * text. ria_fail_shown() shortens longer texts. */
    RIA_ERROR_SHOWN_MAX = 380,
};

/* The causes of a failure. Callers treat these causes differently. */
enum ria_code {
    RIA_E_NONE = 0,
    RIA_E_USAGE,          /* the request itself is wrong: host, port, user */
    RIA_E_CONFIG,         /* a file must be fixed */
    RIA_E_UNREACHABLE,    /* the path leads to no file; see read_file() in struct ria_world */
    RIA_E_NO_CREDENTIALS, /* no source is configured */
    RIA_E_CREDENTIALS,    /* a source is configured, but broken or unusable */
    RIA_E_ENDPOINT,       /* tokens cannot be signed for this host */
    RIA_E_CHANNEL,        /* the connection is not secure enough for a token */
    RIA_E_CRYPTO,         /* OpenSSL is unusable in this process, or failed */
    RIA_E_SYSTEM,         /* memory, threads, rds-iam's own files */
    RIA_E_MFA,            /* the user must enter an MFA code */
    RIA_E_DEADLINE,       /* the time limit was exceeded */
    RIA_E_SLOW_PROCESS,   /* a credential_process did not finish in time */
    RIA_E_PENDING,        /* a fetch is running: call again when it has finished */
};

/* The result of a search for credentials, a file or an endpoint, with three outcomes. For example,
 * a source that is not configured is ABSENT, and the next source is tried. A source that is
 * configured but broken is FAILED, and the search ends: the next source could log in as another
 * identity. */
enum ria_outcome {
    RIA_FOUND,
    RIA_ABSENT,
    RIA_FAILED,
};

struct ria_error {
    enum ria_code code;
    char text[RIA_ERROR_TEXT_MAX];
};

/* Fills *err (which may be NULL) and returns false, so that a caller can write "return
 * ria_fail(...)". A text that is too long is cut at a UTF-8 character boundary and ends in "...".
 */
bool ria_fail(struct ria_error *err, enum ria_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Like ria_fail(), for a text that ends in configuration lines which a client must show in full. If
 * the text is longer than RIA_ERROR_SHOWN_MAX, everything up to and including its first "; " is
 * dropped, because the remedy matters more than the cause. An argument that is formatted before
 * this "; " must not contain "; " itself. */
bool ria_fail_shown(struct ria_error *err, enum ria_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fills *err like ria_fail(), and returns RIA_FAILED. */
enum ria_outcome ria_failed(struct ria_error *err, enum ria_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fills *err like ria_fail(), with the code RIA_E_NO_CREDENTIALS, and returns RIA_ABSENT. */
enum ria_outcome ria_absent(struct ria_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Replaces these characters by '?', one for each byte: control characters, line separators (U+2028,
 * U+2029), and marks that change the direction of the text (Unicode's Bidi_Control). Also replaces
 * each byte that is not part of valid UTF-8. Every text that is shown to the user needs this: a
 * name in it must not look like another line or another name, and Python's clients drop an error
 * message that is not UTF-8.
 */
void ria_printable(char *text);

#endif
