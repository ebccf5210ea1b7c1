/* SPDX-License-Identifier: MIT
 *
 * Lines of a service file that libpq does not read, or reads with another meaning. Also tests
 * ria_service_check(), which checks the owner and mode of a file through an open descriptor. */
#include "service/entry.h"
#include "service/keyword.h"

#include "rds_iam.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD "host=h\nuser=u\nsslmode=verify-full\npassfile=/d/p\n"

static const char path[] = RIA_SCRATCH "/service-lines";

static void write_text(const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static void read_text(const char *text, struct ria_service_file *file)
{
    struct ria_error err = {0};
    write_text(text, 0600);
    if (ria_service_read(path, true, ria_process_world(), file, &err) != RIA_FOUND) {
        fail_msg("%s", err.text);
    }
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* libpq stops reading at the long line. */
static void an_entry_after_an_overlong_line_is_rejected(void **state)
{
    (void)state;
    static const size_t lengths[] = {1022, 1023};
    for (size_t i = 0; i < RIA_COUNT(lengths); i++) {
        char text[2048] = "";
        char *at = text + sprintf(text, "[b]\nuser=u\n#");
        memset(at, 'x', lengths[i] - 2);
        (void)sprintf(at + lengths[i] - 2, "\n[a]\n" GOOD);
        RIA_AUTO(service_file) file;
        read_text(text, &file);
        assert_int_equal(file.count, 2);
        struct ria_entry entry;
        struct ria_error err = {0};
        assert_true(ria_entry_from_service(&file, &file.services[1], &entry));
        bool is_good = ria_entry_check(&entry, &err);
        assert_int_equal(is_good, i == 0);
        if (!is_good) {
            expect_piece(
                "overlong",
                err.text,
                "/service-lines:3: this line is longer than the 1022 bytes that libpq reads, so "
                "libpq cannot "
                "read [a]; shorten the line");
        }
    }
}

static void an_opened_file_is_checked_like_a_named_one(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        mode_t mode;
        bool is_open;
        const char *message; /* NULL: the file is accepted */
    } rows[] = {
        {"a private file", 0600, true, NULL},
        {"a file that every user can write",
         0666,
         true,
         "every user can write it; run: chmod o-w "},
        {"no descriptor", 0600, false, "but rds-iam cannot check who can write it; name a regular"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_error err = {0};
        write_text("[a]\n", row->mode);
        int fd = row->is_open ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        bool ok = ria_service_check(path, fd, ria_process_world(), &err);
        (void)close(fd);
        expect_number(row->name, ok, row->message == NULL);
        if (!ok && row->message != NULL) {
            expect_piece(row->name, err.text, row->message);
        }
    }
    struct ria_error err = {0};
    int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_false(ria_service_check("/", directory, ria_process_world(), &err));
    (void)close(directory);
    assert_non_null(strstr(err.text, "/: libpq reads the service from it, but rds-iam cannot"));
}

/* /proc/self/mem can be opened, but its first bytes cannot be read. */
static void a_read_error_is_reported(void **state)
{
    (void)state;
    struct ria_error err = {0};
    RIA_AUTO(service_file) file;
    assert_int_equal(
        ria_service_read("/proc/self/mem", true, ria_process_world(), &file, &err), RIA_FAILED);
    assert_string_equal(err.text, "/proc/self/mem: cannot be read completely: Input/output error");
}

/* In each line with a fault, libpq reads another key or value than the user means. */
static void values_that_libpq_reads_literally_are_reported(void **state)
{
    (void)state;
    static const char blank[] =
        "libpq takes the blank before the = as part of the key; write key=value";
    static const char quote[] =
        "the value begins with a quote, which libpq takes as part of the value; remove the quotes";
    static const char space[] =
        "the value begins with a blank, which libpq takes as part of the value; remove the blank";
    static const char home[] = "libpq expands neither ~ nor $HOME; write the full path";
    static const struct {
        const char *line;
        const char *fault;
    } rows[] = {
        {"host =h", blank},
        {"host\t=h", blank},
        {"host=\"h\"", quote},
        {"host='h'", quote},
        {"host= h", space},
        {"host=\th", space},
        {"passfile=~/p", home},
        {"sslrootcert=$HOME/p", home},
        {"host=~", NULL},
        {"passfile=/p", NULL},
        {"nonsense=~/p", NULL},
        {"=h", NULL},
        {"host", NULL},
        {"host=", NULL},
    };
    for_each_row(row, rows, row->line) {
        char text[64];
        (void)snprintf(text, sizeof(text), "[a]\n%s\n", row->line);
        RIA_AUTO(service_file) file;
        read_text(text, &file);
        expect_number(row->line, file.setting_count, 1);
        const char *fault = ria_keyword_fault(&file.settings[0]);
        expect_text(row->line, fault == NULL ? "" : fault, row->fault == NULL ? "" : row->fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_after_an_overlong_line_is_rejected),
        cmocka_unit_test(a_read_error_is_reported),
        cmocka_unit_test(an_opened_file_is_checked_like_a_named_one),
        cmocka_unit_test(values_that_libpq_reads_literally_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, remove_file);
}
