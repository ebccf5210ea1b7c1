/* SPDX-License-Identifier: MIT
 *
 * Finds the loaded object that contains an address. With glibc 2.35 and later, asks
 * _dl_find_object(), which returns the start of the object. Finds the program headers through the
 * ELF header, and refuses an object whose memory does not begin with an ELF header. With an older
 * glibc, asks dl_iterate_phdr(). */
#include "base/object.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/auxv.h>

/* Returns the path of an object's file. The dynamic linker reports the name "" for the program
 * itself. */
static const char *object_path(const char *name)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    return *name == '\0' ? (const char *)getauxval(AT_EXECFN) : name;
}

#ifdef DLFO_STRUCT_HAS_EH_DBASE /* the macro came with _dl_find_object() */

bool ria_object_at(uintptr_t address, struct ria_object *out)
{
    struct dl_find_object found;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    if (_dl_find_object((void *)address, &found) != 0 || found.dlfo_link_map == NULL ||
        memcmp(found.dlfo_map_start, ELFMAG, SELFMAG) != 0) {
        return false;
    }
    const ElfW(Ehdr) *header = found.dlfo_map_start;
    const void *segments = (const char *)found.dlfo_map_start + header->e_phoff;
    *out = (struct ria_object){
        .name = object_path(found.dlfo_link_map->l_name),
        .bias = (uintptr_t)found.dlfo_link_map->l_addr,
        .segments = segments,
        .count = header->e_phnum,
    };
    return ria_object_contains(out, address);
}

#else

struct search {
    uintptr_t address;
    bool is_found;
    struct ria_object object;
};

/* Called by dl_iterate_phdr(): stops at the object that contains the address. */
static int match_object(struct dl_phdr_info *loaded, size_t size, void *self)
{
    (void)size;
    struct search *search = self;
    search->object = (struct ria_object){
        .name = object_path(loaded->dlpi_name),
        .bias = (uintptr_t)loaded->dlpi_addr,
        .segments = loaded->dlpi_phdr,
        .count = loaded->dlpi_phnum,
    };
    search->is_found = ria_object_contains(&search->object, search->address);
    return search->is_found ? 1 : 0;
}

bool ria_object_at(uintptr_t address, struct ria_object *out)
{
    struct search search = {.address = address};
    (void)dl_iterate_phdr(match_object, &search);
    *out = search.object;
    return search.is_found;
}

#endif

bool ria_object_contains(const struct ria_object *object, uintptr_t address)
{
    bool is_found = false;
    for (size_t i = 0; !is_found && i < object->count; i++) {
        const ElfW(Phdr) *segment = &object->segments[i];
        uintptr_t start = object->bias + segment->p_vaddr;
        is_found =
            segment->p_type == PT_LOAD && address >= start && address - start < segment->p_memsz;
    }
    return is_found;
}
