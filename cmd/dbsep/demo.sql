-- A small PBX to try dbsep with: two phones that may
-- register, a mailbox each, a queue, some extensions and one static file. The tables are
-- those of dbsep schema.

INSERT INTO ps_endpoints (id, aors, auth, context, disallow, allow, direct_media, callerid, mailboxes, set_var) VALUES
  ('alice', 'alice', 'alice', 'demo', 'all', 'ulaw,alaw', 'no', 'Alice <100>', '100@default', 'COLOR=blue;SIZE=xl'),
  ('bob', 'bob', 'bob', 'demo', 'all', 'ulaw,alaw', 'no', 'Bob <101>', '101@default', NULL);

INSERT INTO ps_auths (id, auth_type, username, password) VALUES
  ('alice', 'userpass', 'alice', 'demo-alice'),
  ('bob', 'userpass', 'bob', 'demo-bob');

INSERT INTO ps_aors (id, max_contacts, remove_existing, default_expiration) VALUES
  ('alice', 2, 'yes', 300),
  ('bob', 1, 'yes', 300);

INSERT INTO extensions (context, exten, priority, app, appdata) VALUES
  ('demo', '100', 1, 'Dial', 'PJSIP/alice,20'),
  ('demo', '100', 2, 'VoiceMail', '100@default,u'),
  ('demo', '101', 1, 'Dial', 'PJSIP/bob,20'),
  ('demo', '101', 2, 'VoiceMail', '101@default,u'),
  ('demo', '_2XX', 1, 'Queue', 'support');

INSERT INTO voicemail (context, mailbox, password, fullname, email) VALUES
  ('default', '100', '1234', 'Alice', 'alice@example.com'),
  ('default', '101', '4321', 'Bob', 'bob@example.com');

INSERT INTO queues (name, timeout, strategy, joinempty) VALUES ('support', 15, 'ringall', 'yes');

INSERT INTO queue_members (queue_name, interface, membername, penalty, paused) VALUES
  ('support', 'PJSIP/alice', 'Alice', 0, 0),
  ('support', 'PJSIP/bob', 'Bob', 1, 0);

INSERT INTO ast_config (cat_metric, var_metric, filename, category, var_name, var_val) VALUES
  (1, 0, 'musiconhold.conf', 'default', 'mode', 'files'),
  (1, 1, 'musiconhold.conf', 'default', 'directory', 'moh'),
  (0, 0, 'musiconhold.conf', 'quiet', 'mode', 'files');
