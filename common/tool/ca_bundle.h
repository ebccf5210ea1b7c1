/* SPDX-License-Identifier: MIT
 *
 * A bundle of root certificates in PEM form. These functions read and write a bundle, check that it
 * contains only roots of Amazon RDS, and find Amazon's public roots among the CA certificates of
 * the system. They use OpenSSL's X.509 functions.
 */
#ifndef RIA_TOOL_CA_BUNDLE_H
#define RIA_TOOL_CA_BUNDLE_H

#include "rds_iam.h"

#include <openssl/x509.h>

/* The certificates of a bundle, without duplicates. Initialize it with {0}. Release it with
 * ria_ca_bundle_release(), or declare it with RIA_AUTO(ca_bundle). */
struct ria_ca_bundle {
    STACK_OF(X509) * certificates; /* owned; NULL: none */
    size_t count;
};

enum {
    /* The largest number of certificates that a bundle may contain. It is about five times the
     * number of certificates in Amazon's bundle for all regions. */
    RIA_CA_BUNDLE_MAX = 512,
    RIA_CA_SUBJECT_SIZE = 128,
};

/* Adds every certificate in `pem` to *out. `name` is the name of the file in messages. If a
 * block is cut off, cannot be parsed or is not a certificate, returns false with err filled:
 * "name:line: what is wrong; what to do". If `pem` is not text, contains no certificate, or
 * contains more than RIA_CA_BUNDLE_MAX, returns false with err filled: "name: what is wrong; what
 * to do". */
bool ria_ca_bundle_read(
    const struct ria_buf *pem, const char *name, struct ria_ca_bundle *out, struct ria_error *err)
    RIA_MUST_USE;

/* Checks that each certificate is a self-signed CA certificate of Amazon RDS, whose common name
 * begins with "Amazon RDS ", and is valid at `now`, in seconds since 1970. Otherwise returns false
 * with err filled; err names the first certificate that fails the check. `name` is the name of the
 * file in messages. */
bool ria_ca_bundle_check_rds(
    const struct ria_ca_bundle *bundle, const char *name, int64_t now, struct ria_error *err)
    RIA_MUST_USE;

/* Returns the certificate number `index`, which must be below bundle->count. The certificate is
 * borrowed from the bundle. */
const X509 *ria_ca_bundle_get(const struct ria_ca_bundle *bundle, size_t index);

/* The end of a region: the time at which the region's roots have all expired. */
struct ria_ca_end {
    char region[64]; /* such as "eu-west-1"; the common names of the region's roots contain it */
    int64_t at;      /* seconds since 1970 */
};

/* Finds the region with the earliest end. The end of a region is the expiry time of the root that
 * expires last in this region. If several regions have the earliest end, finds the first of them in
 * the bundle. Returns false if the bundle is empty. */
bool ria_ca_bundle_first_end(const struct ria_ca_bundle *bundle, struct ria_ca_end *out);

/* Returns whether the bundle contains this certificate, byte for byte. */
bool ria_ca_bundle_has(const struct ria_ca_bundle *bundle, const X509 *certificate);

/* Returns whether the certificate has expired at `now`, in seconds since 1970. */
bool ria_ca_has_expired(const X509 *certificate, int64_t now);

/* Writes the common name of the certificate's subject, with '?' for each control character and each
 * byte outside ASCII. Writes "a certificate without a common name" if the subject has no common
 * name. */
void ria_ca_subject(const X509 *certificate, char out[RIA_CA_SUBJECT_SIZE]);

/* Appends the certificates in PEM form, with a comment line before each certificate. The line
 * contains the certificate's common name. If memory runs out, sets out->failed. */
void ria_ca_bundle_write(const struct ria_ca_bundle *bundle, struct ria_buf *out);

/* Adds to *out Amazon's public root certificates that the system trusts and that have not expired
 * at `now`. These roots verify RDS Proxy and Aurora DSQL. *out stays empty if the system trusts
 * none of them. Returns false with err filled if the system's certificates cannot be searched. */
bool ria_ca_bundle_find_public(int64_t now, struct ria_ca_bundle *out, struct ria_error *err)
    RIA_MUST_USE;

/* Frees the certificates. *bundle is empty afterwards. */
void ria_ca_bundle_release(struct ria_ca_bundle *bundle);

#endif
