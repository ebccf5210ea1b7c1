#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Formats a manual page: reads the source for scdoc on stdin, and writes it for man(1) on stdout.
set -eu
page=$(scdoc)
# scdoc writes tables. This line, the first one of the page, makes every man(1) run tbl(1).
printf '%s\n' "'\\\" t"
# With groff, man(1) also hyphenates options and file names, unless the register HY is 0.
printf '%s\n' "$page" | sed '/^[.]nh$/i .nr HY 0'
