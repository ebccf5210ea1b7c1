/* SPDX-License-Identifier: MIT
 *
 * ELF files in memory: complete, for another machine, invalid, truncated, and with each byte
 * changed. */
#include "tool/program.h"

#include "unit.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOADER "/lib64/ld-linux-x86-64.so.2"

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* A minimal ELF file. Its only PT_LOAD segment is mapped at ADDRESS. */
enum {
    ADDRESS = 0x400000
};

struct file {
    ElfW(Ehdr) header;
    ElfW(Phdr) segments[3];
    ElfW(Dyn) dynamic[4];
    char interpreter[64];
    char names[64];
};

#define AT(member) offsetof(struct file, member)

static struct file make(const char *interpreter, const char *library)
{
    struct file file = {
        .header =
            {.e_type = ET_DYN,
             .e_machine = __ehdr_start.e_machine,
             .e_phoff = AT(segments),
             .e_phentsize = sizeof(file.segments[0]),
             .e_phnum = 3},
        .segments =
            {{.p_type = PT_LOAD, .p_vaddr = ADDRESS, .p_filesz = sizeof(file)},
             {.p_type = interpreter == NULL ? PT_NULL : PT_INTERP, .p_offset = AT(interpreter)},
             {.p_type = PT_DYNAMIC, .p_offset = AT(dynamic), .p_filesz = sizeof(file.dynamic)}},
        .dynamic =
            {{.d_tag = DT_NEEDED, .d_un.d_val = 1},
             {.d_tag = DT_NEEDED, .d_un.d_val = 11},
             {.d_tag = DT_STRTAB, .d_un.d_ptr = ADDRESS + AT(names)},
             {.d_tag = DT_NULL}},
    };
    memcpy(file.header.e_ident, __ehdr_start.e_ident, EI_NIDENT);
    (void)snprintf(
        file.interpreter, sizeof(file.interpreter), "%s", interpreter == NULL ? "" : interpreter);
    memcpy(file.names + 1, "libc.so.6", sizeof("libc.so.6"));
    (void)snprintf(file.names + 11, sizeof(file.names) - 11, "%s", library);
    return file;
}

static bool read_bytes(const void *bytes, size_t size, struct ria_elf *out)
{
    int fd = memfd_create("elf", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    bool ok = ria_elf_read(fd, out);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), (off_t)size);
    (void)close(fd);
    return ok;
}

static void complete_elf_files_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *interpreter;
        const char *library;
        bool needs_asan;
    } rows[] = {
        {"a program of glibc", LOADER, "libpq.so.5", false},
        {"gcc's AddressSanitizer", LOADER, "libasan.so.8", true},
        {"clang's shared AddressSanitizer", LOADER, "libclang_rt.asan-x86_64.so", true},
        {"clang's AddressSanitizer, from the folder of one target machine",
         LOADER,
         "libclang_rt.asan.so",
         true},
        {"another sanitizer, which needs no option", LOADER, "libtsan.so.2", false},
        {"a name that only begins like gcc's AddressSanitizer", LOADER, "libasand.so", false},
        {"musl", "/lib/ld-musl-x86_64.so.1", "libc.so", false},
        {"no interpreter", NULL, "", false},
    };
    for_each_row(row, rows, row->name) {
        struct file file = make(row->interpreter, row->library);
        struct ria_elf elf;
        expect(row->name, read_bytes(&file, sizeof(file), &elf));
        expect(row->name, !elf.is_foreign);
        expect_number(row->name, elf.needs_asan, row->needs_asan);
        expect_text(row->name, elf.interpreter, row->interpreter == NULL ? "" : row->interpreter);
    }
}

static void this_program_is_read(void **state)
{
    (void)state;
    struct ria_elf elf;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(ria_elf_read(fd, &elf));
    assert_true(strstr(elf.interpreter, "ld") != NULL && !elf.is_foreign);
    (void)close(fd);
}

