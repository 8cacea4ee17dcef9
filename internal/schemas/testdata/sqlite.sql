-- No types, no rowid, a key of two columns, equal rows.
CREATE TABLE untyped (id INTEGER PRIMARY KEY, a, b);
INSERT INTO untyped VALUES (1, 'text', 5), (2, 1.5, NULL), (3, '', 'é;^');
CREATE TABLE sip (id VARCHAR(20) NOT NULL, keyword VARCHAR(30) NOT NULL, data VARCHAR(255) NOT NULL, flags INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (id, keyword)) WITHOUT ROWID;
INSERT INTO sip VALUES ('100', 'secret', 'a&b=c+d%41', 0), ('100', 'callerid', '"Jörg" <100>', 1), ('101', 'secret', '0e1', 0);
CREATE TABLE cdr (calldate DATETIME NOT NULL, src VARCHAR(80) NOT NULL DEFAULT '', duration INTEGER NOT NULL DEFAULT 0, userfield VARCHAR(255));
INSERT INTO cdr VALUES ('2026-01-02 03:04:05', '100', 5, NULL), ('2026-01-02 03:04:05', '100', 5, NULL), ('2026-01-02 03:04:06', '', 0, 'x');

-- As chan_sip and FreePBX have it, with what strict databases refuse.
CREATE TABLE sippeers (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(80) NOT NULL UNIQUE COLLATE NOCASE, "call-limit" INTEGER, setvar TEXT NOT NULL DEFAULT '',
  nat VARCHAR(5) CHECK (nat IN ('yes', 'no')), regseconds BIGINT, fullcontact VARCHAR(80), secret CHAR(8)
);
INSERT INTO sippeers VALUES
  (1, 'alice', 0, 'A=1;B=2', 'yes', 1700000000, 'sip:alice@192.0.2.1:5060^3Btransport=tcp', '007'),
  (2, '漢字', NULL, '', NULL, 'never', '', '1e3'),
  (9223372036854775807, 'Bob''s "phone" % _ \', -1, 'one^3Btwo', 'no', NULL, NULL, 'far longer than eight');
-- expect sippeers.nat clear constraint

-- Words of SQL, upper case, spaces.
CREATE TABLE "Order" ("KEY" INTEGER NOT NULL PRIMARY KEY, "select" VARCHAR(20), "Group" VARCHAR(20), "my column" VARCHAR(20), "ünïcode" VARCHAR(20), "a""b" VARCHAR(20));
INSERT INTO "Order" VALUES (1, 'from', 'by', 'where', 'x', 'y'), (2, NULL, '', '1 OR 1=1', NULL, '--');

-- Columns that the database fills.
CREATE TABLE did (id INTEGER NOT NULL PRIMARY KEY, number VARCHAR(20) NOT NULL, prefix TEXT AS (substr(number, 1, 3)) VIRTUAL, digits INTEGER AS (length(number)) STORED);
INSERT INTO did VALUES (1, '+4930123'), (2, '');
-- expect did.prefix not-writable
-- expect did.digits not-writable

CREATE TABLE alltypes (
  id INTEGER NOT NULL PRIMARY KEY, tiny TINYINT, flag BOOLEAN, f FLOAT, d DOUBLE PRECISION, n NUMERIC(20,5), dec DECIMAL(10,2), day DATE, clock TIME, moment DATETIME,
  padded CHAR(5), long CLOB, bytes BLOB, doc JSON, uid UUID, word STRING
);
INSERT INTO alltypes VALUES
  (1, 1, 1, 0.1, 1e300, 123.45, 12.5, '2026-01-02', '12:00:00', '2026-01-02 03:04:05', 'ab', 'é漢', x'00ff3b5e0a', '{"a": [1, "x^3By"]}', '123e4567-e89b-12d3-a456-426655440000', 'w'),
  (2, 0, 0, -1.5, 0.0, 0, 0, 'soon', '', 1700000000, '', '', x'', '[]', '', '007'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE strict (id INTEGER NOT NULL PRIMARY KEY, i INT, t TEXT, r REAL, b BLOB, whatever ANY) STRICT;
INSERT INTO strict VALUES (1, 5, 'a', 1.5, x'00', 'x'), (2, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE voicemessages (id INTEGER NOT NULL PRIMARY KEY, dir VARCHAR(128), recording LONGBLOB, transcript TEXT);
INSERT INTO voicemessages VALUES
  (1, '/var/spool/asterisk/voicemail/default/100/INBOX', CAST(replace(hex(zeroblob(100000)), '00', 'abcdefé' || char(13, 10)) AS BLOB), replace(hex(zeroblob(30000)), '00', '漢é ')),
  (3, 'all bytes', CAST(replace(hex(zeroblob(100000)), '00', '^;%&' || char(1, 13, 10, 127)) AS BLOB), NULL),
  (2, NULL, x'', '');

-- What a trigger refuses.
CREATE TABLE subscriber (username VARCHAR(64) NOT NULL PRIMARY KEY, domain VARCHAR(64) NOT NULL DEFAULT '', locked INTEGER NOT NULL DEFAULT 0);
INSERT INTO subscriber VALUES ('alice', 'example.org', 1), ('bob', 'example.org', 1);
CREATE TRIGGER subscriber_update BEFORE UPDATE ON subscriber BEGIN SELECT RAISE(ABORT, 'it is locked'); END;
CREATE TRIGGER subscriber_delete BEFORE DELETE ON subscriber BEGIN SELECT RAISE(ABORT, 'it is locked'); END;
CREATE TRIGGER subscriber_insert BEFORE INSERT ON subscriber BEGIN SELECT RAISE(ABORT, 'no new ones'); END;
-- expect subscriber update rejected
-- expect subscriber destroy rejected
-- expect subscriber store rejected

-- Views: over a join with computed ids, with lists.
CREATE TABLE q (name VARCHAR(20) NOT NULL PRIMARY KEY, strategy VARCHAR(20));
INSERT INTO q VALUES ('support', 'linear'), ('sales', NULL);
CREATE TABLE m (queue VARCHAR(20) NOT NULL, ext VARCHAR(10) NOT NULL, penalty INTEGER, PRIMARY KEY (queue, ext));
INSERT INTO m VALUES ('support', '100', 0), ('support', '101', 5), ('sales', '100', NULL);
CREATE VIEW queue_members AS
  SELECT q.name || '-' || m.ext AS uniqueid, q.name AS queue_name, 'PJSIP/' || m.ext AS interface, m.penalty AS penalty
  FROM q JOIN m ON m.queue = q.name;
-- expect queue_members update not-writable
-- expect queue_members destroy not-writable
-- expect queue_members store not-writable
CREATE VIEW members_of AS SELECT queue, group_concat('PJSIP/' || ext, ';') AS members, count(*) AS n FROM m GROUP BY queue;
-- expect members_of update not-writable
-- expect members_of destroy not-writable
-- expect members_of store not-writable

-- A view that triggers write.
CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY, first VARCHAR(20), last VARCHAR(20));
INSERT INTO people VALUES (1, 'Ada', 'Lovelace'), (2, 'Jörg', NULL);
CREATE VIEW phonebook AS SELECT id, first, last FROM people;
CREATE TRIGGER phonebook_insert INSTEAD OF INSERT ON phonebook BEGIN INSERT INTO people VALUES (NEW.id, NEW.first, NEW.last); END;
CREATE TRIGGER phonebook_update INSTEAD OF UPDATE ON phonebook BEGIN UPDATE people SET id = NEW.id, first = NEW.first, last = NEW.last WHERE id = OLD.id; END;
CREATE TRIGGER phonebook_delete INSTEAD OF DELETE ON phonebook BEGIN DELETE FROM people WHERE id = OLD.id; END;
-- expect phonebook count 0
-- expect phonebook.id clear bad-value
