/* SPDX-License-Identifier: MIT
 *
 * Whose AWS keys these are, according to STS, and this machine's clock compared with the clock of
 * STS. Follows GetCallerIdentity of the STS API 2011-06-15. This header declares only a struct.
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
