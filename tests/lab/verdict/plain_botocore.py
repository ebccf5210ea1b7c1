# SPDX-License-Identifier: MIT
"""Import this before botocore: it then does without awscrt, a library in C that signs requests of kinds
which nothing here makes, and that takes as long to load as a third of all the rest."""
import sys

sys.modules.setdefault("awscrt", None)
