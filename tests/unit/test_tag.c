/* SPDX-License-Identifier: MIT
 *
 * Lists of session tags, and the DNS suffix of a region's partition. */
#include "aws/service.h"
#include "aws/tag.h"
#include "unit.h"

static void lists_are_cut_at_commas_and_trimmed(void **state)
{
    (void)state;
    const char *list = " team = etl ,env=a=b,empty=,last";
    static const struct {
        const char *key;
        const char *value;
    } want[] = {{"team", "etl"}, {"env", "a=b"}, {"empty", ""}, {"last", NULL}};
    struct ria_tag tag;
    for_each_row(row, want, row->key) {
        expect(row->key, ria_tag_next(&list, &tag));
        expect_number(row->key, tag.key_len, strlen(row->key));
        expect(row->key, memcmp(tag.key, row->key, tag.key_len) == 0);
        expect_number(row->key, tag.value == NULL, row->value == NULL);
        if (tag.value != NULL) {
            expect_number(row->key, tag.value_len, strlen(row->value));
            expect(row->key, memcmp(tag.value, row->value, tag.value_len) == 0);
        }
    }
    assert_false(ria_tag_next(&list, &tag));
}

static void tags_that_sts_would_reject_are_found(void **state)
{
    (void)state;
    static char many[RIA_TAGS_MAX * 8 + 64];
    static char lengthy[RIA_TAG_KEY_MAX + 8];
    for (int i = 0; i <= RIA_TAGS_MAX; i++) {
        (void)snprintf(many + strlen(many), 16, "%s%d=v", i == 0 ? "" : ",", i);
    }
    memset(lengthy, 'k', RIA_TAG_KEY_MAX + 1);
    (void)snprintf(lengthy + RIA_TAG_KEY_MAX + 1, 4, "=v");
    static const struct {
        const char *list;
        bool has_values;
        const char *fault;
    } rows[] = {
        {"a=b, c=d", true, NULL},
        {"a, c", false, NULL},
        {"a=", true, NULL},
        {"a=b,", true, NULL},
        {"a=b,,", true, "one of them is empty"},
        {",", true, "one of them is empty"},
        {"a=b,,c=d", true, "one of them is empty"},
        {"=b", true, "one of them has no key"},
        {"a,,c", false, "one of them is empty"},
        {"a", true, "one of them has no value; write key=value"},
        {"a=b", false, "only keys are allowed here, without values; write key1, key2"},
        {"a=b, A=c", true, "a key is used twice"},
        {many, true, "there are more than 50 of them"},
        {lengthy, true, "a key is longer than 128 bytes, or a value is longer than 256"},
    };
    for_each_row(row, rows, row->list) {
        const char *fault = ria_tag_list_fault(row->list, row->has_values);
        expect_text("the fault", fault == NULL ? "" : fault, row->fault == NULL ? "" : row->fault);
    }
}

static void each_region_has_the_suffix_of_its_partition(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"eu-west-1", "amazonaws.com"},
        {"us-gov-west-1", "amazonaws.com"},
        {"cn-north-1", "amazonaws.com.cn"},
        {"us-iso-east-1", "c2s.ic.gov"},
        {"us-isob-east-1", "sc2s.sgov.gov"},
        {"us-isof-south-1", "csp.hci.ic.gov"},
        {"eu-isoe-west-1", "cloud.adc-e.uk"},
        {"eusc-de-east-1", "amazonaws.eu"},
        {"xx-new-1", "amazonaws.com"},
    };
    for_each_row(row, rows, (*row)[0]) {
        expect_text((*row)[0], ria_partition_of((*row)[0]).suffix, (*row)[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_cut_at_commas_and_trimmed),
        cmocka_unit_test(tags_that_sts_would_reject_are_found),
        cmocka_unit_test(each_region_has_the_suffix_of_its_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
