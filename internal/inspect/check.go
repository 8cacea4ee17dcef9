package inspect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dbsep/gateway"
	"dbsep/internal/asterisk"
	"dbsep/internal/schema"
	"dbsep/internal/setup"
	"dbsep/sqlgen"
)

// A site is what is inspected.
type site struct {
	*setup.Loaded
	progress func(text string)

	asterisk *asterisk.Release // that the tables are for; nil: not known
	tables   []*asterisk.Table // of that release
}

// Options are what a check may look at beside a configuration.
type Options struct {
	Asterisk       string // version that the tables are for; empty: not known
	AsteriskConfig string // Asterisk's configuration folder; empty: not looked at

	// Progress gets what is looked at now, where that may take long. May be nil.
	Progress func(text string)
}

// Check reads a configuration, explains it, connects to its database and inspects the
// tables.
func Check(ctx context.Context, file string, o Options) *Report {
	r := &Report{File: file, Findings: []Finding{}, Settings: []Setting{}, Tables: []Table{}}
	defer r.finish()
	l, err := setup.Load(file)
	if l.Config != nil {
		r.Settings = settingsOf(l.Config)
		r.Rights = rightsOf(l.Config)
		r.add(fileModes(l.Config)...)
	}
	if err != nil {
		r.add(errorsOf(err)...)
		r.warn(l.Warnings())
		return r
	}
	defer l.Close()
	s := site{Loaded: l, progress: o.Progress}
	r.warn(l.Warnings())
	r.add(s.checkAccess(ctx)...)
	if err := l.CheckStaleCache(); err != nil {
		r.add(errorsOf(err)...)
	}
	r.Database = &Database{Kind: s.DB.Kind(), Address: s.DB.Address(), Through: s.DB.Through(), Account: s.DB.Account()}
	r.add(s.findRelease(o.Asterisk, r.Database)...)
	if err := s.inspectDatabase(ctx, r); err != nil && ctx.Err() == nil {
		r.add(s.connectionError(err))
	}
	if o.AsteriskConfig != "" && ctx.Err() == nil {
		r.add(checkAsterisk(ctx, o.AsteriskConfig, l.Config)...)
	}
	if ctx.Err() != nil {
		f := warning("the check was interrupted, and what it found is not all", "run it again")
		f.Level = Error
		r.add(f)
	}
	return r
}

// connectionError is why the database could not be asked, with the line that may be wrong.
func (s site) connectionError(err error) Finding {
	fault, _ := errors.AsType[*sqlgen.Fault](err) // as all errors of a DB
	key := "dsn"
	if fault.Cause == sqlgen.Denied && s.Config.Has("dbuser") {
		key = "dbuser"
	}
	hint := fault.Hint
	if hint == "" && fault.Cause == sqlgen.Unavailable {
		hint = "start the database, or correct where dsn says it is"
	}
	f := ofSetting(s.Config, key, withCause(fault), hint)
	f.Level = Error
	return f
}

// inspectDatabase connects to the database and inspects its tables.
func (s site) inspectDatabase(ctx context.Context, r *Report) (err error) {
	if r.Database.Version, err = s.DB.Version(ctx); err != nil {
		return err
	}
	if err := s.DB.Writable(ctx); err != nil {
		fault, _ := errors.AsType[*sqlgen.Fault](err) // as all errors of a DB
		r.add(ofSetting(s.Config, "dsn", "writes will fail: "+withCause(fault), fault.Hint))
	}
	names, err := s.DB.Tables(ctx)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		r.add(ofSetting(s.Config, "dsn", "there is no table", "correct the database in dsn, or dbschema, "+
			"which the Perl script used for nothing but require"))
	}
	r.add(s.unfoundTables(ctx, names)...)
	var described []*sqlgen.Table
	for _, name := range names {
		t, err := s.DB.Describe(ctx, name)
		fault, _ := errors.AsType[*sqlgen.Fault](err)
		switch {
		case err != nil && fault.Cause == sqlgen.UnknownTable:
			r.add(ofTable(name, "it is listed, but has no columns", "if it is a view, look at the tables it is made of", ""))
			continue
		case err != nil:
			return err
		}
		described = append(described, t)
		r.Tables = append(r.Tables, Table{t.Name, len(t.Columns), operationsOf(s.DB.Dialect(), t), setup.CompatOf(s.Config, t.Name).Pattern})
		s.showProgress(ctx, t)
		found, err := s.inspectTable(ctx, t)
		r.add(found...)
		if err != nil {
			return err
		}
	}
	found, err := s.keylessTables(ctx, described, r.Database)
	if err != nil {
		return err
	}
	r.add(found...)
	r.add(rightsOfNothing(s.Config, described)...)
	r.add(compatOfNothing(s.Config, described)...)
	if s.asterisk == nil {
		suits, found := suited(described)
		r.Database.Asterisk = suits
		r.add(found...)
		return nil
	}
	if !schema.Knows(s.DB) {
		return nil
	}
	found, err = s.compareWith(ctx, *s.asterisk)
	if err != nil && ctx.Err() == nil {
		found = []Finding{warning(fmt.Sprintf("the tables cannot be compared with those of Asterisk %s: %v", s.asterisk, err), "")}
	}
	r.add(found...)
	return nil
}

// showProgress says which table is looked at, and how large it is.
func (s site) showProgress(ctx context.Context, t *sqlgen.Table) {
	if s.progress == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.Config.Limits.Statement)
	defer cancel()
	text := t.Name + ": reading"
	s.progress(text) // counting them may take long, too
	if rows, err := s.countRows(ctx, t); err == nil {
		s.progress(text + " " + counted(rows, "row"))
	}
}

// unfoundTables reports tables of Asterisk that are in a schema where requests do not find
// them. If dbschema is set, the tables of other schemas belong to other sites.
func (s site) unfoundTables(ctx context.Context, names []string) (found []Finding) {
	if s.Config.Schema != "" {
		return nil
	}
	releases := asterisk.Releases()
	known, _ := asterisk.Tables(releases[len(releases)-1]) // only groups can be unknown
	byHint := map[string][]string{}
	for _, t := range known {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, t.Name) }) {
			continue
		}
		if hint := s.DB.Elsewhere(ctx, t.Name); hint != "" {
			byHint[hint] = append(byHint[hint], t.Name)
		}
	}
	for _, hint := range slices.Sorted(maps.Keys(byHint)) {
		found = append(found, ofSetting(s.Config, "dsn", "no request finds "+strings.Join(byHint[hint], ", "), hint))
	}
	return found
}

// operationsOf are the operations that make sense on a table: static where it
// has the columns of static files, all others elsewhere.
func operationsOf(d *sqlgen.Dialect, t *sqlgen.Table) []string {
	_, err := sqlgen.Static(d, t, "")
	var names []string
	for _, o := range gateway.Operations() {
		if (o.Name == "static") == (err == nil) {
			names = append(names, o.Name)
		}
	}
	return names
}
