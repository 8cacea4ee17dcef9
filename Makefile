# Run `make help` for the list.

SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -c

GO       ?= go
BIN      := build/bin
LINT     := $(BIN)/golangci-lint-v2.15.0
STATIC   := $(BIN)/staticcheck-v0.8.2
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS  := -s -w -X main.version=$(VERSION)
GREMLINS := $(BIN)/gremlins-v0.6.0
# Later versions of nfpm ask for modules that the module proxy does not give.
NFPM     := $(BIN)/nfpm-v2.45.2

.PHONY: help build static demo install deb rpm release test test-static test-odbc e2e attack soak full mutate lint bench compare-speed compare-native fuzz generate clean need-go

help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

# Before anything is installed or compiled.
need-go:
	@.ci/need-go '$(GO)'

build: dbsep ## build the programs, ./dbsep and ./dbsep-cgi

dbsep: need-go FORCE
	@.ci/need cc gcc libc6-dev
	@echo 'Compiling dbsep. The first time takes a minute or two, most of it for SQLite; packages are named as their turn comes.'
	$(GO) build -v -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/dbsep
	$(BUILDCGI) -o dbsep-cgi ./cmd/dbsep-cgi

# It starts with each request: without C's library it starts faster.
BUILDCGI = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w'

static: need-go ## build ./dbsep and ./dbsep-cgi without a C compiler and without unixODBC: nothing of the system is linked in
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o dbsep ./cmd/dbsep
	$(BUILDCGI) -o dbsep-cgi ./cmd/dbsep-cgi

LISTEN ?= 127.0.0.1:8000
demo: dbsep ## build it and answer requests from a throw-away SQLite sample, at LISTEN (127.0.0.1:8000)
	./dbsep demo --listen $(LISTEN)

