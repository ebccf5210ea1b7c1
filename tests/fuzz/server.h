/* SPDX-License-Identifier: MIT
 *
 * A server for real client libraries: a thread that sends the pieces of an input as raw bytes, and
 * records what the client sends. The program's own connect() and getaddrinfo() replace those of
 * libc: every name resolves to an IPv4 address of this machine, and every IPv4 connection reaches
 * this server, on any host and port. Other connections, and posix_spawn(), always fail.
 *
 * When a client has connected, the server sends the first piece. It sends each further piece after
 * the client has sent something, or after a short wait. After the last piece it closes its side of
 * the connection. Further connections of the same client continue with the next piece.
 */
#ifndef RIA_FUZZ_SERVER_H
#define RIA_FUZZ_SERVER_H

#include "fuzz.h"

/* Sets the pieces that the next connections send. The first call starts the thread. */
void fuzz_server_play(struct fuzz_input script);

/* Ends the connections, and fills *received with the bytes that the server has received since
 * fuzz_server_play(). *received must be zeroed. Call it when the client has closed its
 * connection. */
void fuzz_server_end(struct ria_buf *received);

/* Returns true if a server that sends this script can crash libmariadb 3.3: when the greeting is an
 * error packet with the code 65535, libmariadb reads the server's version from a null pointer. It
 * also does so without rds-iam, so a target leaves such a script out. */
bool fuzz_server_crashes_libmariadb(struct fuzz_input script);

/* The number of connections since fuzz_server_play() that have ended. */
unsigned fuzz_server_connections(void);

/* Starts the program again with the preload of rds-iam in LD_PRELOAD, unless it is there already.
 * Call it from a constructor, with the arguments of the program. */
void fuzz_use_preload(char **arguments);

#endif
