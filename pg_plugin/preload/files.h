/* SPDX-License-Identifier: MIT
 *
 * What the interposed file functions need of their own object.
 */
#ifndef RIA_PRELOAD_FILES_H
#define RIA_PRELOAD_FILES_H

/* Looks up the functions behind ours, which takes the dynamic linker's lock, before a thread calls
 * them that must not wait for it. */
void ria_files_prepare(void);

#endif
