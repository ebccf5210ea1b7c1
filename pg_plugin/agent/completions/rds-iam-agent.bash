# SPDX-License-Identifier: MIT
#
# Completion of rds-iam-agent for bash.
_rds_iam_agent()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if [[ $cur == = ]]; then
        cur=""
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [[ $prev == --directory ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
    else
        mapfile -t COMPREPLY < <(
            compgen -W "--directory --foreground --once --status --version --help" -- "$cur"
        )
    fi
}

complete -F _rds_iam_agent rds-iam-agent
