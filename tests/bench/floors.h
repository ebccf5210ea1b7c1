/* SPDX-License-Identifier: MIT
 *
 * The least that a token costs on this platform, for bench_signer.
 */
#ifndef FLOORS_H
#define FLOORS_H

/* Computes the three digests of a token by OpenSSL's public functions, each with one update: the
 * canonical request without a session token, and the two halves of the HMAC of the string to sign.
 */
void floor_digest(void);

/* Makes the system calls of a login: getresuid(), and stat() for `files` of its configuration
 * files, 1 to 3. Fewer calls would not notice each change of the user and of a file. */
void floor_call_system(unsigned files);

#endif
