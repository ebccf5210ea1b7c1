-- The demo database, in SQL that both servers support. An empty line ends a command.

CREATE TABLE orders (id integer PRIMARY KEY, customer varchar(40) NOT NULL, cents integer NOT NULL);

INSERT INTO orders VALUES (1, 'Ada', 1250), (2, 'Grace', 990), (3, 'Edsger', 20400);
