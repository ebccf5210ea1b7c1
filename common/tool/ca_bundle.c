/* SPDX-License-Identifier: MIT
 *
 * Reads a PEM file block by block with OpenSSL's X.509 functions, so that a message can name the
 * line of an invalid block. Rejects a block that is not a certificate (such as a private key), a
 * block without an end, and a certificate that OpenSSL cannot parse. If a certificate occurs twice,
 * stores it once. Ignores text between the blocks. This file also checks that a bundle contains
 * only valid roots of Amazon RDS, writes a bundle, and finds Amazon's public roots among the CA
 * certificates of the system. */
#include "tool/ca_bundle.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>

static const char begin_line[] = "-----BEGIN ";
static const char certificate_line[] = "-----BEGIN CERTIFICATE-----";
static const char end_line[] = "-----END CERTIFICATE-----";
static const char rds_name[] = "Amazon RDS ";

/* -- certificates ---------------------------------------------------------------------------- */

const X509 *ria_ca_bundle_get(const struct ria_ca_bundle *bundle, size_t index)
{
    return sk_X509_value(bundle->certificates, (int)index);
}

bool ria_ca_bundle_has(const struct ria_ca_bundle *bundle, const X509 *certificate)
{
    for (size_t i = 0; i < bundle->count; i++) {
        if (X509_cmp(ria_ca_bundle_get(bundle, i), certificate) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds a certificate unless the bundle already contains it. Takes ownership of the certificate,
 * also on failure. Returns false if the certificate is NULL or memory runs out. */
static bool ca_bundle_add(struct ria_ca_bundle *bundle, X509 *certificate)
{
    if (certificate == NULL || ria_ca_bundle_has(bundle, certificate)) {
        X509_free(certificate);
        return certificate != NULL;
    }
    if (bundle->certificates == NULL) {
        bundle->certificates = sk_X509_new_null();
    }
    if (bundle->certificates == NULL || sk_X509_push(bundle->certificates, certificate) <= 0) {
        X509_free(certificate);
        return false;
    }
    bundle->count++;
    return true;
}

void ria_ca_bundle_release(struct ria_ca_bundle *bundle)
{
    sk_X509_pop_free(bundle->certificates, X509_free);
    *bundle = (struct ria_ca_bundle){0};
}

void ria_ca_subject(const X509 *certificate, char out[RIA_CA_SUBJECT_SIZE])
{
    const X509_NAME *name = X509_get_subject_name(certificate);
    int len = X509_NAME_get_text_by_NID(name, NID_commonName, out, RIA_CA_SUBJECT_SIZE);
    if (len <= 0) {
        (void)ria_text_copy(out, RIA_CA_SUBJECT_SIZE, "a certificate without a common name");
    }
    for (char *at = out; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || (unsigned char)*at > '~') {
            *at = '?';
        }
    }
}

/* Converts a time to seconds since 1970. Returns 0 for a date that OpenSSL cannot convert. */
static int64_t seconds_of(const ASN1_TIME *time)
{
    int days = 0;
    int seconds = 0;
    ASN1_TIME *start = ASN1_TIME_set(NULL, 0);
    bool ok = start != NULL && ASN1_TIME_diff(&days, &seconds, start, time) == 1;
    ASN1_TIME_free(start);
    return ok ? ((int64_t)days * 86400) + seconds : 0;
}

bool ria_ca_has_expired(const X509 *certificate, int64_t now)
{
    return seconds_of(X509_get0_notAfter(certificate)) <= now;
}

/* -- reading --------------------------------------------------------------------------------- */

/* A position in the text of a bundle, at the beginning of a line. */
struct cursor {
    const char *at;
    unsigned line;
};

static const char *end_of_line(const char *at)
{
    const char *end = strchr(at, '\n');
    return end == NULL ? at + strlen(at) : end + 1;
}

static bool ca_bundle_begins(const char *at, const char *start)
{
    return strncmp(at, start, strlen(start)) == 0;
}

/* Moves the cursor to the first line, from the current line on, that begins with `start`. Returns
 * false at the end of the text. */
static bool find_line(struct cursor *cursor, const char *start)
{
    while (*cursor->at != '\0' && !ca_bundle_begins(cursor->at, start)) {
        cursor->at = end_of_line(cursor->at);
        cursor->line++;
    }
    return *cursor->at != '\0';
}

/* Reports to OpenSSL that there is no pass phrase. Without this function, OpenSSL would ask the
 * user on the terminal for the pass phrase of an encrypted block. */
static int refuse_pass_phrase(char *out, int size, int is_write, void *self)
{
    (void)is_write;
    (void)self;
    if (size > 0) {
        *out = '\0';
    }
    return -1;
}

static X509 *parse_certificate(const char *pem, size_t len)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, refuse_pass_phrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return certificate;
}

/* Reads the block at the cursor and moves the cursor to the line after the block. Returns false
 * with err filled if the block is not a complete certificate, or if memory runs out. */
static bool read_block(
    struct cursor *cursor, const char *name, struct ria_ca_bundle *out, struct ria_error *err)
{
    const char *start = cursor->at;
    unsigned line = cursor->line;
    if (!ca_bundle_begins(start, certificate_line)) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s:%u: \"%.40s\" is not a certificate; name a file that contains only certificates",
            name,
            line,
            start);
    }
    cursor->at = end_of_line(cursor->at);
    cursor->line++;
    struct cursor next = *cursor;
    bool is_followed = find_line(&next, begin_line);
    if (!find_line(cursor, end_line) || (is_followed && next.at < cursor->at)) {
        return ria_fail(
            err, RIA_E_CONFIG, "%s:%u: the certificate is cut off; get the file again", name, line);
    }
    cursor->at = end_of_line(cursor->at);
    cursor->line++;
    X509 *certificate = parse_certificate(start, (size_t)(cursor->at - start));
    if (certificate == NULL) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "%s:%u: the certificate cannot be parsed; get the file again",
            name,
            line);
    }
    return ca_bundle_add(out, certificate) || ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_MEMORY);
}

