/* SPDX-License-Identifier: MIT
 *
 * A bundle of root certificates in PEM form: reads it whole, checks that it contains the roots of
 * Amazon RDS and nothing else, and compares two of them. By OpenSSL's X.509 functions.
 */
#ifndef RIA_TOOL_CA_BUNDLE_H
#define RIA_TOOL_CA_BUNDLE_H

#include "rds_iam.h"

#include <openssl/x509.h>

/* The certificates of a bundle, without duplicates. Zero it; release it, or use
 * RIA_AUTO(ca_bundle). */
struct ria_ca_bundle {
    STACK_OF(X509) * certificates; /* owned; NULL: none */
    size_t count;
};

enum {
    /* Five times the certificates of Amazon's bundle for all regions. */
    RIA_CA_BUNDLE_MAX = 512,
    RIA_CA_SUBJECT_SIZE = 128,
};

/* Reads every certificate of `pem`. `name` is what messages call the file. Returns false with err
 * filled, "name:line: what is wrong; what to do": a block that is cut off or that OpenSSL cannot
 * parse, a block that is not a certificate, more than RIA_CA_BUNDLE_MAX of them, or none. */
bool ria_ca_bundle_read(
    const struct ria_buf *pem, const char *name, struct ria_ca_bundle *out, struct ria_error *err)
    RIA_MUST_USE;

/* Checks that each certificate is a self-signed CA certificate of Amazon RDS (its common name
 * begins with "Amazon RDS ") that is valid at `now`, in seconds since 1970. Returns false with err
 * filled, which names the first certificate that is not. */
bool ria_ca_bundle_check_rds(
    const struct ria_ca_bundle *bundle, const char *name, int64_t now, struct ria_error *err)
    RIA_MUST_USE;

/* Returns the certificate of that index, below bundle->count. Borrowed from the bundle. */
const X509 *ria_ca_bundle_get(const struct ria_ca_bundle *bundle, size_t index);

/* When the trust of one region ends. */
struct ria_ca_end {
    char region[64]; /* as the common names of its roots have it: "eu-west-1" */
    int64_t at;      /* the last of its roots expires, seconds since 1970 */
};

/* Finds the region whose last root expires first. False if the bundle is empty. */
bool ria_ca_bundle_first_end(const struct ria_ca_bundle *bundle, struct ria_ca_end *out);

/* Whether the bundle contains this certificate, byte for byte. */
bool ria_ca_bundle_has(const struct ria_ca_bundle *bundle, const X509 *certificate);

/* Whether the certificate has expired at `now`. */
bool ria_ca_has_expired(const X509 *certificate, int64_t now);

/* Writes the common name of the certificate's subject. */
void ria_ca_subject(const X509 *certificate, char out[RIA_CA_SUBJECT_SIZE]);

/* Appends the certificates in PEM form, each below a comment line with its name. */
void ria_ca_bundle_write(const struct ria_ca_bundle *bundle, struct ria_buf *out);

/* Fills *out with Amazon's public root certificates, as the CA directory of this system has them:
 * RDS Proxy and Aurora DSQL have certificates of these. *out may stay empty. */
bool ria_ca_bundle_find_public(int64_t now, struct ria_ca_bundle *out, struct ria_error *err)
    RIA_MUST_USE;

void ria_ca_bundle_release(struct ria_ca_bundle *bundle);

#endif