PREFIX  ?= /usr/local
SHARE   := $(DESTDIR)$(PREFIX)/share
DOC     := $(SHARE)/doc/dbsep
UNITS   := $(DESTDIR)$(PREFIX)/lib/systemd/system
INSTALL := install -D -m 644
PROGRAM ?= ./dbsep
install: ## install the programs, built before, with units, manual and completions: PREFIX (/usr/local), DESTDIR
	@test -x $(PROGRAM) -a -x $(PROGRAM)-cgi || $(MAKE) build
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/dbsep
	install -D -m 755 $(PROGRAM)-cgi $(DESTDIR)$(PREFIX)/bin/dbsep-cgi
	$(INSTALL) -t $(UNITS) contrib/systemd/*.service contrib/systemd/*.socket
	$(INSTALL) -t $(UNITS)/dbsep@.service.d contrib/systemd/dbsep@.service.d/instance.conf
	sed -i 's|^\(Exec[A-Z][a-z]*\)=/usr/bin/|\1=$(PREFIX)/bin/|' $(UNITS)/*.service
	$(INSTALL) -t $(SHARE)/man/man1 contrib/man/dbsep.1 contrib/man/dbsep-cgi.1
	$(INSTALL) contrib/man/dbsep.conf.5 $(SHARE)/man/man5/dbsep.conf.5
	$(INSTALL) dbsep.conf.sample $(SHARE)/dbsep/dbsep.conf.sample
	# As in the project, so that links find their files.
	$(INSTALL) -t $(DOC) README.md CHANGELOG.md CONTRIBUTING.md dbsep.conf.sample
	$(INSTALL) -t $(DOC)/docs docs/*.md
	for part in apache nginx container; do $(INSTALL) -t $(DOC)/contrib/$$part contrib/$$part/* || exit 1; done
	$(INSTALL) -t $(DOC)/contrib/prometheus contrib/prometheus/dbsep.rules.yml
	$(INSTALL) -t $(DOC)/contrib/grafana contrib/grafana/dbsep.json
	$(PROGRAM) completion bash | $(INSTALL) /dev/stdin $(SHARE)/bash-completion/completions/dbsep
	$(PROGRAM) completion zsh | $(INSTALL) /dev/stdin $(SHARE)/zsh/vendor-completions/_dbsep
	$(PROGRAM) completion fish | $(INSTALL) /dev/stdin $(SHARE)/fish/vendor_completions.d/dbsep.fish

# The last tag and the commits since, in the order that Debian sorts versions in.
DEBVERSION ?= $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null | \
	sed 's/^v//; s/-\(rc\|beta\|alpha\)/~\1/; s/-\([0-9]*\)-g/+\1.g/; s/-dirty/+dirty/' | grep . || echo 0.1.0~dev)
DEBFOLDER  ?= build
deb: need-go $(NFPM) ## the Debian package, build/dbsep_DEBVERSION_ARCH.deb, with unixODBC
	@.ci/need cc gcc libc6-dev \
	  -- /usr/include/sql.h unixodbc-dev \
	  -- dpkg-shlibdeps dpkg-dev
	CGO_ENABLED=1 $(GO) build -trimpath -tags odbc -ldflags '-s -w -X main.version=$(DEBVERSION)' -o build/deb/dbsep ./cmd/dbsep
	$(BUILDCGI) -o build/deb/dbsep-cgi ./cmd/dbsep-cgi
	NFPM=$(NFPM) contrib/debian/build '$(DEBVERSION)' '$(DEBFOLDER)'

ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)
rpm: need-go $(NFPM) build/static/$(ARCH)/dbsep ## the RPM, build/dbsep-DEBVERSION-1.ARCH.rpm, with the static program
	NFPM=$(NFPM) contrib/rpm/build '$(DEBVERSION)' '$(DEBFOLDER)' build/static/$(ARCH)/dbsep $(ARCH)

build/static/%/dbsep: need-go FORCE
	CGO_ENABLED=0 GOARCH=$* $(GO) build -trimpath -ldflags '-s -w -X main.version=$(DEBVERSION)' -o $@ ./cmd/dbsep
	GOARCH=$* $(BUILDCGI) -o $@-cgi ./cmd/dbsep-cgi

# Two builds of a commit are the same, wherever they are made.
RELEASE := build/release
release: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
release: need-go $(NFPM) build/static/amd64/dbsep build/static/arm64/dbsep ## packages (.deb, .rpm) and static programs for Linux, with their checksums, in build/release
	rm -rf $(RELEASE)
	$(MAKE) --no-print-directory deb rpm DEBFOLDER=$(RELEASE)
	for arch in amd64 arm64; do contrib/release/archive '$(DEBVERSION)' $(RELEASE) build/static/$$arch/dbsep $$arch || exit 1; done
	cd $(RELEASE) && sha256sum -- dbsep* > SHA256SUMS && cat SHA256SUMS

TESTED ?= ./...
test: need-go ## the whole test suite, with the race detector, on SQLite, a real MariaDB and a real PostgreSQL; TESTED=./sqlgen for one package
	@.ci/need cc gcc libc6-dev \
	  -- mount mount \
	  -- --optional mariadbd mariadb-server-core mariadb-client-core \
	  -- --optional initdb postgresql \
	  -- --optional pgbouncer pgbouncer
	$(GO) test -race -timeout 20m $(TESTED)

test-static: need-go ## what differs in the build without a C compiler
	CGO_ENABLED=0 $(GO) test -run SQLite ./internal/database/... ./internal/schemas
	CGO_ENABLED=0 $(GO) test ./internal/cache ./internal/replay ./internal/setup ./cmd/dbsep

test-odbc: need-go ## the build with unixODBC (-tags odbc), on the real ODBC drivers of MariaDB, PostgreSQL and SQLite
	@.ci/need cc gcc libc6-dev \
	  -- --optional mariadbd mariadb-server-core mariadb-client-core \
	  -- --optional initdb postgresql \
	  -- /usr/include/sql.h unixodbc-dev \
	  -- /usr/share/doc/odbc-mariadb odbc-mariadb \
	  -- /usr/share/doc/odbc-postgresql odbc-postgresql \
	  -- /usr/share/doc/libsqliteodbc libsqliteodbc
	$(GO) vet -tags odbc ./internal/database/... ./cmd/dbsep
	$(GO) test -race -tags odbc -run ODBC ./internal/database/... ./cmd/dbsep

e2e: need-go ## the real clients, end to end: Asterisk, Apache, nginx, lighttpd, Kamailio, OpenSIPS' manner of asking, MySQL, the Perl script, Prometheus, HAProxy, Debian and systemd, packages, a container; and databases that fall
	@.ci/need cc gcc libc6-dev \
	  -- --optional mariadbd mariadb-server-core mariadb-client-core \
	  -- --optional wsrep_sst_rsync mariadb-server galera-4 \
	  -- --optional rsync rsync \
	  -- --optional ss iproute2 \
	  -- --optional curl curl \
	  -- --optional sqlite3 sqlite3 \
	  -- --optional mmdebstrap mmdebstrap \
	  -- --optional /etc/apache2/mods-available/mpm_event.load apache2 \
	  -- --optional htpasswd apache2-utils \
	  -- openssl openssl \
	  -- --optional /usr/lib/apache2/modules/mod_fcgid.so libapache2-mod-fcgid \
	  -- --optional nginx nginx-light \
	  -- --optional lighttpd lighttpd \
	  -- --optional systemd-nspawn systemd-container \
	  -- --optional dpkg-shlibdeps dpkg-dev \
	  -- --optional buildah buildah \
	  -- --optional /usr/include/sql.h unixodbc-dev \
	  -- --optional initdb postgresql \
	  -- --optional CGI::Cookie libcgi-pm-perl \
	  -- --optional DBD::SQLite libdbd-sqlite3-perl \
	  -- --optional DBD::mysql libdbd-mysql-perl \
	  -- --optional DBD::Pg libdbd-pg-perl \
	  -- --optional xz xz-utils \
	  -- --optional promtool prometheus \
	  -- --optional haproxy haproxy \
	  -- --optional sqlmap sqlmap
	$(MAKE) --no-print-directory soak MINUTES=1
	roots=$$(mktemp -d) && trap 'rm -rf "$$roots"' EXIT && chmod 755 "$$roots" && export DBSEP_E2E_ROOTS="$${DBSEP_E2E_ROOTS:-$$roots}" && \
	$(GO) test -tags e2e -count 1 -p 1 -timeout 40m -v ./e2e/... | grep --text --line-buffered -Ev '^ *(=== |--- PASS|PASS$$)'

attack: need-go ## hostile clients and broken HTTP; sqlmap on every place of every operation, half an hour and more
	@.ci/need cc gcc libc6-dev \
	  -- --optional mariadbd mariadb-server-core mariadb-client-core \
	  -- --optional initdb postgresql \
	  -- sqlmap sqlmap
	DBSEP_ATTACK=full $(GO) test -tags e2e -count 1 -timeout 4h -v ./e2e/attack | grep --text --line-buffered -Ev '^ *(=== |--- PASS|PASS$$)'

MINUTES ?= 60
soak: need-go ## mixed load for MINUTES (60) on three databases: memory, descriptors and goroutines must not grow
	@.ci/need cc gcc libc6-dev \
	  -- --optional mariadbd mariadb-server-core mariadb-client-core \
	  -- --optional initdb postgresql
	DBSEP_SOAK_MINUTES=$(MINUTES) $(GO) test -tags soak -count 1 -parallel 3 -timeout 0 -v ./e2e/soak | grep --text --line-buffered -Ev '^ *(=== |--- PASS|PASS$$)'

full: need-go ## what does not run at each landing: attack, soak, fuzz, a fresh Debian of each release with the test suite and the package, many requests beside Asterisk's own drivers, MySQL in full; four hours
	$(MAKE) --no-print-directory attack
	$(MAKE) --no-print-directory soak
	$(MAKE) --no-print-directory fuzz FUZZTIME=2m
	@.ci/need mmdebstrap mmdebstrap \
	  -- mariadbd mariadb-server-core mariadb-client-core \
	  -- initdb postgresql \
	  -- haproxy haproxy \
	  -- systemd-nspawn systemd-container
	CI=true DBSEP_E2E=full $(GO) test -tags e2e -count 1 -p 1 -timeout 2h -v ./e2e/debian ./e2e/deb ./e2e/native ./e2e/mysql ./e2e/pooler

lint: need-go $(LINT) $(STATIC) ## gofmt, go vet, staticcheck, golangci-lint
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }
	$(GO) vet -tags e2e,bench,soak ./...
	$(STATIC) -tags e2e,bench,soak ./...
	$(LINT) run --allow-parallel-runners --build-tags e2e,bench,soak

bench: need-go ## the benchmarks in the code
	$(GO) test -run '^$$' -bench . ./...

SPEED ?=
compare-speed: need-go ## dbsep, the Perl script and the least program that can answer, side by side; SPEED=-quick for two minutes of it
	@.ci/need cc gcc libc6-dev \
	  -- wrk wrk \
	  -- mariadbd mariadb-server-core mariadb-client-core \
	  -- initdb postgresql \
	  -- /etc/apache2/mods-available/mpm_prefork.load apache2 \
	  -- /usr/lib/apache2/modules/mod_fcgid.so libapache2-mod-fcgid \
	  -- /usr/lib/apache2/modules/mod_perl.so libapache2-mod-perl2 \
	  -- /usr/share/perl5/Apache/DBI.pm libapache-dbi-perl \
	  -- CGI::Cookie libcgi-pm-perl \
	  -- DBD::SQLite libdbd-sqlite3-perl \
	  -- DBD::mysql libdbd-mysql-perl \
	  -- DBD::Pg libdbd-pg-perl \
	  -- xz xz-utils
	CI=true $(GO) test -tags bench -count 1 -timeout 0 -run TestCompareSpeed -v ./bench/speed -args $(SPEED)

NATIVE ?=
compare-native: need-go ## phones that register with a real Asterisk: its own ODBC driver, and dbsep; NATIVE=-quick for some minutes of it
	@.ci/need cc gcc libc6-dev \
	  -- sipp sip-tester \
	  -- mmdebstrap mmdebstrap \
	  -- mariadbd mariadb-server-core mariadb-client-core \
	  -- initdb postgresql
	CI=true $(GO) test -tags bench -count 1 -timeout 0 -run TestCompareNative -v ./bench/speed -args $(NATIVE)

MUTATED ?= ./sqlgen ./internal/auth ./internal/cache ./gateway
# The time limit of a mutant comes from the time that the tests take: a cached result takes none.
mutate: need-go $(GREMLINS) ## how many small mistakes, put into the code one by one, the tests of MUTATED notice; two hours
	@for package in $(MUTATED); do \
	  GOFLAGS=-count=1 $(GREMLINS) unleash --workers 2 --timeout-coefficient 20 --output-statuses lt --threshold-efficacy 95 $$package || exit; done

FUZZTIME ?= 20s
generate: need-go ## the lists of settings in dbsep.conf.sample, docs/configuration.md and dbsep.conf(5)
	$(GO) generate ./internal/config

fuzz: need-go ## every fuzz target for FUZZTIME (20s)
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "$$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done

clean: ## remove what was built
	rm -rf dbsep dbsep-cgi build

$(LINT): | need-go
	GOBIN=$(abspath $(BIN)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(BIN)/golangci-lint $@

$(STATIC): | need-go
	GOBIN=$(abspath $(BIN)) $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	mv $(BIN)/staticcheck $@

$(GREMLINS): | need-go
	GOBIN=$(abspath $(BIN)) $(GO) install github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
	mv $(BIN)/gremlins $@

$(NFPM): | need-go
	GOBIN=$(abspath $(BIN)) $(GO) install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
	mv $(BIN)/nfpm $@

FORCE:
