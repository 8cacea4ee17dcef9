# Run `make help` for the list.

SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -c

GO       ?= go
BIN      := build/bin
LINT     := $(BIN)/golangci-lint-v2.15.0
STATIC   := $(BIN)/staticcheck-v0.8.2
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS  := -s -w -X main.version=$(VERSION)

.PHONY: help build demo test test-odbc e2e lint bench fuzz clean

help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

build: dbsep ## build the program, ./dbsep

dbsep: FORCE
	@.ci/need cc gcc libc6-dev
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/dbsep

demo: dbsep ## build it and answer requests from a throw-away SQLite sample
	./dbsep demo

test: ## the whole test suite, with the race detector, on SQLite, a real MariaDB and a real PostgreSQL
	@.ci/need cc gcc libc6-dev
	@.ci/need --optional mariadbd mariadb-server-core mariadb-client-core
	@.ci/need --optional /usr/bin/pg_createcluster postgresql
	@.ci/need --optional pgbouncer pgbouncer
	$(GO) test -race ./...

test-odbc: ## the build with unixODBC (-tags odbc), on the real ODBC drivers of MariaDB, PostgreSQL and SQLite
	@.ci/need cc gcc libc6-dev
	@.ci/need --optional mariadbd mariadb-server-core mariadb-client-core
	@.ci/need --optional /usr/bin/pg_createcluster postgresql
	@.ci/need /usr/include/sql.h unixodbc-dev
	@.ci/need /usr/share/doc/odbc-mariadb odbc-mariadb
	@.ci/need /usr/share/doc/odbc-postgresql odbc-postgresql
	@.ci/need /usr/share/doc/libsqliteodbc libsqliteodbc
	$(GO) vet -tags odbc ./database/...
	$(GO) test -race -tags odbc -run ODBC ./database/...

e2e: ## the real clients, end to end: Asterisk, Apache, nginx, Kamailio, OpenSIPS' manner of asking, the Perl script
	@.ci/need cc gcc libc6-dev
	@.ci/need --optional mariadbd mariadb-server-core mariadb-client-core
	@.ci/need --optional curl curl
	@.ci/need --optional mmdebstrap mmdebstrap
	@.ci/need --optional /etc/apache2/mods-available/mpm_event.load apache2
	@.ci/need --optional htpasswd apache2-utils
	@.ci/need --optional /usr/lib/apache2/modules/mod_fcgid.so libapache2-mod-fcgid
	@.ci/need --optional nginx nginx-light
	@.ci/need --optional /usr/bin/pg_createcluster postgresql
	@.ci/need --optional CGI::Cookie libcgi-pm-perl
	@.ci/need --optional DBD::SQLite libdbd-sqlite3-perl
	@.ci/need --optional DBD::mysql libdbd-mysql-perl
	@.ci/need --optional DBD::Pg libdbd-pg-perl
	@.ci/need --optional xz xz-utils
	$(GO) test -tags e2e -count 1 -p 1 -timeout 20m -v ./e2e/... | grep --line-buffered -Ev '^ *(=== |--- PASS|PASS$$)'

lint: $(LINT) $(STATIC) ## gofmt, go vet, staticcheck, golangci-lint
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }
	$(GO) vet -tags e2e ./...
	$(STATIC) -tags e2e ./...
	$(LINT) run --build-tags e2e

bench: ## the benchmarks in the code
	$(GO) test -run '^$$' -bench . ./...

FUZZTIME ?= 20s
fuzz: ## every fuzz target for FUZZTIME (20s)
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "$$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done

clean: ## remove what was built
	rm -rf dbsep build

$(LINT):
	GOBIN=$(abspath $(BIN)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(BIN)/golangci-lint $@

$(STATIC):
	GOBIN=$(abspath $(BIN)) $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	mv $(BIN)/staticcheck $@

FORCE:
