/* SPDX-License-Identifier: MIT
 *
 * dlsym(), as every program below us calls it. What RTLD_NEXT and RTLD_DEFAULT find depends on who
 * asks, and libc knows that by the return address. So nothing here is called on top of the program:
 * ria_lookup_route() says where the question goes, and it goes there by a jump, with the program's
 * own arguments and return address. A C compiler promises no such jump.
 *
 * On other processors there is no code here, and dlsym() is libc's. */
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
    subq $8, %rsp /* a call wants the stack at a multiple of 16 */
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
    hint #34 /* bti c: nothing on processors without it */
    stp x29, x30, [sp, #-32]!
    .cfi_adjust_cfa_offset 32
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    mov x29, sp
    stp x0, x1, [sp, #16]
    bl ria_lookup_route
    mov x16, x0 /* from x16 a jump may go where only calls may */
    ldp x0, x1, [sp, #16]
    ldp x29, x30, [sp], #32
    .cfi_adjust_cfa_offset -32
    .cfi_restore x29
    .cfi_restore x30
    br x16
    .cfi_endproc
    .size dlsym, . - dlsym
#endif