static void files_for_other_machines_are_reported_as_foreign(void **state)
{
    (void)state;
    struct ria_elf elf;
    struct file file = make(LOADER, "libasan.so.8");
    file.header.e_machine ^= 1;
    assert_true(read_bytes(&file, sizeof(file), &elf) && elf.is_foreign && !elf.needs_asan);
    file = make(LOADER, "");
    file.header.e_ident[EI_CLASS] ^= ELFCLASS32 ^ ELFCLASS64;
    assert_true(read_bytes(&file, sizeof(file), &elf) && elf.is_foreign);
    file = make(LOADER, "");
    file.header.e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
    assert_true(read_bytes(&file, sizeof(file), &elf) && elf.is_foreign);
}

static void invalid_elf_files_are_rejected(void **state)
{
    (void)state;
    struct ria_elf elf;
    struct file file = make(LOADER, "");
    assert_false(read_bytes("#!/bin/sh\n", 10, &elf));
    assert_false(read_bytes("", 0, &elf));
    file.header.e_phnum = UINT16_MAX;
    assert_false(read_bytes(&file, sizeof(file), &elf));
    file = make(LOADER, "");
    file.header.e_phentsize = 1;
    assert_false(read_bytes(&file, sizeof(file), &elf));
    file = make(LOADER, "");
    memset(file.interpreter, 'x', sizeof(file.interpreter) + sizeof(file.names));
    assert_false(read_bytes(&file, sizeof(file), &elf));
}

/* Offsets past the end of the file, or so large that the sum with a size overflows. If the offset
 * of the segments' table or of the interpreter is of this kind, the file is invalid. If any other
 * offset is of this kind, no needed library is found. */
static void offsets_outside_the_file_are_not_followed(void **state)
{
    (void)state;
    static const uint64_t places[] = {
        UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - ADDRESS, 1 << 20};
    struct ria_elf elf;
    for_each_row(place, places, NULL) {
        struct file file = make(LOADER, "libasan.so.8");
        file.header.e_phoff = *place;
        expect("places", !read_bytes(&file, sizeof(file), &elf));
        file = make(LOADER, "libasan.so.8");
        file.segments[1].p_offset = *place;
        expect("places", !read_bytes(&file, sizeof(file), &elf));
        file = make(LOADER, "libasan.so.8");
        file.segments[2].p_offset = *place;
        expect("places", read_bytes(&file, sizeof(file), &elf) && !elf.needs_asan);
        file = make(LOADER, "libasan.so.8");
        file.segments[0].p_offset = *place;
        expect("places", read_bytes(&file, sizeof(file), &elf) && !elf.needs_asan);
        file = make(LOADER, "libasan.so.8");
        file.dynamic[1].d_un.d_val = *place;
        expect("places", read_bytes(&file, sizeof(file), &elf) && !elf.needs_asan);
        file = make(LOADER, "libasan.so.8");
        file.dynamic[2].d_un.d_ptr = *place;
        expect("places", read_bytes(&file, sizeof(file), &elf) && !elf.needs_asan);
    }
}

/* The sanitized build detects invalid reads. In the plain build, a result must at least be a
 * terminated text. */
static void truncated_and_changed_files_give_a_result(void **state)
{
    (void)state;
    struct ria_elf elf;
    const struct file whole = make(LOADER, "libasan.so.8");
    for (size_t size = 0; size < sizeof(whole); size++) {
        bool ok = read_bytes(&whole, size, &elf);
        assert_true(!ok || size >= AT(interpreter) + sizeof(LOADER));
    }
    static const unsigned char patterns[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (size_t at = 0; at < sizeof(whole); at++) {
        for_each_row(pattern, patterns, NULL) {
            struct file file = whole;
            ((unsigned char *)&file)[at] = *pattern;
            (void)read_bytes(&file, sizeof(file), &elf);
            expect("patterns", memchr(elf.interpreter, '\0', sizeof(elf.interpreter)) != NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complete_elf_files_are_read),
        cmocka_unit_test(this_program_is_read),
        cmocka_unit_test(files_for_other_machines_are_reported_as_foreign),
        cmocka_unit_test(invalid_elf_files_are_rejected),
        cmocka_unit_test(offsets_outside_the_file_are_not_followed),
        cmocka_unit_test(truncated_and_changed_files_give_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
