/* SPDX-License-Identifier: MIT
 *
 * Determines whether an environment variable may have turned certificate verification off without
 * the library reporting it.
 *
 * If the variable below is set, some releases of Connector/C 3.4 skip all verification, but report
 * that verification is on and that it succeeded (ma_pvio_tls_verify_server_cert() in ma_tls.c of
 * the 3.4 branch since September 2024). These releases call getenv(), so any value counts, even an
 * empty one. No function of the library reports whether the library is such a release. The version
 * number does not show this either, because distributions apply patches. Also, a copy of the
 * library that was built with a MariaDB release (as in MariaDB's command line tools) may report the
 * version of that release, not Connector/C's. So this file searches for the variable's name in the
 * read-only memory of the object that contains the library's functions; that object may be the
 * program itself. If no such object is found, the library counts as a release that reads the
 * variable.
 *
 * The search takes a few milliseconds for 5 MB, and runs only if the variable may be set. */
#include "plugin.h"

#include <stdint.h>

static const char variable[] = "MARIADB_TLS_DISABLE_PEER_VERIFICATION";

/* Compares byte by byte. AddressSanitizer leaves gaps between constants, and replaces memmem() by a
 * version that aborts the program when it reads such a gap. */
__attribute__((no_sanitize("address"))) static bool contains_variable(const char *text, size_t len)
{
    for (size_t i = 0; i + sizeof(variable) <= len; i++) {
        size_t same = 0;
        while (same < sizeof(variable) && text[i + same] == variable[same]) {
            same++;
        }
        if (same == sizeof(variable)) {
            return true;
        }
    }
    return false;
}

/* Searches the segments that are readable and not writable, where string constants are. */
static bool skip_variable_has_name(const struct ria_object *object)
{
    bool is_found = false;
    for (size_t i = 0; !is_found && i < object->count; i++) {
        const ElfW(Phdr) *segment = &object->segments[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & (PF_R | PF_W)) == PF_R) {
            const char *start = /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
                (const char *)(object->bias + segment->p_vaddr);
            is_found = contains_variable(start, segment->p_filesz);
        }
    }
    return is_found;
}

/* In a program with more rights than its caller, secure_getenv() hides the variable, but the
 * library's getenv() sees it. The plugin makes no token in such a program, but the program may have
 * given a token as its password. */
static bool may_be_set(void)
{
    const struct ria_world *world = ria_process_world();
    return world->env(world->self, variable) != NULL || world->is_privileged(world->self, NULL);
}

bool ria_mariadb_may_skip_verification(const struct ria_mariadb *mysql)
{
    if (!may_be_set()) {
        return false;
    }
    const struct ria_mariadb_api *api = mysql->methods->api;
    /* Another object may have replaced some of these functions, so the object of each function is
     * searched. */
    const uintptr_t functions[] = {
        (uintptr_t)mysql->methods->set_error,
        (uintptr_t)api->get_info,
        (uintptr_t)api->get_option,
        (uintptr_t)api->get_ssl_cipher,
    };
    struct ria_object object = {0};
    bool is_found = false;
    bool has_name = false;
    for (size_t i = 0; !has_name && i < sizeof(functions) / sizeof(functions[0]); i++) {
        bool is_new =
            !ria_object_contains(&object, functions[i]) && ria_object_at(functions[i], &object);
        is_found = is_found || is_new;
        has_name = is_new && skip_variable_has_name(&object);
    }
    return has_name || !is_found;
}
