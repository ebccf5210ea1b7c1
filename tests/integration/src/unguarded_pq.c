/* SPDX-License-Identifier: MIT
 *
 * Linked into a copy of the token module, with --wrap: makes tokens for every connection, as if the
 * connection had sslmode=verify-full. So a hostile server gets a token. This is the control of the
 * tests in which such a server gets no token. */
#include "preload/token_passfile.h"

size_t __real_ria_token_passfile_add_lines(
    const struct ria_pq_target *target,
    size_t spare,
    struct ria_buf *lines,
    struct ria_refusals *refusals);
size_t __wrap_ria_token_passfile_add_lines(
    const struct ria_pq_target *target,
    size_t spare,
    struct ria_buf *lines,
    struct ria_refusals *refusals);

size_t __wrap_ria_token_passfile_add_lines(
    const struct ria_pq_target *target,
    size_t spare,
    struct ria_buf *lines,
    struct ria_refusals *refusals)
{
    struct ria_pq_target verified = *target;
    verified.sslmode = "verify-full";
    verified.gssencmode = "disable";
    return __real_ria_token_passfile_add_lines(&verified, spare, lines, refusals);
}
