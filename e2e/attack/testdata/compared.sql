-- What random conditions are about. SQLite, MariaDB and PostgreSQL read it alike.

CREATE TABLE compared (id INTEGER NOT NULL PRIMARY KEY, small SMALLINT, big BIGINT, number NUMERIC(10,2), day DATE, word VARCHAR(20));
INSERT INTO compared VALUES (1, 0, 0, 0, '2026-01-02', 'a');
INSERT INTO compared VALUES (2, 5, 5, 0.5, '2024-02-29', 'abc');
INSERT INTO compared VALUES (3, -7, -9223372036854775808, -1.25, '1999-12-31', '');
INSERT INTO compared VALUES (4, 1500, 9223372036854775807, 99999999.99, '2038-01-19', '007');
INSERT INTO compared VALUES (5, 32767, 9007199254740993, 3, '2026-11-27', '5');
INSERT INTO compared VALUES (6, -32768, 42, 42, '0001-01-01', 'a%b');
INSERT INTO compared VALUES (7, NULL, NULL, NULL, NULL, NULL);
INSERT INTO compared VALUES (8, 5, 1, 5, '2026-01-02', 'zzz');
INSERT INTO compared VALUES (9, 1, -1, 0.05, '9999-12-31', '2026');
INSERT INTO compared VALUES (10, 42, 1000000000000, 1000, '2000-01-01', 'abcabcabc');
