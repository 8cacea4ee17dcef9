-- A small PBX to try dbsep with: two phones that may
-- register, a mailbox each, a queue, some extensions and one static file.
-- The columns are those of Asterisk's own tables (contrib/ast-db-manage), few of many.

CREATE TABLE ps_endpoints (
  id VARCHAR(255) NOT NULL PRIMARY KEY,
  transport VARCHAR(40), aors VARCHAR(2048), auth VARCHAR(255), context VARCHAR(40),
  disallow VARCHAR(200), allow VARCHAR(200), direct_media VARCHAR(32), callerid VARCHAR(40),
  mailboxes VARCHAR(40), set_var TEXT, "100rel" VARCHAR(32), device_state_busy_at INTEGER
);
INSERT INTO ps_endpoints (id, aors, auth, context, disallow, allow, direct_media, callerid, mailboxes, set_var) VALUES
  ('alice', 'alice', 'alice', 'demo', 'all', 'ulaw,alaw', 'no', 'Alice <100>', '100@default', 'COLOR=blue;SIZE=xl'),
  ('bob', 'bob', 'bob', 'demo', 'all', 'ulaw,alaw', 'no', 'Bob <101>', '101@default', NULL);

CREATE TABLE ps_auths (
  id VARCHAR(255) NOT NULL PRIMARY KEY,
  auth_type VARCHAR(32), username VARCHAR(40), password VARCHAR(80), realm VARCHAR(255), md5_cred VARCHAR(40), nonce_lifetime INTEGER
);
INSERT INTO ps_auths (id, auth_type, username, password) VALUES
  ('alice', 'userpass', 'alice', 'demo-alice'),
  ('bob', 'userpass', 'bob', 'demo-bob');

CREATE TABLE ps_aors (
  id VARCHAR(255) NOT NULL PRIMARY KEY,
  contact VARCHAR(255), default_expiration INTEGER, mailboxes VARCHAR(80), max_contacts INTEGER,
  minimum_expiration INTEGER, maximum_expiration INTEGER, remove_existing VARCHAR(32), qualify_frequency INTEGER
);
INSERT INTO ps_aors (id, max_contacts, remove_existing, default_expiration) VALUES
  ('alice', 2, 'yes', 300),
  ('bob', 1, 'yes', 300);

CREATE TABLE ps_contacts (
  id VARCHAR(255), uri VARCHAR(511), expiration_time BIGINT, qualify_frequency INTEGER, outbound_proxy VARCHAR(255),
  path TEXT, user_agent VARCHAR(255), qualify_timeout FLOAT, reg_server VARCHAR(255), authenticate_qualify VARCHAR(32),
  via_addr VARCHAR(40), via_port INTEGER, call_id VARCHAR(255), endpoint VARCHAR(255), prune_on_boot VARCHAR(32),
  qualify_2xx_only VARCHAR(32), UNIQUE (id, reg_server)
);
CREATE INDEX ps_contacts_like ON ps_contacts (id COLLATE NOCASE);

CREATE TABLE extensions (
  id INTEGER PRIMARY KEY, context VARCHAR(40) NOT NULL, exten VARCHAR(40) NOT NULL, priority INTEGER NOT NULL,
  app VARCHAR(40) NOT NULL, appdata VARCHAR(256) NOT NULL, UNIQUE (context, exten, priority)
);
INSERT INTO extensions (context, exten, priority, app, appdata) VALUES
  ('demo', '100', 1, 'Dial', 'PJSIP/alice,20'),
  ('demo', '100', 2, 'VoiceMail', '100@default,u'),
  ('demo', '101', 1, 'Dial', 'PJSIP/bob,20'),
  ('demo', '101', 2, 'VoiceMail', '101@default,u'),
  ('demo', '_2XX', 1, 'Queue', 'support');

CREATE TABLE voicemail (
  uniqueid INTEGER PRIMARY KEY, context VARCHAR(80) NOT NULL, mailbox VARCHAR(80) NOT NULL, password VARCHAR(80) NOT NULL,
  fullname VARCHAR(80), email VARCHAR(80), attach VARCHAR(3), stamp DATETIME
);
INSERT INTO voicemail (context, mailbox, password, fullname, email) VALUES
  ('default', '100', '1234', 'Alice', 'alice@example.com'),
  ('default', '101', '4321', 'Bob', 'bob@example.com');

CREATE TABLE queues (
  name VARCHAR(128) NOT NULL PRIMARY KEY, musiconhold VARCHAR(128), timeout INTEGER, ringinuse VARCHAR(3),
  strategy VARCHAR(32), joinempty VARCHAR(128), wrapuptime INTEGER
);
INSERT INTO queues (name, timeout, strategy, joinempty) VALUES ('support', 15, 'ringall', 'yes');

CREATE TABLE queue_members (
  queue_name VARCHAR(80) NOT NULL, interface VARCHAR(80) NOT NULL, membername VARCHAR(80), state_interface VARCHAR(80),
  penalty INTEGER, paused INTEGER, uniqueid INTEGER PRIMARY KEY, wrapuptime INTEGER, ringinuse VARCHAR(3), reason_paused VARCHAR(80)
);
INSERT INTO queue_members (queue_name, interface, membername, penalty, paused) VALUES
  ('support', 'PJSIP/alice', 'Alice', 0, 0),
  ('support', 'PJSIP/bob', 'Bob', 1, 0);

CREATE TABLE ast_config (
  id INTEGER PRIMARY KEY, cat_metric INTEGER NOT NULL DEFAULT 0, var_metric INTEGER NOT NULL DEFAULT 0,
  commented INTEGER NOT NULL DEFAULT 0, filename VARCHAR(128) NOT NULL, category VARCHAR(128) NOT NULL DEFAULT 'default',
  var_name VARCHAR(128) NOT NULL, var_val TEXT NOT NULL
);
INSERT INTO ast_config (cat_metric, var_metric, filename, category, var_name, var_val) VALUES
  (1, 0, 'musiconhold.conf', 'default', 'mode', 'files'),
  (1, 1, 'musiconhold.conf', 'default', 'directory', 'moh'),
  (0, 0, 'musiconhold.conf', 'quiet', 'mode', 'files');
