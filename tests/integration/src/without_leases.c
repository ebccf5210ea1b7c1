/* SPDX-License-Identifier: MIT
 *
 * without_leases PROGRAM [ARGUMENT...]: runs a program under a seccomp filter, which refuses every
 * lease of a file (F_SETLEASE), as the kernel does on a network file system. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Skips `n` of the next instructions unless the loaded word is `value`. */
#define UNLESS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, (what))

int main(int argc, char **argv)
{
    struct sock_filter rules[] = {
        LOAD(nr),
        UNLESS(__NR_fcntl, 3),
        LOAD(args[1]),
        UNLESS(F_SETLEASE, 1),
        ANSWER(SECCOMP_RET_ERRNO | EINVAL),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(rules) / sizeof(rules[0]), .filter = rules};
    if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("without_leases");
        return 1;
    }
    (void)execv(argv[1], argv + 1);
    perror(argv[1]);
    return 1;
}
