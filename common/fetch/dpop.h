/* SPDX-License-Identifier: MIT
 *
 * A proof that whoever sends a request holds a key: DPoP, RFC 9449, section 4.2, by ES256. It is a
 * JSON Web Token that names the request, and its signature says that the holder of the key, whose
 * public half is in its header, has made it now.
 */
#ifndef RIA_FETCH_DPOP_H
#define RIA_FETCH_DPOP_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

enum {
    RIA_DPOP_MAX = 8 * 1024 /* a URL of 2 KB in base64, and 600 bytes beside it */
};

/* Appends "DPoP: TOKEN" for a request of this method and URL, made at `now`, in seconds since 1970.
 * `pem` is the private key, an EC key of P-256. False with err filled if it is none, without
 * memory, or if the header would be longer than RIA_DPOP_MAX. */
bool ria_dpop_header(
    const struct ria_buf *pem,
    const char *method,
    const char *url,
    int64_t now,
    struct ria_buf *out,
    struct ria_error *err) RIA_MUST_USE;

#endif
