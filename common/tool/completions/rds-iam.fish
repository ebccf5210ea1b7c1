# SPDX-License-Identifier: MIT
#
# Completion of rds-iam for fish.

# Succeeds if the words before the cursor name this command: "__rds_iam_at setup mysql". Without
# arguments, succeeds if they name no command.
function __rds_iam_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l named
    for word in $words
        switch $word
            case --
                return 1
            case '-*'
                continue
        end
        if test (count $named) -eq 0; or test "$named" = setup
            set -a named $word
        end
    end
    test "$named" = "$argv"
end

# Succeeds if -- stands before the cursor.
function __rds_iam_has_ended
    contains -- -- (commandline -opc)
end

# Succeeds in the command after "rds-iam exec --".
function __rds_iam_in_command
    set -l words (commandline -opc)
    test "$words[2]" = exec; and __rds_iam_has_ended
end

# Completes the command after "rds-iam exec --" as if it were the whole line.
function __rds_iam_complete_command
    set -l words (commandline -opc)
    set -l end (contains -i -- -- $words)
    set -e words[1..$end]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct) | string collect)
end

# fish quotes each name that a completion prints, so a name from the user's files is never executed.

# In the config file, the name of a profile that contains a blank is in quotes.
function __rds_iam_profiles
    set -l config "$AWS_CONFIG_FILE"
    test -n "$config"; or set config ~/.aws/config
    set -l credentials "$AWS_SHARED_CREDENTIALS_FILE"
    test -n "$credentials"; or set credentials ~/.aws/credentials
    set -l blank '[[:blank:]]'
    set -l begin "^$blank*"'\['"$blank*profile$blank$blank*"
    sed -n -e "s/^$blank*\[$blank*default$blank*\].*/default/p" \
        -e "s/$begin\([\"']\)\([^]]*\)\1$blank*\].*/\2/p" \
        -e "s/$begin\([^]\"'[:blank:]]*\)$blank*\].*/\1/p" -- $config 2>/dev/null
    sed -n "s/^$blank*\[\([^]]*\)\].*/\1/p" -- $credentials 2>/dev/null
end

function __rds_iam_services
    set -l file "$PGSERVICEFILE"
    test -n "$file"; or set file ~/.pg_service.conf
    sed -n 's/^[[:blank:]]*\[\([^]]*\)\].*/\1/p' -- $file 2>/dev/null
end

function __rds_iam_programs
    rds-iam setup $argv --program list 2>/dev/null | string replace -r ' .*' ''
end

complete -c rds-iam -f
complete -c rds-iam -n 'not __rds_iam_has_ended' -s h -l help -d 'Print the help text'
complete -c rds-iam -n __rds_iam_at -l version -d 'Print the version'
complete -c rds-iam -n __rds_iam_at -a check -d 'Check everything that a login needs'
complete -c rds-iam -n __rds_iam_at -a credentials -d 'Print, explain or clear AWS credentials'
complete -c rds-iam -n __rds_iam_at -a exec -d 'Run a command whose database logins use tokens'
complete -c rds-iam -n __rds_iam_at -a lint -d 'Check pg_service.conf for errors'
complete -c rds-iam -n __rds_iam_at -a setup -d 'Print or write the configuration of clients'
complete -c rds-iam -n __rds_iam_at -a token -d 'Print a token for one database login'

set -l at '__rds_iam_at check'
complete -c rds-iam -n $at -l hostname -x -d 'The RDS endpoint'
complete -c rds-iam -n $at -l port -x -d 'Its port'
complete -c rds-iam -n $at -l username -x -d 'The database user'
complete -c rds-iam -n $at -l service -x -a '(__rds_iam_services)' -d 'A service of pg_service.conf'
complete -c rds-iam -n $at -l defaults-group -x -a 'client client-rds' -d 'A group of the MySQL option file'
complete -c rds-iam -n $at -l engine -x -a 'mysql mariadb postgres postgresql' -d 'The engine of the server'
complete -c rds-iam -n $at -l dbname -x -d 'The database'
complete -c rds-iam -n $at -l program -r -F -d 'Log in with the client library of this program'
complete -c rds-iam -n $at -l ca -r -F -d 'Verify the server with this file'
complete -c rds-iam -n $at -l profile -x -a '(__rds_iam_profiles)' -d 'Use this AWS profile'
complete -c rds-iam -n $at -l aws -d 'Also ask AWS'
complete -c rds-iam -n $at -l json -d 'Print one JSON object'

