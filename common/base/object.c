/* SPDX-License-Identifier: MIT
 *
 * Finds the loaded object that contains an address. dladdr() returns the start of the object; the
 * ELF header there leads to the program headers. Refuses an object whose memory does not begin with
 * its ELF header. */
#include "base/object.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/auxv.h>

/* Returns whether a segment is the one that contains the ELF header. */
static bool has_header(const ElfW(Phdr) * segment)
{
    return segment->p_type == PT_LOAD && segment->p_offset == 0;
}

/* For the program itself, dladdr() returns the first argument, which may be any text. */
static const char *name_of(const Dl_info *info, const ElfW(Phdr) * segments)
{
    bool is_program = (uintptr_t)segments == getauxval(AT_PHDR);
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    return is_program ? (const char *)getauxval(AT_EXECFN) : info->dli_fname;
}

bool ria_object_at(uintptr_t address, struct ria_object *out)
{
    Dl_info info;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    if (dladdr((const void *)address, &info) == 0 || info.dli_fbase == NULL ||
        memcmp(info.dli_fbase, ELFMAG, SELFMAG) != 0) {
        return false;
    }
    const char *start = info.dli_fbase;
    const ElfW(Ehdr) *header = info.dli_fbase;
    const void *segments = start + header->e_phoff;
    *out = (struct ria_object){.segments = segments, .count = header->e_phnum};
    out->name = name_of(&info, out->segments);
    for (size_t i = 0; i < out->count; i++) {
        if (has_header(&out->segments[i])) {
            out->bias = (uintptr_t)start - out->segments[i].p_vaddr;
            return ria_object_contains(out, address);
        }
    }
    return false;
}

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
