/* SPDX-License-Identifier: MIT
 *
 * The answer of STS to GetCallerIdentity: the user or role session to which AWS keys belong, and
 * the difference between this machine's clock and the clock of STS. Follows the STS API 2011-06-15.
 * This header declares only a struct.
 */
#ifndef RIA_AWS_IDENTITY_H
#define RIA_AWS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

struct ria_identity {
    char arn[256];       /* of the user or of the role's session; "" if STS did not report it */
    bool has_difference; /* STS reported its time, over a verified connection */
    int64_t difference;  /* STS's time minus this machine's, in seconds */
};

#endif
