-- Accounts and grants of the lab's MariaDB. The server runs this file, followed by shop.sql, when it starts.
-- A name in braces is replaced by a password from lab.json, or by statements of RECIPES.md.

${recipes_mariadb}
CREATE USER 'other_iam_user' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL;
CREATE USER 'locked_user' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL ACCOUNT LOCK;

CREATE USER 'native_user' IDENTIFIED VIA mysql_native_password USING PASSWORD('${native_user}');
CREATE USER 'ed25519_user' IDENTIFIED VIA ed25519 USING PASSWORD('${ed25519_user}');

-- The server requests mysql_clear_password for this user, as for IAM users, but the password is an ordinary one.
CREATE USER 'pam_user' IDENTIFIED VIA pam USING 'rdslab-password';

-- The rights of the master user of an RDS instance.
CREATE USER 'master_user' IDENTIFIED VIA mysql_native_password USING PASSWORD('${master_user}');
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,
    CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW,
    CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER ON *.* TO 'master_user' WITH GRANT OPTION;

CREATE DATABASE shop;
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON shop.*
    TO 'clickpipes_iam_user', 'native_user', 'ed25519_user', 'pam_user';
GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO 'clickpipes_iam_user';

USE shop;
