# SPDX-License-Identifier: MIT
"""Import this module before botocore. It stops botocore from loading awscrt, a C library that signs kinds of requests
which the lab does not use. Loading awscrt takes a third as long as loading the rest of botocore."""
import sys

sys.modules.setdefault("awscrt", None)
