/* SPDX-License-Identifier: MIT
 *
 * Queries DNS for the CNAME records of a host name and follows them to an RDS name. Follows at most
 * 16 records. Does not use getaddrinfo(), because getaddrinfo() returns only the last name of the
 * chain, and the last name of a publicly accessible database is an EC2 name. */
#include "fetch/dns.h"

#include "base/ascii.h"
#include "provider/alias_record.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <string.h>

enum {
    MESSAGE_MAX = 4096, /* the usual EDNS limit; a longer response is truncated */
    CHAIN_MAX = 16,     /* resolvers do not follow longer chains */
};

/* Copies the target of the CNAME record of `name`. Returns false if `name` has no such record. */
static bool dns_follow(ns_msg *message, const char *name, char target[NS_MAXDNAME])
{
    ns_rr record;
    for (int i = 0; i < ns_msg_count(*message, ns_s_an); i++) {
        if (ns_parserr(message, ns_s_an, i, &record) == 0 && ns_rr_type(record) == ns_t_cname &&
            ria_ascii_same(ns_rr_name(record), name)) {
            return dn_expand(
                       ns_msg_base(*message),
                       ns_msg_end(*message),
                       ns_rr_rdata(record),
                       target,
                       NS_MAXDNAME) > 0;
        }
    }
    return false;
}

bool ria_fetch_alias_of(const unsigned char *bytes, size_t len, char *name, size_t size)
{
    ns_msg message;
    ns_rr question;
    char at[NS_MAXDNAME];
    char target[NS_MAXDNAME];
    if (ns_initparse(bytes, (int)len, &message) != 0 ||
        ns_parserr(&message, ns_s_qd, 0, &question) != 0) {
        return false;
    }
    memcpy(at, ns_rr_name(question), strlen(ns_rr_name(question)) + 1);
    for (int i = 0; i < CHAIN_MAX && dns_follow(&message, at, target); i++) {
        struct ria_endpoint endpoint;
        struct ria_error reason;
        if (ria_endpoint_parse(target, &endpoint, &reason) == RIA_FOUND &&
            strlen(endpoint.host) < size) {
            memcpy(name, endpoint.host, strlen(endpoint.host) + 1);
            return true;
        }
        memcpy(at, target, strlen(target) + 1);
    }
    return false;
}

/* Queries DNS for the A records of a host. The response also contains the CNAME records that lead
 * from the host to these A records. Sets `name` to the first RDS name to which a CNAME record
 * leads, or to "" if there is none. */
static void query_dns(const char *host, char name[RIA_HOST_SIZE])
{
    unsigned char message[MESSAGE_MAX];
    *name = '\0';
    if (res_init() != 0) {
        return;
    }
    _res.retrans = 1;
    _res.retry = 1;
    int len = res_search(host, ns_c_in, ns_t_a, message, sizeof(message));
    if (len > 0) {
        size_t held = (size_t)len < sizeof(message) ? (size_t)len : sizeof(message);
        (void)ria_fetch_alias_of(message, held, name, RIA_HOST_SIZE);
    }
}

bool ria_fetch_response_alias(const struct ria_buf *bytes, struct ria_buf *record)
{
    char host[RIA_HOST_SIZE];
    char name[RIA_HOST_SIZE];
    if (!ria_alias_read_request(bytes, host)) {
        return false;
    }
    query_dns(host, name);
    ria_alias_write_response(name, record);
    return true;
}