set -l at '__rds_iam_at credentials'
complete -c rds-iam -n $at -l profile -x -a '(__rds_iam_profiles)' -d 'Use this AWS profile'
complete -c rds-iam -n $at -l hostname -x -d 'The host of the login'
complete -c rds-iam -n $at -l port -x -d 'Its port'
complete -c rds-iam -n $at -l username -x -d 'The database user'
complete -c rds-iam -n $at -l region -x -d 'The region of the database'
complete -c rds-iam -n $at -l explain -d 'Print where the credentials come from'
complete -c rds-iam -n $at -l clear -d 'Remove all credentials from the cache'

complete -c rds-iam -n '__rds_iam_at exec' -l ca -r -F -d 'Verify the servers of RDS with this file'
complete -c rds-iam -n '__rds_iam_at exec' -a -- -d 'The command follows'
complete -c rds-iam -n __rds_iam_in_command -a '(__rds_iam_complete_command)'

set -l at '__rds_iam_at token'
complete -c rds-iam -n $at -l hostname -x -d 'The host name that the client connects to'
complete -c rds-iam -n $at -l port -x -d 'Its port'
complete -c rds-iam -n $at -l username -x -d 'The database user'
complete -c rds-iam -n $at -l region -x -d 'The region of the database'
complete -c rds-iam -n $at -l profile -x -a '(__rds_iam_profiles)' -d 'The AWS profile to sign with'

set -l at '__rds_iam_at setup'
complete -c rds-iam -n $at -a ca -d 'Install the root certificates of RDS'
complete -c rds-iam -n $at -a mysql -d 'Programs for MySQL and MariaDB servers'
complete -c rds-iam -n $at -a policy -d 'The IAM policy that allows a login'
complete -c rds-iam -n $at -a postgres -d 'Programs that use libpq'
complete -c rds-iam -n $at -a sql -d 'The SQL statements that create the database user'
complete -c rds-iam -n $at -a trust-policy -d 'The trust policy of a role'

set -l at '__rds_iam_at setup ca'
complete -c rds-iam -n $at -l partition -x -a 'aws aws-us-gov aws-cn' -d 'Download the bundle of this partition'
complete -c rds-iam -n $at -l file -r -F -d 'Install this bundle'
complete -c rds-iam -n $at -l force -d 'Install a bundle that lacks a root of the installed bundle'

set -l at '__rds_iam_at setup mysql'
complete -c rds-iam -n $at -l program -x -a '(__rds_iam_programs mysql)' -d 'Print what this program needs'
complete -c rds-iam -n $at -l write -d 'Add the lines to ~/.my.cnf'
complete -c rds-iam -n $at -l all-servers -d 'Use the group client instead of client-rds'
complete -c rds-iam -n $at -l ssl-ca -r -F -d 'The root certificates of the servers'
complete -c rds-iam -n $at -l clients -d 'List the clients on this machine'
complete -c rds-iam -n $at -l client -r -F -d 'Inspect this program or library'

set -l at '__rds_iam_at setup policy'
complete -c rds-iam -n $at -l hostname -x -d 'The endpoint'
complete -c rds-iam -n $at -l port -x -d 'Its port'
complete -c rds-iam -n $at -l username -x -d 'The database user'
complete -c rds-iam -n $at -l account -x -d 'The account that owns the database'
complete -c rds-iam -n $at -l resource-id -x -d 'The resource id of the database'
complete -c rds-iam -n $at -l region -x -d 'The region of the database'

set -l at '__rds_iam_at setup postgres'
complete -c rds-iam -n $at -l hostname -x -d 'The RDS endpoint'
complete -c rds-iam -n $at -l port -x -d 'Its port'
complete -c rds-iam -n $at -l username -x -d 'The database user'
complete -c rds-iam -n $at -l dbname -x -d 'The database'
complete -c rds-iam -n $at -l ca -r -F -d 'The root certificates'
complete -c rds-iam -n $at -l service -x -a '(__rds_iam_services)' -d 'The name of the entry'
complete -c rds-iam -n $at -l write -d 'Add the entry to ~/.pg_service.conf'
complete -c rds-iam -n $at -l program -x -a '(__rds_iam_programs postgres)' -d 'Print what this program needs'

set -l at '__rds_iam_at setup sql'
complete -c rds-iam -n $at -l username -x -d 'The database user'
complete -c rds-iam -n $at -l engine -x -a 'mysql mariadb postgres postgresql' -d 'The engine of the server'
complete -c rds-iam -n $at -l dbname -x -d 'Also let the user read this database'
complete -c rds-iam -n $at -l replication -d 'Also let the user receive changes'

set -l at '__rds_iam_at setup trust-policy'
complete -c rds-iam -n $at -l role-arn -x -d 'The role that may assume the access role'
complete -c rds-iam -n $at -l external-id -x -d 'The external id that the client must send'
complete -c rds-iam -n $at -l session-tags -d 'Also allow sts:TagSession'
