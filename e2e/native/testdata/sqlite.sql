CREATE TABLE calls (
  name VARCHAR(40) NOT NULL PRIMARY KEY,
  i INTEGER,
  n INTEGER NOT NULL DEFAULT 7,
  f DOUBLE,
  d DECIMAL(10,3),
  label VARCHAR(80),
  body TEXT,
  choice VARCHAR(3) CHECK (choice IN ('yes', 'no')),
  moment DATETIME,
  day DATE
);

CREATE TABLE ast_config (
  cat_metric INTEGER NOT NULL,
  var_metric INTEGER NOT NULL,
  commented INTEGER NOT NULL,
  category VARCHAR(128) NOT NULL,
  var_name VARCHAR(128) NOT NULL,
  var_val TEXT,
  filename VARCHAR(128) NOT NULL
);
