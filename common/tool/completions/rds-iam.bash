# SPDX-License-Identifier: MIT
#
# Completion of rds-iam for bash. Needs no other file. If the package bash-completion is installed,
# this script also completes the arguments of the command after "rds-iam exec --".
#
# Names from the user's files are data. compgen -W and eval would execute a $(command) in a name, so
# this script uses neither. It offers only names of letters, digits, blanks and a few other
# characters, and quotes the blanks.

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

# Prints the names of the AWS profiles. In the config file, a name with a blank is in quotes.
_rds_iam_profiles()
{
    local blank='[[:blank:]]' begin
    begin="^$blank*\[$blank*profile$blank$blank*"
    sed -n -e "s/^$blank*\[$blank*default$blank*\].*/default/p" \
        -e "s/$begin\([\"']\)\([^]]*\)\1$blank*\].*/\2/p" \
        -e "s/$begin\([^]\"'[:blank:]]*\)$blank*\].*/\1/p" \
        -- "${AWS_CONFIG_FILE:-$HOME/.aws/config}" 2>/dev/null
    sed -n "s/^$blank*\[\([^]]*\)\].*/\1/p" \
        -- "${AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}" 2>/dev/null
}

# Prints the names of the services.
_rds_iam_services()
{
    sed -n 's/^[[:blank:]]*\[\([^]]*\)\].*/\1/p' \
        -- "${PGSERVICEFILE:-$HOME/.pg_service.conf}" 2>/dev/null
}

# Succeeds if the value of an option is a file name. $1 is the command and the option ("check --ca").
_rds_iam_takes_file()
{
    case $1 in
    *" --ca" | *" --ssl-ca" | *" --file" | *" --client" | "check --program") return 0 ;;
    esac
    return 1
}

# Prints the known values of an option, one on each line. $1 is the command and the option.
_rds_iam_values()
{
    local kind
    case $1 in
    *" --program")
        kind=${1#setup }
        rds-iam setup "${kind% --program}" --program list 2>/dev/null | sed 's/ .*//'
        ;;
    *" --service") _rds_iam_services ;;
    "check --defaults-group") printf '%s\n' client client-rds ;;
    "check --engine") printf '%s\n' mysql mariadb postgres postgresql ;;
    "setup sql --engine") printf '%s\n' mysql mariadb postgres postgresql ;;
    *" --partition") printf '%s\n' aws aws-us-gov aws-cn ;;
    *" --profile") _rds_iam_profiles ;;
    esac
}

# Splits a line into words, like the shell, but expands nothing. Sets the variables of the caller:
# words (without their quotes) and quote (the quote that is open at the end, or nothing).
_rds_iam_split()
{
    local line=$1 word="" has_word="" c i
    words=()
    quote=""
    for ((i = 0; i < ${#line}; i++)); do
        c=${line:i:1}
        if [[ $c == "$quote" ]]; then
            quote=""
        elif [[ $c == \\ && $quote != "'" ]]; then
            ((++i))
            word+=${line:i:1}
            has_word=1
        elif [[ $quote == "" && $c == [\"\'] ]]; then
            quote=$c
            has_word=1
        elif [[ $quote == "" && $c == [[:blank:]] ]]; then
            [[ $has_word ]] && words+=("$word")
            word="" has_word=""
        else
            word+=$c
            has_word=1
        fi
    done
    words+=("$word")
}

# Offers the lines of stdin that begin with the present word. Skips a name with a character that
# has a meaning in a shell. Readline replaces only the text after the last colon of the word.
_rds_iam_offer()
{
    local safe='^[[:alnum:]_.:@/+ -]+$' before="" name
    if [[ $quote == "" && $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        before=${cur%"${cur##*:}"}
    fi
    while IFS= read -r name; do
        if [[ $name == "$cur"* && $name =~ $safe ]]; then
            name=${name#"$before"}
            [[ $quote == "" ]] && printf -v name %q "$name"
            COMPREPLY+=("$name")
        fi
    done
}

# Completes the command after "rds-iam exec --". $1 is the index of the command's first word.
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
    if (($1 == ${#words[@]} - 1)); then
        _rds_iam_offer < <(compgen -c -- "$cur")
    fi
}

_rds_iam()
{
    # Readline also splits words at = and at colons, so the line is split again.
    local words quote cur prev command="" options i
    COMPREPLY=()
    _rds_iam_split "${COMP_LINE:0:COMP_POINT}"
    cur=${words[-1]}
    prev=${words[-2]-}
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        if [[ ${words[i]} == -- ]]; then
            [[ $command == exec ]] && _rds_iam_exec $((i + 1))
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
        if _rds_iam_takes_file "$command $prev"; then
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        else
            _rds_iam_offer < <(_rds_iam_values "$command $prev")
        fi
    elif [[ $command == "" && $cur != -* ]]; then
        _rds_iam_offer < <(printf '%s\n' check credentials exec lint setup token)
    elif [[ $command == setup && $cur != -* ]]; then
        _rds_iam_offer < <(printf '%s\n' ca mysql policy postgres sql trust-policy)
    else
        _rds_iam_offer <<<"${options//[= ]/$'\n'}"
    fi
}

complete -F _rds_iam rds-iam