bool ria_ca_bundle_read(
    const struct ria_buf *pem, const char *name, struct ria_ca_bundle *out, struct ria_error *err)
{
    const char *text = ria_buf_text(pem);
    if (text == NULL || strlen(text) != pem->len) {
        return ria_fail(
            err, RIA_E_CONFIG, "%s: is not a PEM file; name Amazon's bundle (.pem)", name);
    }
    struct cursor cursor = {.at = text, .line = 1};
    while (find_line(&cursor, begin_line)) {
        if (!read_block(&cursor, name, out, err)) {
            return false;
        }
        if (out->count > RIA_CA_BUNDLE_MAX) {
            return ria_fail(
                err,
                RIA_E_CONFIG,
                "%s: has more than %d certificates; name Amazon's bundle",
                name,
                RIA_CA_BUNDLE_MAX);
        }
    }
    return out->count > 0 ||
           ria_fail(
               err, RIA_E_CONFIG, "%s: contains no certificate; name Amazon's bundle (.pem)", name);
}

/* -- the roots of RDS ------------------------------------------------------------------------ */

/* Returns what is wrong with a root and what to do, or NULL if the root is valid at `now`. A
 * message contains this text after the name of the root: "is not valid yet; check the clock". */
static const char *fault_of(const X509 *certificate, int64_t now)
{
    char subject[RIA_CA_SUBJECT_SIZE];
    ria_ca_subject(certificate, subject);
    if (!ca_bundle_begins(subject, rds_name)) {
        return "is not a root certificate of Amazon RDS; use Amazon's bundle as it is";
    }
    X509 *writable = X509_dup(certificate); /* OpenSSL caches extensions in the object */
    bool is_root =
        writable != NULL && X509_self_signed(writable, 1) == 1 && X509_check_ca(writable) == 1;
    X509_free(writable);
    ERR_clear_error();
    if (!is_root) {
        return "is not a self-signed CA certificate; use Amazon's bundle as it is";
    }
    if (ria_ca_has_expired(certificate, now)) {
        return "has expired; get the current bundle, and check the clock";
    }
    if (seconds_of(X509_get0_notBefore(certificate)) > now) {
        return "is not valid yet; check the clock";
    }
    return NULL;
}

bool ria_ca_bundle_check_rds(
    const struct ria_ca_bundle *bundle, const char *name, int64_t now, struct ria_error *err)
{
    for (size_t i = 0; i < bundle->count; i++) {
        const char *fault = fault_of(ria_ca_bundle_get(bundle, i), now);
        if (fault != NULL) {
            char subject[RIA_CA_SUBJECT_SIZE];
            ria_ca_subject(ria_ca_bundle_get(bundle, i), subject);
            return ria_fail(err, RIA_E_CONFIG, "%s: \"%s\" %s", name, subject, fault);
        }
    }
    return true;
}

/* Copies the region from the common name of a root, such as "Amazon RDS eu-west-1 Root CA RSA2048
 * G1": the first word after "Amazon RDS ". */
static void region_of(const X509 *certificate, char *out, size_t size)
{
    char subject[RIA_CA_SUBJECT_SIZE];
    ria_ca_subject(certificate, subject);
    const char *word = ca_bundle_begins(subject, rds_name) ? subject + strlen(rds_name) : subject;
    (void)snprintf(out, size, "%.*s", (int)strcspn(word, " "), word);
}

