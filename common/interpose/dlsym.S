/* SPDX-License-Identifier: MIT
 *
 * Replaces dlsym() for the program and all its libraries. Calls ria_lookup_route() to choose the
 * function that handles the lookup, and jumps to that function with the caller's arguments and
 * return address. libc needs that return address to identify the calling object, because the
 * results of RTLD_NEXT and RTLD_DEFAULT depend on the calling object. This code is in assembly
 * because C does not guarantee such a jump.
 *
 * Only x86_64 and aarch64 have code here. On other processors dlsym() is libc's. */
    .section .note.GNU-stack, "", %progbits
#ifdef __CET__
#include <cet.h>
#endif
    .text

#if defined(__x86_64__) && defined(__LP64__)
    .hidden ria_lookup_route
    .globl dlsym
    .type dlsym, @function
    .p2align 4
dlsym:
    .cfi_startproc
#ifdef __CET__
    _CET_ENDBR
#endif
    pushq %rdi
    .cfi_adjust_cfa_offset 8
    pushq %rsi
    .cfi_adjust_cfa_offset 8
    subq $8, %rsp /* the ABI aligns the stack to 16 bytes at a call */
    .cfi_adjust_cfa_offset 8
    call ria_lookup_route
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq %rsi
    .cfi_adjust_cfa_offset -8
    popq %rdi
    .cfi_adjust_cfa_offset -8
    jmp *%rax
    .cfi_endproc
    .size dlsym, . - dlsym
#endif

#ifdef __aarch64__
    .hidden ria_lookup_route
    .globl dlsym
    .type dlsym, %function
    .p2align 4
dlsym:
    .cfi_startproc
    hint #34 /* bti c: a no-op on processors without BTI */
    stp x29, x30, [sp, #-32]!
    .cfi_adjust_cfa_offset 32
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    mov x29, sp
    stp x0, x1, [sp, #16]
    bl ria_lookup_route
    mov x16, x0 /* "bti c" at a function's entry accepts a jump through x16 or x17 */
    ldp x0, x1, [sp, #16]
    ldp x29, x30, [sp], #32
    .cfi_adjust_cfa_offset -32
    .cfi_restore x29
    .cfi_restore x30
    br x16
    .cfi_endproc
    .size dlsym, . - dlsym
#endif
