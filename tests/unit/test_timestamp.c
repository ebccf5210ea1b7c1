/* SPDX-License-Identifier: MIT
 *
 * Dates, compared with a calendar that counts day by day, and the forms of timestamps that are
 * accepted or rejected. */
#include "base/timestamp.h"

#include "unit.h"

enum {
    DAY = 86400,
    CYCLE = 146097, /* days after which the calendar repeats: 400 years */
    DAYS = 2932897, /* 1970-01-01 to 9999-12-31 */
};

static bool is_leap(int year)
{
    return year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
}

static int month_length(int year, int month)
{
    if (month == 2) {
        return is_leap(year) ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Counts with the simplest possible calendar. */
static void every_day_of_800_years_is_formatted_and_parsed(void **state)
{
    (void)state;
    int year = 1970;
    int month = 1;
    int day = 1;
    for (int64_t n = 0; n < 2 * CYCLE; n++) {
        int64_t second = ((n * 7919) + 1) % DAY; /* 0 is not a valid time */
        int hour = (int)(second / 3600);
        int minute = (int)(second / 60 % 60);
        char want[64];
        char got[RIA_TIMESTAMP_SIZE];
        int left = (int)(second % 60);
        (void)snprintf(
            want, sizeof(want), "%04d%02d%02dT%02d%02d%02dZ", year, month, day, hour, minute, left);
        assert_true(ria_timestamp_format((n * DAY) + second, got));
        assert_string_equal(got, want);
        (void)snprintf(
            want,
            sizeof(want),
            "%04d-%02d-%02dT%02d:%02d:%02dZ",
            year,
            month,
            day,
            hour,
            minute,
            left);
        char extended[RIA_TIMESTAMP_EXTENDED_SIZE];
        assert_true(ria_timestamp_format_extended((n * DAY) + second, extended));
        assert_string_equal(extended, want);
        int64_t read = -1;
        assert_true(ria_timestamp_parse(want, &read));
        assert_int_equal(read, (n * DAY) + second);
        if (++day > month_length(year, month)) {
            day = 1;
            month++;
        }
        if (month > 12) {
            month = 1;
            year++;
        }
    }
    assert_int_equal(year, 2770);
}

static void a_time_that_cannot_be_formatted_leaves_the_buffer_unchanged(void **state)
{
    (void)state;
    static const int64_t times[] = {-1, INT64_MIN, (int64_t)DAYS * DAY, INT64_MAX};
    for_each_row(time, times, NULL) {
        char text[RIA_TIMESTAMP_SIZE] = "untouched";
        expect("the time is rejected", !ria_timestamp_format(*time, text));
        expect_text("the buffer", text, "untouched");
    }
    char text[RIA_TIMESTAMP_SIZE];
    assert_true(ria_timestamp_format(((int64_t)DAYS * DAY) - 1, text));
    assert_string_equal(text, "99991231T235959Z");
}

static void times_with_a_zone_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        int64_t when;
    } rows[] = {
        {"the wire format", "2026-08-22T12:34:56Z", 1787402096},
        {"lower-case letters", "2026-08-22t12:34:56z", 1787402096},
        {"a blank for the T", "2026-08-22 12:34:56Z", 1787402096},
        {"botocore's file cache", "2026-08-22T12:34:56UTC", 1787402096},
        {"an offset of zero", "2026-08-22T12:34:56+00:00", 1787402096},
        {"east of UTC is earlier", "2026-08-22T14:34:56+02:00", 1787402096},
        {"west of UTC is later", "2026-08-22T03:04:56-09:30", 1787402096},
        {"an offset without its colon", "2026-08-22T14:34:56+0200", 1787402096},
        {"a fraction is dropped", "2026-08-22T12:34:56.999999Z", 1787402096},
        {"a fraction after a comma", "2026-08-22T12:34:56,5+00:00", 1787402096},
        {"a leap second is the next minute", "2016-12-31T23:59:60Z", 1483228800},
        {"one second after the epoch", "1970-01-01T00:00:01Z", 1},
        {"a leap day", "2024-02-29T23:59:59Z", 1709251199},
        {"after 2038", "2038-01-19T03:14:08Z", 2147483648},
        {"the basic form", "20260822T123456Z", 1787402096},
        {"the basic form with lower-case letters", "20260822t123456z", 1787402096},
        {"the basic form with a fraction", "20260822T123456.789Z", 1787402096},
        {"the basic form with an offset", "20260822T143456+0200", 1787402096},
        {"the basic form with an extended offset", "20260822T143456+02:00", 1787402096},
        {"the basic form of botocore's file cache", "20260822T123456UTC", 1787402096},
        {"the basic form of a leap second", "20161231T235960Z", 1483228800},
    };
    for_each_row(row, rows, row->name) {
        int64_t when = -7;
        expect(row->name, ria_timestamp_parse(row->text, &when));
        expect_number(row->name, when, row->when);
    }
}

static void other_forms_and_invalid_times_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } rows[] = {
        {"nothing", ""},
        {"no zone", "2026-08-22T12:34:56"},
        {"a date alone", "2026-08-22"},
        {"text after the zone", "2026-08-22T12:34:56Z "},
        {"text after UTC", "2026-08-22T12:34:56UTCx"},
        {"a basic date with an extended clock", "20260822T12:34:56Z"},
        {"an extended date with a basic clock", "2026-08-22T123456Z"},
        {"half a basic date", "2026-0822T12:34:56Z"},
        {"the other half of a basic date", "202608-22T12:34:56Z"},
        {"the basic form without a T", "20260822123456Z"},
        {"the basic form without a zone", "20260822T123456"},
        {"the basic form without seconds", "20260822T1234Z"},
        {"31 April in the basic form", "20260431T123456Z"},
        {"hour 24 in the basic form", "20260822T240000Z"},
        {"seconds of the epoch", "1787402096"},
        {"one digit for the month", "2026-8-22T12:34:56Z"},
        {"month 0", "2026-00-22T12:34:56Z"},
        {"month 13", "2026-13-22T12:34:56Z"},
        {"day 0", "2026-08-00T12:34:56Z"},
        {"31 April", "2026-04-31T12:34:56Z"},
        {"an invalid leap day", "2026-02-29T12:34:56Z"},
        {"a leap day in 2100", "2100-02-29T12:34:56Z"},
        {"hour 24", "2026-08-22T24:00:00Z"},
        {"minute 60", "2026-08-22T12:60:00Z"},
        {"second 61", "2026-08-22T12:34:61Z"},
        {"a fraction without digits", "2026-08-22T12:34:56.Z"},
        {"an offset of a day", "2026-08-22T12:34:56+24:00"},
        {"an offset of 60 minutes", "2026-08-22T12:34:56+00:60"},
        {"half an offset", "2026-08-22T12:34:56+02"},
        {"before 1970", "1969-12-31T23:59:59Z"},
        {"before 1970 by its offset", "1970-01-01T00:00:00+01:00"},
        {"the epoch, which means \"no time\"", "1970-01-01T00:00:00Z"},
        {"a sign in front", "-2026-08-22T12:34:56Z"},
    };
    for_each_row(row, rows, row->name) {
        int64_t when = -7;
        expect(row->name, !ria_timestamp_parse(row->text, &when));
        expect_number(row->name, when, -7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_800_years_is_formatted_and_parsed),
        cmocka_unit_test(a_time_that_cannot_be_formatted_leaves_the_buffer_unchanged),
        cmocka_unit_test(times_with_a_zone_are_parsed),
        cmocka_unit_test(other_forms_and_invalid_times_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