/* Returns the time at which the last root of a region expires. */
static int64_t end_of_region(const struct ria_ca_bundle *bundle, const char *region)
{
    int64_t last = 0;
    for (size_t i = 0; i < bundle->count; i++) {
        char own[sizeof((struct ria_ca_end){0}.region)];
        region_of(ria_ca_bundle_get(bundle, i), own, sizeof(own));
        int64_t end = seconds_of(X509_get0_notAfter(ria_ca_bundle_get(bundle, i)));
        if (strcmp(own, region) == 0 && end > last) {
            last = end;
        }
    }
    return last;
}

bool ria_ca_bundle_first_end(const struct ria_ca_bundle *bundle, struct ria_ca_end *out)
{
    struct ria_ca_end first = {.at = INT64_MAX};
    for (size_t i = 0; i < bundle->count; i++) {
        struct ria_ca_end one;
        region_of(ria_ca_bundle_get(bundle, i), one.region, sizeof(one.region));
        one.at = end_of_region(bundle, one.region);
        if (one.at < first.at) {
            first = one;
        }
    }
    *out = first;
    return bundle->count > 0;
}

void ria_ca_bundle_write(const struct ria_ca_bundle *bundle, struct ria_buf *out)
{
    for (size_t i = 0; i < bundle->count; i++) {
        char subject[RIA_CA_SUBJECT_SIZE];
        char *bytes = NULL;
        BIO *bio = BIO_new(BIO_s_mem());
        bool ok = bio != NULL && PEM_write_bio_X509(bio, ria_ca_bundle_get(bundle, i)) == 1;
        long len = ok ? BIO_get_mem_data(bio, &bytes) : 0;
        ria_ca_subject(ria_ca_bundle_get(bundle, i), subject);
        ria_buf_addf(out, "# %s\n", subject);
        ria_buf_add(out, bytes, (size_t)len);
        out->failed = out->failed || !ok;
        BIO_free(bio);
    }
    ERR_clear_error();
}

/* -- public roots ---------------------------------------------------------------------------- */

/* The roots of Amazon Trust Services with Amazon's own name. With them, a client can verify the
 * public certificates of AWS Certificate Manager. https://www.amazontrust.com/repository/ lists
 * these roots, and one root of Starfield, which is not needed. */
static const struct {
    const char *organization;
    const char *name;
} public_roots[] = {
    {"Amazon", "Amazon Root CA 1"},
    {"Amazon", "Amazon Root CA 2"},
    {"Amazon", "Amazon Root CA 3"},
    {"Amazon", "Amazon Root CA 4"},
};

static X509_NAME *name_of_root(const char *organization, const char *common_name)
{
    X509_NAME *name = X509_NAME_new();
    bool ok = name != NULL &&
              X509_NAME_add_entry_by_txt(
                  name, "C", MBSTRING_ASC, (const unsigned char *)"US", -1, -1, 0) == 1 &&
              X509_NAME_add_entry_by_txt(
                  name, "O", MBSTRING_ASC, (const unsigned char *)organization, -1, -1, 0) == 1 &&
              X509_NAME_add_entry_by_txt(
                  name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0) == 1;
    if (!ok) {
        X509_NAME_free(name);
        name = NULL;
    }
    return name;
}

/* Adds every certificate that meets three conditions: it has this subject name, the system trusts
 * it, and it has not expired at `now`. Returns false if memory runs out while a certificate is
 * added. A search that fails, for example because memory runs out, counts as one without a result.
 */
static bool add_trusted(
    X509_STORE_CTX *context, const X509_NAME *name, int64_t now, struct ria_ca_bundle *out)
{
    STACK_OF(X509) *found = X509_STORE_CTX_get1_certs(context, name);
    bool ok = true;
    for (int i = 0; i < sk_X509_num(found) && ok; i++) {
        X509 *certificate = sk_X509_value(found, i);
        if (!ria_ca_has_expired(certificate, now)) {
            ok = X509_up_ref(certificate) == 1 && ca_bundle_add(out, certificate);
        }
    }
    sk_X509_pop_free(found, X509_free);
    return ok;
}

bool ria_ca_bundle_find_public(int64_t now, struct ria_ca_bundle *out, struct ria_error *err)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool ok = store != NULL && context != NULL && X509_STORE_set_default_paths(store) == 1 &&
              X509_STORE_CTX_init(context, store, NULL, NULL) == 1;
    for (size_t i = 0; ok && i < sizeof(public_roots) / sizeof(public_roots[0]); i++) {
        X509_NAME *name = name_of_root(public_roots[i].organization, public_roots[i].name);
        ok = name != NULL && add_trusted(context, name, now, out);
        X509_NAME_free(name);
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
    return ok || ria_fail(err, RIA_E_SYSTEM, "the system's CA certificates cannot be searched");
}
