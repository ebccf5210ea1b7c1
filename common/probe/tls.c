/* SPDX-License-Identifier: MIT
 *
 * Performs a TLS handshake with OpenSSL and prints what the server proves: whether the server's
 * certificate chain ends at a certificate of the CA file, and whether the server's certificate
 * contains the host name. After the handshake, sends only the message that ends a TLS
 * connection. */
#include "probe/probe_program.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum {
    NAMES_MAX = 512
};

struct wanted {
    const char *host;
    const char *signed_name;
    const char *ca_file;
};

static void print_openssl_error(const char *stage)
{
    char text[256] = "the connection was closed";
    unsigned long code = ERR_get_error();
    if (code != 0) {
        const char *reason = ERR_reason_error_string(code);
        (void)snprintf(text, sizeof(text), "%s", reason == NULL ? "unknown error" : reason);
    }
    probe_print("error_stage", "%s", stage);
    probe_print("error", "%s", text);
}

static void print_name(const char *label, const X509_NAME *name)
{
    char text[256] = "";
    BIO *out = BIO_new(BIO_s_mem());
    if (out != NULL &&
        X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_UTF8_CONVERT) >= 0) {
        int len = BIO_read(out, text, (int)sizeof(text) - 1);
        text[len > 0 ? len : 0] = '\0';
    }
    BIO_free(out);
    probe_print(label, "%s", text);
}

/* Prints the DNS names of the certificate, as many as fit. */
static void print_names(X509 *certificate)
{
    char list[NAMES_MAX] = "";
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        size_t len = strlen(list);
        if (name->type == GEN_DNS) {
            (void)snprintf(
                list + len,
                sizeof(list) - len,
                "%s%.*s",
                len == 0 ? "" : " ",
                ASN1_STRING_length(name->d.dNSName),
                (const char *)ASN1_STRING_get0_data(name->d.dNSName));
        }
    }
    GENERAL_NAMES_free(names);
    probe_print("names", "%s", list);
}

static void print_end(const X509 *certificate)
{
    int days = 0;
    int seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1) {
        probe_print("days_left", "%d", seconds < 0 ? days - 1 : days);
    }
}

/* Returns whether the certificate contains the host name. If `host` is an IP address, compares it
 * with the IP addresses in the certificate. */
static bool has_name(X509 *certificate, const char *host)
{
    return X509_check_ip_asc(certificate, host, 0) == 1 ||
           X509_check_host(certificate, host, 0, 0, NULL) == 1;
}

static void print_server(SSL *ssl, const struct wanted *wanted)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    long result = SSL_get_verify_result(ssl);
    probe_print("protocol", "%s", SSL_get_version(ssl));
    probe_print("cipher", "%s", SSL_get_cipher_name(ssl));
    if (certificate == NULL) {
        probe_print("error_stage", "tls");
        probe_print("error", "the server has no certificate");
        return;
    }
    if (wanted->ca_file != NULL) {
        probe_print(
            "chain", "%s", result == X509_V_OK ? "ok" : X509_verify_cert_error_string(result));
        if (result == X509_V_ERR_CERT_HAS_EXPIRED || result == X509_V_ERR_CERT_NOT_YET_VALID) {
            probe_print("in_time", "no");
        }
    }
    probe_print("name", "%s", has_name(certificate, wanted->host) ? "ok" : "mismatch");
    probe_print(
        "signed_name", "%s", has_name(certificate, wanted->signed_name) ? "ok" : "mismatch");
    print_names(certificate);
    print_name("subject", X509_get_subject_name(certificate));
    print_name("issuer", X509_get_issuer_name(certificate));
    print_end(certificate);
    X509_free(certificate);
}

/* Performs the handshake. Prints the error and returns false if it fails. */
static bool connect_tls(SSL *ssl)
{
    int result = SSL_connect(ssl);
    if (result == 1) {
        return true;
    }
    /* The socket is blocking, so OpenSSL returns this error only if the socket's time limit has
     * passed. */
    if (SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ) {
        probe_print("silent", "yes");
    }
    print_openssl_error("tls");
    return false;
}

static void shake_hands(SSL_CTX *context, int fd, const struct wanted *wanted)
{
    SSL *ssl = SSL_new(context);
    int64_t begun = probe_ticks();
    /* SSL_set_tlsext_host_name() is a macro that casts the name to a non-const pointer, so this
     * code passes a copy. OpenSSL does not change the name. */
    char name[256] = "";
    (void)snprintf(name, sizeof(name), "%s", wanted->host);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, name) != 1) {
        print_openssl_error("library");
    } else if (connect_tls(ssl)) {
        probe_print("tls_us", "%lld", (long long)(probe_ticks() - begun));
        print_server(ssl, wanted);
        (void)SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

void probe_tls(int fd, const char *host, const char *signed_name, const char *ca_file)
{
    const struct wanted wanted = {host, signed_name, ca_file};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        print_openssl_error("library");
        return;
    }
    /* With SSL_VERIFY_NONE, the handshake continues after a failed verification, and
     * SSL_get_verify_result() returns the reason. */
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    if (ca_file != NULL && SSL_CTX_load_verify_file(context, ca_file) != 1) {
        print_openssl_error("ca");
    } else {
        shake_hands(context, fd, &wanted);
    }
    SSL_CTX_free(context);
}
