-- Accounts and grants of the lab's MariaDB, run by the server as it starts; shop.sql follows it.
-- A name in braces stands for a password from lab.json, or for statements of the README.

${readme_mariadb}
CREATE USER 'other_iam_user' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL;

CREATE USER 'native_user' IDENTIFIED VIA mysql_native_password USING PASSWORD('${native_user}');
CREATE USER 'ed25519_user' IDENTIFIED VIA ed25519 USING PASSWORD('${ed25519_user}');

-- Asked for mysql_clear_password like the IAM users, but for a password that somebody typed.
CREATE USER 'pam_user' IDENTIFIED VIA pam USING 'rdslab-password';

CREATE DATABASE shop;
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON shop.*
    TO 'clickpipes_iam_user', 'native_user', 'ed25519_user', 'pam_user';
GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO 'clickpipes_iam_user';

USE shop;
