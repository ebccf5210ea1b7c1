/* SPDX-License-Identifier: MIT
 *
 * Decides whether the environment may have turned certificate verification off behind our back.
 *
 * Some releases of Connector/C 3.4 skip all verification where the variable below is set, and go on
 * to report that verification is on and that it succeeded (ma_pvio_tls_verify_server_cert() in
 * ma_tls.c of the 3.4 branch since September 2024). They call getenv(), so any value counts, an
 * empty one, too. No function of the library tells whether it is such a release, and its version
 * number is no measure: distributions patch, and the command line tools report the server's. So the
 * name of the variable is looked for in the read-only memory of the object that the library's own
 * functions are in, which may be the program itself. Where that object cannot be found, the library
 * is taken for one that heeds the variable.
 *
 * The object is searched only where the variable is set: a few milliseconds for 5 MB. */
#include "plugin.h"

#include <link.h>
#include <stdint.h>

static const char variable[] = "MARIADB_TLS_DISABLE_PEER_VERIFICATION";

enum {
    FUNCTIONS = 4
};

struct search {
    uintptr_t functions[FUNCTIONS]; /* of the library; another object may have replaced some */
    bool is_found;                  /* an object with one of them */
    bool has_name;                  /* such an object that holds the variable's name */
};

static bool holds_function(
    const struct dl_phdr_info *object, const ElfW(Phdr) * segment, const struct search *search)
{
    uintptr_t start = (uintptr_t)object->dlpi_addr + segment->p_vaddr;
    bool is_found = false;
    for (size_t i = 0; segment->p_type == PT_LOAD && i < FUNCTIONS; i++) {
        uintptr_t address = search->functions[i];
        is_found = is_found || (address >= start && address - start < segment->p_memsz);
    }
    return is_found;
}

static bool has_function(const struct dl_phdr_info *object, const struct search *search)
{
    bool is_found = false;
    for (size_t i = 0; !is_found && i < object->dlpi_phnum; i++) {
        is_found = holds_function(object, &object->dlpi_phdr[i], search);
    }
    return is_found;
}

/* Compared byte by byte: a host that is built with AddressSanitizer has a memmem() of its own,
 * which ends the program where the text runs over a gap between two constants. */
__attribute__((no_sanitize("address"))) static bool holds_variable(const char *text, size_t len)
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

/* Text constants are in segments that can be read and not written. */
static bool skip_variable_has_name(const struct dl_phdr_info *object)
{
    bool is_found = false;
    for (size_t i = 0; !is_found && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & (PF_R | PF_W)) == PF_R) {
            const char *start = /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
                (const char *)((uintptr_t)object->dlpi_addr + segment->p_vaddr);
            is_found = holds_variable(start, segment->p_filesz);
        }
    }
    return is_found;
}

static int skip_variable_look_at(struct dl_phdr_info *object, size_t size, void *argument)
{
    (void)size;
    struct search *search = argument;
    if (has_function(object, search)) {
        search->is_found = true;
        search->has_name = search->has_name || skip_variable_has_name(object);
    }
    return search->has_name ? 1 : 0;
}

/* A program with more rights than its caller does not see the variable by secure_getenv(), and the
 * library sees it by getenv(). No token is made there, but the program may have given one. */
static bool may_be_set(void)
{
    const struct ria_world *world = ria_process_world();
    return world->env(world->self, variable) != NULL || world->is_privileged(world->self);
}

bool ria_mariadb_may_skip_verification(const struct ria_mariadb *mysql)
{
    if (!may_be_set()) {
        return false;
    }
    const struct ria_mariadb_api *api = mysql->methods->api;
    struct search search = {
        .functions = {
            (uintptr_t)mysql->methods->set_error,
            (uintptr_t)api->get_info,
            (uintptr_t)api->get_option,
            (uintptr_t)api->get_ssl_cipher,
        }};
    (void)dl_iterate_phdr(skip_variable_look_at, &search);
    return search.has_name || !search.is_found;
}
