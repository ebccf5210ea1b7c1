# SPDX-License-Identifier: MIT
#
# Completion of rds-iam-agent for fish.
complete -c rds-iam-agent -f
complete -c rds-iam-agent -l directory -x -a '(__fish_complete_directories)' -d 'The directory of the passfiles'
complete -c rds-iam-agent -l foreground -d 'Stay in the terminal and log to stderr'
complete -c rds-iam-agent -l once -d 'Write the passfiles and exit'
complete -c rds-iam-agent -l status -d 'Print the state of the running agent'
complete -c rds-iam-agent -l version -d 'Print the version'
complete -c rds-iam-agent -s h -l help -d 'Print the help text'
