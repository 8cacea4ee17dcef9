SET SESSION sql_mode = '';

-- An old table of a billing system: latin1, MyISAM, dates that are none.
CREATE TABLE cc_card (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  username VARCHAR(50) CHARACTER SET latin1 NOT NULL,
  lastname VARCHAR(50) NOT NULL DEFAULT '',
  credit DECIMAL(15,5) NOT NULL DEFAULT 0,
  creationdate TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  expirationdate DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00',
  firstused DATE DEFAULT '0000-00-00',
  redial VARCHAR(50),
  UNIQUE KEY cons_cc_card_username (username)
) ENGINE=MyISAM DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO cc_card VALUES
  (1, '4155550100', 'Müller', 12.5, '2021-03-04 05:06:07', '0000-00-00 00:00:00', '0000-00-00', NULL),
  (18446744073709551615, 'ñandú €', 'O''Brien "x" \\', -0.00001, '2038-01-19 03:14:07', '9999-12-31 23:59:59', NULL, ''),
  (3, 'mixed', 'a^3Bb^5Ec', 99999.99999, '2000-02-29 00:00:00', '2000-00-00 00:00:00', '2000-02-29', '5060');

-- expect cc_card.creationdate volatile

-- utf8mb3 as older servers make it, with a prefix index and a long text.
CREATE TABLE sippeers (
  id INT(11) NOT NULL AUTO_INCREMENT,
  name VARCHAR(80) NOT NULL,
  accountcode VARCHAR(20) DEFAULT NULL,
  `call-limit` INT(11) UNSIGNED DEFAULT NULL,
  setvar VARCHAR(100) NOT NULL DEFAULT '',
  nat ENUM('no','yes','force_rport,comedia') NOT NULL DEFAULT 'no',
  type ENUM('user','peer','friend') DEFAULT NULL,
  `100rel` VARCHAR(5) DEFAULT NULL,
  regseconds BIGINT(20) DEFAULT NULL,
  fullcontact TEXT,
  PRIMARY KEY (id),
  UNIQUE KEY name (name),
  KEY contact (fullcontact(20))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3;
INSERT INTO sippeers VALUES
  (1, 'alice', 'zürich', 0, 'A=1;B=2', 'force_rport,comedia', 'friend', 'yes', 1700000000, 'sip:alice@192.0.2.1:5060^3Btransport=tcp'),
  (2, '漢字', NULL, 4294967295, '', 'yes', NULL, NULL, NULL, NULL),
  (3, 'Bob''s "phone" % _', '', 2, 'one^3Btwo', 'no', 'peer', '', -1, REPEAT('é', 5000));

-- One row for each setting, as FreePBX has it: a key of two columns.
CREATE TABLE sip (
  id VARCHAR(20) NOT NULL DEFAULT '-1',
  keyword VARCHAR(30) NOT NULL DEFAULT '',
  data VARCHAR(255) NOT NULL,
  flags INT(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (id, keyword)
) ENGINE=MyISAM DEFAULT CHARSET=utf8mb4;
INSERT INTO sip VALUES ('100', 'secret', 'a&b=c+d%41', 0), ('100', 'callerid', '"Jörg" <100>', 1), ('101', 'secret', '0e1', 0);

-- No key at all, and rows that are equal.
CREATE TABLE cdr (
  calldate DATETIME(6) NOT NULL,
  src VARCHAR(80) NOT NULL DEFAULT '',
  duration INT NOT NULL DEFAULT 0,
  userfield VARCHAR(255)
) ENGINE=Aria;
INSERT INTO cdr VALUES ('2026-01-02 03:04:05.000001', '100', 5, NULL), ('2026-01-02 03:04:05.000001', '100', 5, NULL), ('2026-01-02 03:04:05', '', 0, 'x');

-- Partitions, so that every key has the column that decides.
CREATE TABLE queue_log (
  id BIGINT NOT NULL AUTO_INCREMENT,
  time DATETIME(6) NOT NULL,
  callid VARCHAR(32) NOT NULL DEFAULT '',
  event VARCHAR(32) NOT NULL DEFAULT '',
  PRIMARY KEY (id, time)
) PARTITION BY RANGE (YEAR(time)) (PARTITION p2025 VALUES LESS THAN (2026), PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO queue_log VALUES (1, '2025-12-31 23:59:59.999999', 'c1', 'ENTERQUEUE'), (2, '2026-01-01 00:00:00', 'c1', 'CONNECT'), (3, '2031-05-05 05:05:05.5', '', '');

-- Words of SQL, upper case, spaces.
CREATE TABLE `Order` (
  `KEY` INT NOT NULL PRIMARY KEY,
  `select` VARCHAR(20),
  `Group` VARCHAR(20),
  `my column` VARCHAR(20),
  `ünïcode` VARCHAR(20),
  `a``b` VARCHAR(20)
);
INSERT INTO `Order` VALUES (1, 'from', 'by', 'where', 'x', 'y'), (2, NULL, '', '1 OR 1=1', NULL, '--');

-- Columns that the server fills, and those that SELECT * leaves out.
CREATE TABLE did (
  id INT NOT NULL PRIMARY KEY,
  number VARCHAR(20) NOT NULL,
  prefix VARCHAR(4) AS (LEFT(number, 3)) VIRTUAL,
  digits INT AS (CHAR_LENGTH(number)) STORED,
  secret VARCHAR(20) INVISIBLE DEFAULT 'hidden'
);
INSERT INTO did (id, number) VALUES (1, '+4930123'), (2, '');
-- expect did.prefix not-writable
-- expect did.digits not-writable

-- Every type that the others have not.
CREATE TABLE alltypes (
  id INT NOT NULL PRIMARY KEY,
  tiny TINYINT(1), small SMALLINT UNSIGNED, medium MEDIUMINT, filled INT(6) ZEROFILL,
  f FLOAT, d DOUBLE, n NUMERIC(30,10), y YEAR,
  day DATE, clock TIME, fine TIME(3), moment DATETIME(3), stamp TIMESTAMP NULL,
  bit1 BIT(1), bit10 BIT(10), bit64 BIT(64),
  fixed BINARY(4), bytes VARBINARY(20), tinyb TINYBLOB,
  padded CHAR(5), tinyt TINYTEXT, longt LONGTEXT,
  choice ENUM('a','b','c,d','e''f'), choice0 ENUM('', 'x'), several SET('a','b','c'),
  doc JSON, uid UUID, v4 INET4, v6 INET6,
  bin VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  wide VARCHAR(20) CHARACTER SET utf16,
  kana VARCHAR(20) CHARACTER SET sjis,
  greek VARCHAR(20) CHARACTER SET greek
) DEFAULT CHARSET utf8mb4;
INSERT INTO alltypes VALUES
  (1, 1, 65535, -8388608, 42, 0.1, 0.1, 12345678901234567890.0123456789, 2026, '2026-01-02', '-838:59:59', '12:00:00.5', '2026-01-02 03:04:05.12', '2026-01-02 03:04:05',
   b'1', b'1000000101', b'1111111111111111111111111111111111111111111111111111111111111111', 'a', x'00ff3b5e0a', x'3b', 'ab', 'é', 'long',
   'c,d', '', 'a,c', '{"a": [1, "x;y^z"]}', '123e4567-e89b-12d3-a456-426655440000', '192.0.2.1', '2001:db8::1', 'A', '漢', 'カナ', 'αβγ'),
  (2, 0, 0, 0, 0, -1.5e30, 1e300, 0, 0, '0000-00-00', '00:00:00', '00:00:00', '0000-00-00 00:00:00', '1970-01-02 00:00:00',
   b'0', b'0', b'0', x'00000000', '', '', '', '', '', 'e''f', 'x', '', '[]', '00000000-0000-0000-0000-000000000000', '0.0.0.0', '::', 'a', '', '', ''),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- expect alltypes.f find no-row
-- expect alltypes.doc clear constraint
-- expect alltypes.bit1 find no-row
-- expect alltypes.bit10 find no-row
-- expect alltypes.bit64 find no-row

-- Recordings of some megabytes, with every byte.
CREATE TABLE voicemessages (
  id INT NOT NULL PRIMARY KEY,
  dir VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  recording LONGBLOB,
  transcript MEDIUMTEXT
);
INSERT INTO voicemessages VALUES
  (1, '/var/spool/asterisk/voicemail/default/100/INBOX', REPEAT(x'616263646566670dff0a', 100000), REPEAT('漢é ', 30000)),
  (3, 'all bytes', REPEAT(x'00ff3b5e0d0a25267f80c3', 100000), NULL),
  (2, NULL, x'', '');

-- What a trigger refuses.
CREATE TABLE subscriber (
  username VARCHAR(64) NOT NULL PRIMARY KEY,
  domain VARCHAR(64) NOT NULL DEFAULT '',
  locked INT NOT NULL DEFAULT 0
);
INSERT INTO subscriber VALUES ('alice', 'example.org', 1), ('bob', 'example.org', 1);
CREATE TRIGGER subscriber_update BEFORE UPDATE ON subscriber FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it is locked';
CREATE TRIGGER subscriber_delete BEFORE DELETE ON subscriber FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it is locked';
CREATE TRIGGER subscriber_insert BEFORE INSERT ON subscriber FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no new ones';
-- expect subscriber update rejected
-- expect subscriber destroy rejected
-- expect subscriber store rejected

-- A view over a join, with ids that are computed, and one with lists.
CREATE TABLE q (name VARCHAR(20) NOT NULL PRIMARY KEY, strategy VARCHAR(20));
INSERT INTO q VALUES ('support', 'linear'), ('sales', NULL);
CREATE TABLE m (queue VARCHAR(20) NOT NULL, ext VARCHAR(10) NOT NULL, penalty INT, PRIMARY KEY (queue, ext));
INSERT INTO m VALUES ('support', '100', 0), ('support', '101', 5), ('sales', '100', NULL);
CREATE VIEW queue_members AS
  SELECT CONCAT(q.name, '-', m.ext) AS uniqueid, q.name AS queue_name, CONCAT('PJSIP/', m.ext) AS interface, m.penalty AS penalty
  FROM q JOIN m ON m.queue = q.name;
-- expect queue_members.uniqueid not-writable
-- expect queue_members.interface not-writable
-- expect queue_members.queue_name clear not-tried
-- expect queue_members destroy not-writable
-- expect queue_members store not-writable|duplicate
CREATE VIEW members_of AS SELECT queue, GROUP_CONCAT(CONCAT('PJSIP/', ext) ORDER BY ext SEPARATOR ';') AS members, COUNT(*) AS n FROM m GROUP BY queue;
-- expect members_of update not-writable
-- expect members_of destroy not-writable
-- expect members_of store not-writable
CREATE VIEW support AS SELECT queue, ext, penalty FROM m WHERE queue = 'support' WITH CHECK OPTION;
-- expect support.queue clear rejected
