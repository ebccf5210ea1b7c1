/* SPDX-License-Identifier: MIT
 *
 * The memory layout of a connection in Oracle's library, in two versions. Contains every member up
 * to the last one that a plugin can use, in the order of the library's headers, so that the
 * compiler computes the offsets. This file was written without the plugin's table of offsets.
 *
 * Sources: mysql.h and mysql_com.h of 5.7.34, 8.4.8 and 9.7.4; the last two are the same.
 */
#ifndef RIA_LOADER_MEMORY_H
#define RIA_LOADER_MEMORY_H

#include <stdint.h>

struct ria_net_57 {
    void *vio;
    unsigned char *buff, *buff_end, *write_pos, *read_pos;
    int fd;
    unsigned long remain_in_buf, length, buf_length, where_b;
    unsigned long max_packet, max_packet_size;
    unsigned pkt_nr, compress_pkt_nr;
    unsigned write_timeout, read_timeout, retry_count;
    int fcntl;
    unsigned *return_status;
    unsigned char reading_or_writing;
    char save_char;
    char unused1, unused2, compress, unused3;
    unsigned char *unused;
    unsigned last_errno;
    unsigned char error;
    char unused4, unused5;
    char last_error[512];
    char sqlstate[6];
    void *extension;
};

struct ria_mem_root_57 {
    void *free, *used, *pre_alloc;
    size_t min_malloc, block_size;
    unsigned block_num, first_block_usage;
    size_t max_capacity, allocated_size;
    char error_for_capacity_exceeded;
    void (*error_handler)(void);
    unsigned psi_key;
};

struct ria_mysql_57 {
    struct ria_net_57 net;
    unsigned char *connector_fd;
    char *host, *user, *passwd, *unix_socket, *server_version, *host_info;
    char *info, *db;
    void *charset;
    void *fields;
    struct ria_mem_root_57 field_alloc;
    uint64_t affected_rows, insert_id, extra_info;
    unsigned long thread_id, packet_length;
    unsigned port;
    unsigned long client_flag, server_capabilities;
    unsigned numbers[5];
    unsigned char rest[232];
};

struct ria_net_80 {
    void *vio;
    unsigned char *buff, *buff_end, *write_pos, *read_pos;
    int fd;
    unsigned long remain_in_buf, length, buf_length, where_b;
    unsigned long max_packet, max_packet_size;
    unsigned pkt_nr, compress_pkt_nr;
    unsigned write_timeout, read_timeout, retry_count;
    int fcntl;
    unsigned *return_status;
    unsigned char reading_or_writing;
    unsigned char save_char;
    char compress;
    unsigned last_errno;
    unsigned char error;
    char last_error[512];
    char sqlstate[6];
    void *extension;
};

struct ria_mysql_80 {
    struct ria_net_80 net;
    unsigned char *connector_fd;
    char *host, *user, *passwd, *unix_socket, *server_version, *host_info;
    char *info, *db;
    void *charset;
    void *fields;
    void *field_alloc;
    uint64_t affected_rows, insert_id, extra_info;
    unsigned long thread_id, packet_length;
    unsigned port;
    unsigned long client_flag, server_capabilities;
    unsigned numbers[5];
    unsigned char rest[312];
};

/* 1160 is sizeof(MYSQL) of 9.7.4. The real sizeof(MYSQL) of 5.7.34 is larger than the struct
 * for 5.7 above, so the inaccessible page after that struct is the stricter check. */
_Static_assert(sizeof(struct ria_mysql_80) == 1160, "the size of a real connection");
_Static_assert(sizeof(struct ria_mysql_57) == 1176, "no larger than a real connection");

#endif
