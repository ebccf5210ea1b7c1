/* SPDX-License-Identifier: MIT
 *
 * A directory for the files of a scenario, and a server on loopback that simulates AWS.
 */
#ifndef RIA_FAULTS_SCRATCH_H
#define RIA_FAULTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the path of the scratch directory. The first call creates it; it is removed when the
 * process ends. */
const char *scratch_directory(void);

/* Writes a file with mode 0600 in the scratch directory, and creates its parent directories.
 */
void scratch_write(const char *name, const char *text);

/* Reads a file in the scratch directory. Returns false if it cannot be read or does not fit. */
bool scratch_read(const char *name, char *out, size_t size);

/* Removes the contents of a directory in the scratch directory, or creates the directory if it does
 * not exist. */
void scratch_clear(const char *name);

/* The response to a request whose first line begins with `request`, for example "GET /role ". */
struct scratch_route {
    const char *request;
    const char *body;
    const char *type;
    const char *failure; /* the status, for example "400 Bad Request"; NULL: "200 OK" */
};

/* Starts a server in a child process, which ends with this process. A request without a route gets
 * the status 404. Each response closes its connection. Returns the port on 127.0.0.1. */
unsigned scratch_serve(const struct scratch_route *routes, size_t count);

/* Returns how often the server has responded with the route of this index. */
uint64_t scratch_served(size_t route);

#endif
