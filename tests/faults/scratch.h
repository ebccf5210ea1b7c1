/* SPDX-License-Identifier: MIT
 *
 * A directory for the files of a scenario, and a server on loopback that stands for AWS.
 */
#ifndef RIA_FAULTS_SCRATCH_H
#define RIA_FAULTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Creates a new directory, with a name that the caller may show. It is removed when the process
 * ends. */
const char *scratch_directory(void);

/* Writes a file with mode 0600 in it, and the directories above it. */
void scratch_write(const char *name, const char *text);

/* Reads a file in it. Returns false if it cannot be read or does not fit. */
bool scratch_read(const char *name, char *out, size_t size);

/* Removes the contents of a directory in it, and creates the directory. */
void scratch_clear(const char *name);

/* The response to a request whose first line begins with `request`, for example "GET /role ". */
struct scratch_route {
    const char *request;
    const char *body;
    const char *type;
    const char *failure; /* the status line's rest, "400 Bad Request"; NULL: 200 OK */
};

/* Starts a server in a child process, which ends with this process. Each response closes its
 * connection. Returns the port on 127.0.0.1. */
unsigned scratch_serve(const struct scratch_route *routes, size_t count);

/* Returns how often the server has responded with the route of this index. */
uint64_t scratch_served(size_t route);

#endif
