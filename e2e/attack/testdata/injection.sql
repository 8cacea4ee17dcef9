-- What sqlmap attacks. SQLite, MariaDB and PostgreSQL read it alike.

CREATE TABLE peers (name VARCHAR(40) NOT NULL PRIMARY KEY, context VARCHAR(80), port INTEGER);
INSERT INTO peers VALUES ('alice', 'inside', 5060), ('bob', 'inside', 5061);

CREATE TABLE hidden (name VARCHAR(40) NOT NULL PRIMARY KEY, secret VARCHAR(80));
INSERT INTO hidden VALUES ('alice', 'canaryForbidden');
