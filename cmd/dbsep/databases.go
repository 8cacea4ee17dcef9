package main

import _ "dbsep/internal/database/all" // the databases of this build
