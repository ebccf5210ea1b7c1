/* SPDX-License-Identifier: MIT
 *
 * The core checks that all functions of OpenSSL come from one library (codec/digest.c). In a fault
 * object, some addresses are those of wrappers. The two wrappers in this file give the check the
 * addresses of the true functions instead. */
#include "base/object.h"
#include "faults.h"

bool __real_ria_object_at(uintptr_t address, struct ria_object *out);
bool __wrap_ria_object_at(uintptr_t address, struct ria_object *out);
bool __real_ria_object_contains(const struct ria_object *object, uintptr_t address);
bool __wrap_ria_object_contains(const struct ria_object *object, uintptr_t address);

bool __wrap_ria_object_at(uintptr_t address, struct ria_object *out)
{
    return __real_ria_object_at(ria_fault_true_address(address), out);
}

bool __wrap_ria_object_contains(const struct ria_object *object, uintptr_t address)
{
    return __real_ria_object_contains(object, ria_fault_true_address(address));
}
