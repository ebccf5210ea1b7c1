/* SPDX-License-Identifier: MIT
 *
 * The canonical name that getaddrinfo() gives would be the last one of the chain; that of a public
 * database is an EC2 name. So the records themselves are read. */
#include "fetch/dns.h"

#include "base/ascii.h"
#include "provider/alias_record.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <string.h>

enum {
    MESSAGE_MAX = 4096, /* what EDNS resolvers send at most; a longer answer is cut off */
    CHAIN_MAX = 16,     /* resolvers follow no more */
};

/* The target of the alias `name`. False if it is none. */
static bool dns_follow(ns_msg *message, const char *name, char section[NS_MAXDNAME])
{
    ns_rr record;
    for (int i = 0; i < ns_msg_count(*message, ns_s_an); i++) {
        if (ns_parserr(message, ns_s_an, i, &record) == 0 && ns_rr_type(record) == ns_t_cname &&
            ria_ascii_same(ns_rr_name(record), name)) {
            return dn_expand(
                       ns_msg_base(*message),
                       ns_msg_end(*message),
                       ns_rr_rdata(record),
                       section,
                       NS_MAXDNAME) > 0;
        }
    }
    return false;
}

bool ria_fetch_alias_of(const unsigned char *bytes, size_t len, char *name, size_t size)
{
    ns_msg message;
    ns_rr request;
    char at[NS_MAXDNAME];
    char section[NS_MAXDNAME];
    if (ns_initparse(bytes, (int)len, &message) != 0 ||
        ns_parserr(&message, ns_s_qd, 0, &request) != 0) {
        return false;
    }
    memcpy(at, ns_rr_name(request), strlen(ns_rr_name(request)) + 1);
    for (int i = 0; i < CHAIN_MAX && dns_follow(&message, at, section); i++) {
        struct ria_endpoint endpoint;
        struct ria_error reason;
        if (ria_endpoint_parse(section, &endpoint, &reason) == RIA_FOUND &&
            strlen(endpoint.host) < size) {
            memcpy(name, endpoint.host, strlen(endpoint.host) + 1);
            return true;
        }
        memcpy(at, section, strlen(section) + 1);
    }
    return false;
}

static void ask_dns(const char *host, char name[RIA_HOST_SIZE])
{
    struct __res_state state;
    unsigned char message[MESSAGE_MAX];
    memset(&state, 0, sizeof(state));
    *name = '\0';
    if (res_ninit(&state) != 0) {
        return;
    }
    state.retrans = 1;
    state.retry = 1;
    int len = res_nsearch(&state, host, ns_c_in, ns_t_a, message, sizeof(message));
    if (len > 0) {
        size_t held = (size_t)len < sizeof(message) ? (size_t)len : sizeof(message);
        (void)ria_fetch_alias_of(message, held, name, RIA_HOST_SIZE);
    }
    res_nclose(&state);
}

bool ria_fetch_response_alias(const struct ria_buf *bytes, struct ria_buf *record)
{
    char host[RIA_HOST_SIZE];
    char name[RIA_HOST_SIZE];
    if (!ria_alias_read_request(bytes, host)) {
        return false;
    }
    ask_dns(host, name);
    ria_alias_write_response(name, record);
    return true;
}
