CREATE TYPE yesno_values AS ENUM ('yes', 'no');
CREATE TYPE dtmf AS ENUM ('rfc4733', 'inband', 'it''s');
CREATE DOMAIN extension AS VARCHAR(10) CHECK (VALUE <> 'forbidden');
CREATE DOMAIN positive AS INTEGER CHECK (VALUE > 0);
CREATE DOMAIN label AS TEXT;

-- As alembic makes the tables of Asterisk.
CREATE TABLE ps_endpoints (
  id VARCHAR(255) NOT NULL PRIMARY KEY,
  context VARCHAR(40),
  direct_media yesno_values,
  dtmf_mode dtmf,
  "100rel" yesno_values NOT NULL DEFAULT 'no',
  device_state_busy_at INTEGER,
  set_var TEXT
);
INSERT INTO ps_endpoints VALUES
  ('alice', 'internal', 'yes', 'it''s', 'yes', 0, 'A=1;B=2'),
  ('Élodie 漢', '', NULL, NULL, 'no', -2147483648, 'one^3Btwo'),
  ('bob''s "x" \', NULL, 'no', 'rfc4733', 'no', 2147483647, '');

CREATE TABLE extensions (
  number extension NOT NULL PRIMARY KEY,
  weight positive,
  note label,
  must label NOT NULL
);
INSERT INTO extensions VALUES ('100', 1, 'first', 'a'), ('_X.', NULL, NULL, ''), ('101', 5, '', 'b');

-- Two columns in a key, none, and equal rows.
CREATE TABLE sip (
  id VARCHAR(20) NOT NULL, keyword VARCHAR(30) NOT NULL, data VARCHAR(255) NOT NULL, flags INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (id, keyword)
);
INSERT INTO sip VALUES ('100', 'secret', 'a&b=c+d%41', 0), ('100', 'callerid', '"Jörg" <100>', 1), ('101', 'secret', '0e1', 0);
CREATE TABLE cdr (calldate TIMESTAMP NOT NULL, src VARCHAR(80) NOT NULL DEFAULT '', duration INTEGER NOT NULL DEFAULT 0, userfield VARCHAR(255));
INSERT INTO cdr VALUES ('2026-01-02 03:04:05.000001', '100', 5, NULL), ('2026-01-02 03:04:05.000001', '100', 5, NULL), ('2026-01-02 03:04:05', '', 0, 'x');

-- Partitions.
CREATE TABLE queue_log (
  id BIGINT NOT NULL, time TIMESTAMP NOT NULL, callid VARCHAR(32) NOT NULL DEFAULT '', event VARCHAR(32),
  PRIMARY KEY (id, time)
) PARTITION BY RANGE (time);
CREATE TABLE queue_log_2025 PARTITION OF queue_log FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE queue_log_rest PARTITION OF queue_log DEFAULT;
INSERT INTO queue_log VALUES (1, '2025-12-31 23:59:59.999999', 'c1', 'ENTERQUEUE'), (2, '2026-01-01', 'c1', 'CONNECT'), (9223372036854775807, 'infinity', '', NULL);

-- Words of SQL, upper case, spaces.
CREATE TABLE "Order" ("KEY" INTEGER NOT NULL PRIMARY KEY, "select" VARCHAR(20), "Group" VARCHAR(20), "my column" VARCHAR(20), "ünïcode" VARCHAR(20), "a""b" VARCHAR(20));
INSERT INTO "Order" VALUES (1, 'from', 'by', 'where', 'x', 'y'), (2, NULL, '', '1 OR 1=1', NULL, '--');

-- Columns that the server fills.
CREATE TABLE did (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number VARCHAR(20) NOT NULL,
  digits INTEGER GENERATED ALWAYS AS (length(number)) STORED,
  created TIMESTAMPTZ NOT NULL DEFAULT '2026-01-02 03:04:05+00'
);
INSERT INTO did (number) VALUES ('+4930123'), ('');
-- expect did.id not-writable
-- expect did.digits not-writable
-- expect did store another-key

CREATE TABLE alltypes (
  id INTEGER NOT NULL PRIMARY KEY,
  small SMALLINT, big BIGINT, n NUMERIC(30,10), free NUMERIC, r REAL, d DOUBLE PRECISION, flag BOOLEAN, price MONEY,
  day DATE, clock TIME(3), zoned TIMETZ, moment TIMESTAMP(3), stamp TIMESTAMPTZ, span INTERVAL,
  bits BIT(5), varied BIT VARYING(10), bytes BYTEA,
  padded CHAR(5), one "char", nm NAME, unlimited VARCHAR,
  doc JSON, docb JSONB, markup XML, uid UUID, addr INET, net CIDR, mac MACADDR,
  list INTEGER[], words TEXT[], span4 INT4RANGE, place POINT, search TSVECTOR, o OID
);
INSERT INTO alltypes VALUES
  (1, -32768, 9223372036854775807, 12345678901234567890.0123456789, 1e-20, 0.1, 0.1, true, 12.5,
   '2026-01-02', '12:00:00.5', '12:00:00+02', '2026-01-02 03:04:05.12', '2026-01-02 03:04:05+00', '1 day 02:03:04',
   B'10101', B'1', '\x00ff3b5e0a', 'ab', 'x', 'a_name', 'é',
   '{"a": [1, "x;y^z"]}', '{"b":2,  "a": "x;y^z"}', '<a>&amp;</a>', '123e4567-e89b-12d3-a456-426655440000', '192.0.2.1/24', '2001:db8::/32', '08:00:2b:01:02:03',
   '{1,2,NULL}', '{"a b",c,"d;e"}', '[1,5)', '(1.5,2)', 'a fat cat', 4294967295),
  (2, 0, 0, 0, 0, 'infinity', 'NaN', false, 0, '-infinity', '00:00:00', '00:00:00+00', 'infinity', '-infinity', '0',
   B'00000', B'', '', '', '', '', '', '[]', 'null', '', '00000000-0000-0000-0000-000000000000', '::', '0.0.0.0/0', '00:00:00:00:00:00', '{}', '{}', 'empty', '(0,0)', '', 0);
INSERT INTO alltypes (id) VALUES (3);
-- expect alltypes.doc find unknown-operator
-- expect alltypes.markup find unknown-operator
-- expect alltypes.place find unknown-operator

CREATE TABLE voicemessages (id INTEGER NOT NULL PRIMARY KEY, dir TEXT, recording BYTEA, transcript TEXT);
INSERT INTO voicemessages VALUES
  (1, '/var/spool/asterisk/voicemail/default/100/INBOX', decode(repeat('616263646566670dff0a', 100000), 'hex'), repeat('漢é ', 30000)),
  (3, 'all bytes', decode(repeat('00ff3b5e0d0a25267f80c3', 100000), 'hex'), NULL),
  (2, NULL, '', '');

-- What a trigger refuses.
CREATE TABLE subscriber (username VARCHAR(64) NOT NULL PRIMARY KEY, domain VARCHAR(64) NOT NULL DEFAULT '', locked INTEGER NOT NULL DEFAULT 0);
INSERT INTO subscriber VALUES ('alice', 'example.org', 1), ('bob', 'example.org', 1);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it is locked'; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON subscriber FOR EACH ROW EXECUTE FUNCTION refuse();
-- expect subscriber update rejected
-- expect subscriber destroy rejected
-- expect subscriber store rejected

-- Views: over a join with computed ids, with lists, one that can be written, one that is stored.
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
CREATE VIEW members_of AS SELECT queue, string_agg('PJSIP/' || ext, ';' ORDER BY ext) AS members, count(*) AS n FROM m GROUP BY queue;
-- expect members_of update not-writable
-- expect members_of destroy not-writable
-- expect members_of store not-writable
CREATE VIEW support AS SELECT queue, ext, penalty FROM m WHERE queue = 'support' WITH CHECK OPTION;
-- expect support.queue clear rejected
CREATE MATERIALIZED VIEW totals AS SELECT queue, count(*) AS n FROM m GROUP BY queue;
-- expect totals update not-writable
-- expect totals destroy not-writable
-- expect totals store not-writable

-- A view that triggers write, and one that rules write.
CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY, first VARCHAR(20), last VARCHAR(20));
INSERT INTO people VALUES (1, 'Ada', 'Lovelace'), (2, 'Jörg', NULL);
CREATE VIEW phonebook AS SELECT id, first, last FROM people GROUP BY id;
CREATE FUNCTION phonebook() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN INSERT INTO people VALUES (NEW.id, NEW.first, NEW.last); RETURN NEW; END IF;
  IF TG_OP = 'UPDATE' THEN UPDATE people SET id = NEW.id, first = NEW.first, last = NEW.last WHERE id = OLD.id; RETURN NEW; END IF;
  DELETE FROM people WHERE id = OLD.id; RETURN OLD;
END $$;
CREATE TRIGGER phonebook INSTEAD OF INSERT OR UPDATE OR DELETE ON phonebook FOR EACH ROW EXECUTE FUNCTION phonebook();
CREATE TABLE agents (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20));
INSERT INTO agents VALUES (1, 'Ada'), (2, 'Jörg');
CREATE VIEW ruled AS SELECT id, name FROM agents GROUP BY id;
CREATE RULE ruled_insert AS ON INSERT TO ruled DO INSTEAD INSERT INTO agents VALUES (NEW.id, NEW.name);
CREATE RULE ruled_update AS ON UPDATE TO ruled DO INSTEAD UPDATE agents SET id = NEW.id, name = NEW.name WHERE id = OLD.id;
CREATE RULE ruled_delete AS ON DELETE TO ruled DO INSTEAD DELETE FROM agents WHERE id = OLD.id;
-- expect phonebook.id clear constraint
-- expect ruled.id clear constraint
