-- What the attacks and the soak ask for. SQLite, MariaDB and PostgreSQL read it alike.

CREATE TABLE peers (name VARCHAR(40) NOT NULL PRIMARY KEY, context VARCHAR(80), port INTEGER);
INSERT INTO peers VALUES ('alice', 'inside', 5060), ('bob', 'inside', 5061);

CREATE TABLE members (queue VARCHAR(40) NOT NULL, device VARCHAR(40) NOT NULL, penalty INTEGER);
INSERT INTO members VALUES
  ('desk', 'PJSIP/100', 0),
  ('desk', 'PJSIP/101', 1),
  ('desk', 'PJSIP/102', 2),
  ('desk', 'PJSIP/103', 3),
  ('desk', 'PJSIP/104', 4),
  ('desk', 'PJSIP/105', 5),
  ('desk', 'PJSIP/106', 6),
  ('desk', 'PJSIP/107', 7),
  ('desk', 'PJSIP/108', 8),
  ('desk', 'PJSIP/109', 9),
  ('desk', 'PJSIP/110', 10),
  ('desk', 'PJSIP/111', 11),
  ('desk', 'PJSIP/112', 12),
  ('desk', 'PJSIP/113', 13),
  ('desk', 'PJSIP/114', 14),
  ('desk', 'PJSIP/115', 15),
  ('desk', 'PJSIP/116', 16),
  ('desk', 'PJSIP/117', 17),
  ('desk', 'PJSIP/118', 18),
  ('desk', 'PJSIP/119', 19);

-- 50,000 rows, some ten megabytes as an answer.
CREATE TABLE bulk (id INTEGER NOT NULL PRIMARY KEY, note VARCHAR(250));
INSERT INTO bulk VALUES (0, '0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij');
INSERT INTO bulk SELECT id + 1, note FROM bulk;
INSERT INTO bulk SELECT id + 2, note FROM bulk;
INSERT INTO bulk SELECT id + 4, note FROM bulk;
INSERT INTO bulk SELECT id + 8, note FROM bulk;
INSERT INTO bulk SELECT id + 16, note FROM bulk;
INSERT INTO bulk SELECT id + 32, note FROM bulk;
INSERT INTO bulk SELECT id + 64, note FROM bulk;
INSERT INTO bulk SELECT id + 128, note FROM bulk;
INSERT INTO bulk SELECT id + 256, note FROM bulk;
INSERT INTO bulk SELECT id + 512, note FROM bulk;
INSERT INTO bulk SELECT id + 1024, note FROM bulk;
INSERT INTO bulk SELECT id + 2048, note FROM bulk;
INSERT INTO bulk SELECT id + 4096, note FROM bulk;
INSERT INTO bulk SELECT id + 8192, note FROM bulk;
INSERT INTO bulk SELECT id + 16384, note FROM bulk;
INSERT INTO bulk SELECT id + 32768, note FROM bulk WHERE id < 17232;
