/* SPDX-License-Identifier: MIT
 *
 * DPoP proofs (RFC 9449, section 4.2) with ES256. A DPoP proof shows that the sender of a request
 * has a private key. It is a JSON Web Token whose header contains the public key and whose claims
 * contain the method, the URL and the time of the request. It is signed with the private key.
 */
#ifndef RIA_FETCH_DPOP_H
#define RIA_FETCH_DPOP_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

enum {
    RIA_DPOP_MAX = 8 * 1024 /* enough for a URL of 2 KB in base64 and 600 other bytes */
};

/* Appends the header "DPoP: TOKEN" for a request with this method and URL, sent at `now`, in
 * seconds since 1970. `pem` is the private key, an EC key on P-256. Returns false with err filled
 * if `pem` is not such a key, if the proof cannot be signed, if memory runs out, or if the header
 * would be longer than RIA_DPOP_MAX. */
bool ria_dpop_header(
    const struct ria_buf *pem,
    const char *method,
    const char *url,
    int64_t now,
    struct ria_buf *out,
    struct ria_error *err) RIA_MUST_USE;

#endif
