# SPDX-License-Identifier: MIT
#
# Completion of rds-iam for bash. Needs no other file. With the package bash-completion, it also
# completes the arguments of the command after "rds-iam exec --".

# Prints the options of a command. An option that takes a value ends with =.
_rds_iam_options()
{
    case $1 in
    "") echo --version --help ;;
    check)
        echo --hostname= --port= --username= --service= --defaults-group= --engine= --dbname= \
            --program= --ca= --profile= --aws --json --help
        ;;
    credentials)
        echo --profile= --hostname= --port= --username= --region= --explain --clear --help
        ;;
    exec) echo --ca= --help -- ;;
    lint | setup) echo --help ;;
    token) echo --hostname= --port= --username= --region= --profile= --help ;;
    "setup ca") echo --partition= --file= --force --help ;;
    "setup mysql")
        echo --program= --write --all-servers --ssl-ca= --clients --client= --help
        ;;
    "setup policy")
        echo --hostname= --port= --username= --account= --resource-id= --region= --help
        ;;
    "setup postgres")
        echo --hostname= --port= --username= --dbname= --ca= --service= --write --program= --help
        ;;
    "setup sql") echo --username= --engine= --dbname= --replication --help ;;
    "setup trust-policy") echo --role-arn= --external-id= --session-tags --help ;;
    esac
}

# Prints the names of the AWS profiles.
_rds_iam_profiles()
{
    sed -n 's/^\[\(profile \)\{0,1\}\([^] ]*\)\].*/\2/p' \
        "${AWS_CONFIG_FILE:-$HOME/.aws/config}" \
        "${AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}" 2>/dev/null
}

# Prints the known values of an option, which $1 names with its command: "check --engine". Prints
# FILE for an option that names a file.
_rds_iam_values()
{
    local kind
    case $1 in
    *" --ca" | *" --ssl-ca" | *" --file" | *" --client" | "check --program") echo FILE ;;
    *" --program")
        kind=${1#setup }
        rds-iam setup "${kind% --program}" --program list 2>/dev/null | sed 's/ .*//'
        ;;
    *" --service")
        sed -n 's/^\[\(.*\)\]$/\1/p' "${PGSERVICEFILE:-$HOME/.pg_service.conf}" 2>/dev/null
        ;;
    "check --defaults-group") echo client client-rds ;;
    "check --engine") echo postgres mysql ;;
    "setup sql --engine") echo postgres mysql mariadb ;;
    *" --partition") echo aws aws-us-gov aws-cn ;;
    *" --profile") _rds_iam_profiles ;;
    esac
}

# Completes the command after "rds-iam exec --". $1 is its first word.
_rds_iam_exec()
{
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]] && declare -F _command_offset >/dev/null; then
            _command_offset $((i + 1))
            return
        fi
    done
    compopt -o default
    if [[ $1 == "$cur" ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    fi
}

_rds_iam()
{
    # Readline also splits words at = and at colons, so the line is split again, at blanks alone.
    local line=${COMP_LINE:0:COMP_POINT} words cur prev command="" options known="" i
    COMPREPLY=()
    read -ra words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=("")
    cur=${words[-1]}
    prev=${words[-2]-}
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        if [[ ${words[i]} == -- ]]; then
            _rds_iam_exec "${words[i + 1]}"
            return
        elif [[ ${words[i]} != -* && ($command == "" || ($command == setup && $i -eq 2)) ]]; then
            command="${command:+$command }${words[i]}"
        fi
    done
    if [[ $cur == --*=* ]]; then
        prev=${cur%%=*}
        cur=${cur#*=}
    fi
    options=$(_rds_iam_options "$command")
    if [[ " $options " == *" $prev= "* ]]; then
        known=$(_rds_iam_values "$command $prev")
        if [[ $known == FILE ]]; then
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
        fi
    elif [[ $command == "" && $cur != -* ]]; then
        known="check credentials exec lint setup token"
    elif [[ $command == setup && $cur != -* ]]; then
        known="ca mysql policy postgres sql trust-policy"
    else
        known=${options//=/}
    fi
    mapfile -t COMPREPLY < <(compgen -W "$known" -- "$cur")
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
    fi
}

complete -F _rds_iam rds-iam
