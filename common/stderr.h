/* SPDX-License-Identifier: MIT
 *
 * Writing to the stderr of a program that is not ours. Part of the core, and of librds-iam-pq.so,
 * which has no other of its parts that does anything.
 */
#ifndef RIA_STDERR_H
#define RIA_STDERR_H

#include <stddef.h>

/* Writes the text, or nothing: where descriptor 2 is a connection to another machine, or would have
 * the program wait or get a SIGPIPE. Changes errno. */
void ria_stderr_write(const char *text, size_t len);

#endif
