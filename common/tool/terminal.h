/* SPDX-License-Identifier: MIT
 *
 * A line that a person types at the terminal, unseen. It is not read from stdin and the question is
 * not written to stdout: those may belong to another program that runs us as its
 * credential_process.
 */
#ifndef RIA_TOOL_TERMINAL_H
#define RIA_TOOL_TERMINAL_H

#include <stddef.h>

enum ria_typed {
    RIA_TYPED,
    RIA_TYPED_NOTHING,     /* an empty line, or its end (Ctrl-D) */
    RIA_TYPED_NO_TERMINAL, /* nobody to ask */
};

/* Asks, and puts the line without its newline into out, cut to size. Wipe it after use. A signal
 * that ends or stops the program does so with the terminal as it was before. */
enum ria_typed ria_terminal_ask(const char *question, char *out, size_t size);

#endif
