/* SPDX-License-Identifier: MIT
 *
 * An object for LD_PRELOAD that contains nothing. */
extern int ria_bench_empty;
int ria_bench_empty;
