/* SPDX-License-Identifier: MIT
 *
 * Lists of session tags, and the partition of a region. */
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
    for (size_t i = 0; i < RIA_COUNT(want); i++) {
        assert_true(ria_tag_next(&list, &tag));
        assert_int_equal(tag.key_len, strlen(want[i].key));
        assert_memory_equal(tag.key, want[i].key, tag.key_len);
        assert_int_equal(tag.value == NULL, want[i].value == NULL);
        if (tag.value != NULL) {
            assert_int_equal(tag.value_len, strlen(want[i].value));
            assert_memory_equal(tag.value, want[i].value, tag.value_len);
        }
    }
    assert_false(ria_tag_next(&list, &tag));
}

static void what_sts_would_refuse_is_found(void **state)
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
        {"a=b,,c=d", true, "one of them is empty"},
        {"=b", true, "one of them is empty"},
        {"a", true, "one of them has no value; write key=value"},
        {"a=b", false, "only keys are allowed here; write key, key"},
        {"a=b, A=c", true, "a key is used twice"},
        {many, true, "there are more than 50 of them"},
        {lengthy, true, "one of them is too long"},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        const char *fault = ria_tag_list_fault(rows[i].list, rows[i].has_values);
        expect_text(
            "the fault", fault == NULL ? "" : fault, rows[i].fault == NULL ? "" : rows[i].fault);
    }
}

static void each_region_has_its_partitions_suffix(void **state)
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
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        expect_text(rows[i][0], ria_partition_of(rows[i][0]).suffix, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_cut_at_commas_and_trimmed),
        cmocka_unit_test(what_sts_would_refuse_is_found),
        cmocka_unit_test(each_region_has_its_partitions_suffix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
