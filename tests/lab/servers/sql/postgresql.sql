-- Roles and grants of the lab's PostgreSQL. The superuser runs this file once. An empty line ends a
-- command. A name in braces is replaced by a password from lab.json, or by statements of RECIPES.md.

-- RDS creates this role with the instance.
CREATE ROLE rds_iam NOLOGIN;

CREATE ROLE rds_replication NOLOGIN;

-- The master user of an instance is not a superuser. It may give these roles to other users.
CREATE USER master_user CREATEDB CREATEROLE PASSWORD '${master_user}';
GRANT rds_iam, rds_replication TO master_user WITH ADMIN OPTION;

-- On RDS, a member of rds_replication may open replication connections. Here the member needs the attribute, which
-- this function sets.
CREATE FUNCTION public.apply_rds_replication() RETURNS void SECURITY DEFINER LANGUAGE plpgsql AS $$$$
DECLARE name text;
BEGIN
    FOR name IN SELECT pg_get_userbyid(member) FROM pg_auth_members WHERE roleid = 'rds_replication'::regrole LOOP
        EXECUTE format('ALTER ROLE %I REPLICATION', name);
    END LOOP;
END $$$$;

${recipes_postgresql}
${recipes_replication}
-- On RDS, membership in rds_replication is enough for a replication connection. Here the user needs this attribute.
ALTER USER clickpipes_iam_user WITH REPLICATION;
GRANT pg_read_all_data TO clickpipes_iam_user;

CREATE USER other_iam_user; GRANT rds_iam TO other_iam_user;

-- A role that may not log in, and a user whose connection limit is reached before the first connection.
CREATE ROLE nologin_user; GRANT rds_iam TO nologin_user;

CREATE USER limited_user CONNECTION LIMIT 0; GRANT rds_iam TO limited_user;

-- The users of the Aurora DSQL cluster that this server simulates.
CREATE ROLE dsql_iam NOLOGIN;

CREATE USER admin; GRANT dsql_iam TO admin;

CREATE USER app_user; GRANT dsql_iam TO app_user;

CREATE USER scram_user PASSWORD '${scram_user}'; GRANT pg_read_all_data TO scram_user;

CREATE DATABASE shop;

CREATE DATABASE work OWNER clickpipes_iam_user;
