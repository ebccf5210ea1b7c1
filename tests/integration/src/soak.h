/* SPDX-License-Identifier: MIT
 *
 * A soak program consists of soak.c and of a part that uses the client library (soak_pq.c or
 * soak_mysql.c). This header declares what the second part defines. */
#ifndef SOAK_H
#define SOAK_H

#include <stdbool.h>
#include <stddef.h>

/* The arguments that the library's part needs, for the message about wrong arguments. */
extern const char soak_usage[];
/* The number of these arguments. */
extern const int soak_argument_count;

/* Initializes the library. Called once, before the first thread starts. */
void soak_begin(void);

/* Connects, and closes the connection. Returns false if the login fails, with the library's error
 * in `why`. Threads call it at the same time. */
bool soak_log_in(char **arguments, char *why, size_t size);

#endif
