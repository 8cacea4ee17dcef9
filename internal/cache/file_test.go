package cache

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dbsep/internal/sqlitedriver"
)

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quickly has no store of a test wait for the disk.
func quickly(t *testing.T) {
	t.Helper()
	synchronous = "OFF"
	t.Cleanup(func() { synchronous = "FULL" })
}

func writeTo(t *testing.T, name, text string) {
	t.Helper()
	noError(t, os.WriteFile(name, []byte(text), 0o640))
}

// boltFile writes a file of an earlier version of dbsep, which used bbolt.
func boltFile(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open("testdata/bolt.gz")
	noError(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	noError(t, err)
	text, err := io.ReadAll(r)
	noError(t, err)
	writeTo(t, name, string(text))
}

func sqliteFile(t *testing.T, name, statements string) {
	t.Helper()
	db, err := sql.Open(sqlitedriver.Name, name)
	noError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), statements)
	noError(t, err)
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	for what, test := range map[string]struct {
		make func(t *testing.T, name string)
		says string
	}{
		"SQLite": {func(t *testing.T, name string) { sqliteFile(t, name, "CREATE TABLE entries (tables, key)") }, "a SQLite database"},
		"SQLite of another program": {func(t *testing.T, name string) {
			sqliteFile(t, name, "PRAGMA application_id=1; CREATE TABLE entries (tables, key)")
		}, "a SQLite database"},
		"text":         {func(t *testing.T, name string) { writeTo(t, name, "dsn=DBI:SQLite:dbname=x\n") }, "written by another program"},
		"a long text":  {func(t *testing.T, name string) { writeTo(t, name, strings.Repeat(boltMark+"\n", 10000)) }, "written by another program"},
		"zeros":        {func(t *testing.T, name string) { writeTo(t, name, strings.Repeat("\x00", 64<<10)) }, "written by another program"},
		"dbsep itself": {func(t *testing.T, name string) { noError(t, os.Link(os.Args[0], name)) }, "written by another program"},
		"a directory":  {func(t *testing.T, name string) { noError(t, os.Mkdir(name, 0o700)) }, "a directory"},
		"a symlink":    {func(t *testing.T, name string) { noError(t, os.Symlink("nowhere", name)) }, "a symbolic link"},
		"a named pipe": {func(t *testing.T, name string) { noError(t, syscall.Mkfifo(name, 0o600)) }, "a named pipe"},
		"a socket": {func(t *testing.T, name string) {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
			noError(t, err)
			t.Cleanup(func() { l.Close() })
		}, "a socket"},
		"a symlink to a store": {func(t *testing.T, name string) {
			noError(t, openStore(t, name+".store", 1<<20).Close())
			noError(t, os.Symlink(name+".store", name))
		}, "a symbolic link"},
		"bbolt of another program": {func(t *testing.T, name string) {
			boltFile(t, name)
			replaceIn(t, name, boltMark, "users of another system ")
		}, "a bbolt database"},
	} {
		t.Run(what, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file")
			test.make(t, name)
			before := folder(t, filepath.Dir(name))
			for use, err := range map[string]error{"check": CheckFile(name), "open": open(name)} {
				if err == nil || !strings.Contains(err.Error(), name+": it is "+test.says+", ") || !strings.Contains(err.Error(), "set [database] lastgood_file to a file that does not exist yet") {
					t.Errorf("%s: %v", use, err)
				}
			}
			if after := folder(t, filepath.Dir(name)); after != before {
				t.Errorf("before:\n%safter:\n%s", before, after)
			}
		})
	}
	for _, err := range []error{CheckFile("/dev/null"), open("/dev/null")} {
		if err == nil || !strings.Contains(err.Error(), "it is a device") {
			t.Errorf("%v", err)
		}
	}
}

func replaceIn(t *testing.T, name, old, text string) {
	t.Helper()
	content, err := os.ReadFile(name)
	noError(t, err)
	if !bytes.Contains(content, []byte(old)) {
		t.Fatalf("%s has no %q", name, old)
	}
	writeTo(t, name, strings.ReplaceAll(string(content), old, text[:len(old)]))
}

func open(name string) error {
	s, err := OpenStore(name, 1<<20, slog.New(slog.DiscardHandler))
	if err == nil {
		err = s.Close()
	}
	return err
}

// folder describes the files of a folder: name, mode and content.
func folder(t *testing.T, name string) string {
	t.Helper()
	var all strings.Builder
	noError(t, filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum := sha256.New()
		if info.Mode().IsRegular() {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err := io.Copy(sum, f); err != nil {
				return err
			}
		}
		fmt.Fprintf(&all, "%s %v %x\n", path, info.Mode(), sum.Sum(nil))
		return nil
	}))
	return all.String()
}

// storedIDs are the rows of a storeFile.
const storedIDs = 100

func storedRows(i int) string { return fmt.Sprintf("%d,%s", i, strings.Repeat(fmt.Sprint(i%10), 1000)) }

// storeFile writes a store with some rows of peers.
func storeFile(t *testing.T, name string) {
	t.Helper()
	s := openStore(t, name, 1<<20)
	db := &fake{}
	l := over(s, db, "db")
	_, err := l.Describe(t.Context(), "peers")
	noError(t, err)
	for i := range storedIDs {
		id, text, _ := strings.Cut(storedRows(i), ",")
		db.set(nil, []any{id, text})
		wantRows(t, l, single("id", id), storedRows(i))
	}
	noError(t, s.Close())
}

// wantStored fails the test if rows of a storeFile are other ones than were kept, and
// returns how many there are.
func wantStored(t *testing.T, s *Store) (n int) {
	t.Helper()
	db := &fake{err: unavailable}
	l := over(s, db, "db")
	for i := range storedIDs {
		got, err := rowsOf(t, l, single("id", fmt.Sprint(i)))
		switch {
		case err != nil:
		case got != storedRows(i):
			t.Errorf("row %d is %q", i, got)
		default:
			n++
		}
	}
	return n
}

// wantWorking fails the test if a store does not keep rows in its file. It may find only
// now that the file is damaged.
func wantWorking(t *testing.T, s *Store) {
	t.Helper()
	db := &fake{rows: [][]any{{"new"}}}
	l := over(s, db, "db")
	for range 2 {
		s.keepOpen(false)
		wantRows(t, l, single("id", "new"), "new")
		s.flush(false)
	}
	if f, _ := s.state(); f.isInMemory() {
		t.Error("the file is not used")
	}
	db.set(unavailable)
	wantRows(t, l, single("id", "new"), "new")
}

func TestOwnFilesAreUsed(t *testing.T) {
	for what, test := range map[string]struct {
		make func(t *testing.T, name string)
		rows int
	}{
		"none":          {func(*testing.T, string) {}, 0},
		"an empty file": {func(t *testing.T, name string) { writeTo(t, name, "") }, 0},
		"a store":       {storeFile, storedIDs},
		"a store that was just begun": {func(t *testing.T, name string) {
			sqliteFile(t, name, fmt.Sprintf("PRAGMA application_id=%d", applicationID))
		}, 0},
		"a store of an earlier version": {boltFile, 0},
		"a store of an earlier version, damaged": {func(t *testing.T, name string) {
			boltFile(t, name)
			overwrite(t, name, 0, make([]byte, 4096))
		}, 0},
		"a store of a later version": {func(t *testing.T, name string) {
			storeFile(t, name)
			sqliteFile(t, name, "PRAGMA user_version=2")
		}, 0},
	} {
		t.Run(what, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file")
			test.make(t, name)
			noError(t, CheckFile(name))
			for range 2 {
				s := openStore(t, name, 1<<20)
				if n := wantStored(t, s); n != test.rows {
					t.Errorf("%d rows, want %d", n, test.rows)
				}
				wantWorking(t, s)
				noError(t, CheckFile(name)) // also while it is in use
				noError(t, s.Close())
			}
			if others, err := filepath.Glob(name + "?*"); err != nil || len(others) > 0 {
				t.Errorf("%v, %v", others, err)
			}
			if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 && what == "none" {
				t.Errorf("%v, %v", info.Mode(), err)
			}
		})
	}
}

func overwrite(t *testing.T, name string, offset int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	noError(t, err)
	defer f.Close()
	_, err = f.WriteAt(with, offset)
	noError(t, err)
}

// TestDamagedFiles opens 200 files of each kind of damage. Each store starts, has no other
// rows than were kept, and works. What is damaged beyond use is renamed.
func TestDamagedFiles(t *testing.T) {
	const seed, files = 13, 200
	quickly(t)
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	storeFile(t, whole)
	text, err := os.ReadFile(whole)
	noError(t, err)
	for kind, damage := range map[string]func(r *rand.Rand, text []byte) []byte{
		"flipped bits": func(r *rand.Rand, text []byte) []byte {
			part := text
			if r.IntN(2) == 0 {
				part = text[:pageSize]
			}
			for range 1 + r.IntN(32) {
				part[r.IntN(len(part))] ^= 1 << r.IntN(8)
			}
			return text
		},
		"zeroed pages": func(r *rand.Rand, text []byte) []byte {
			for range 1 + r.IntN(5) {
				copy(text[r.IntN(len(text)/pageSize)*pageSize:], make([]byte, pageSize))
			}
			return text
		},
		"overwritten pages": func(r *rand.Rand, text []byte) []byte {
			at := r.IntN(len(text)/pageSize) * pageSize
			for i := range pageSize {
				text[at+i] = byte(r.Uint32())
			}
			return text
		},
		"cut short": func(r *rand.Rand, text []byte) []byte {
			switch r.IntN(3) {
			case 0:
				return text[:r.IntN(100)]
			case 1:
				return text[:r.IntN(len(text)/pageSize)*pageSize]
			}
			return text[:r.IntN(len(text))]
		},
		"another version": func(r *rand.Rand, text []byte) []byte {
			binary.BigEndian.PutUint32(text[60:], r.Uint32())
			return text
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for i := range files {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				name := filepath.Join(dir, fmt.Sprint(kind, " ", i))
				damaged := damage(r, bytes.Clone(text))
				writeTo(t, name, string(damaged))
				noError(t, CheckFile(name))
				s := openStore(t, name, 1<<20)
				wantStored(t, s)
				wantWorking(t, s)
				noError(t, s.Close())
				if renamed, err := os.ReadFile(name + ".damaged"); err == nil && !bytes.Equal(renamed, damaged) {
					t.Errorf("%d: the renamed file has changed", i)
				}
				if t.Failed() {
					t.Fatalf("seed %d, file %d", seed, i)
				}
			}
		})
	}
}

func TestADamagedEntryFailsAlone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	storeFile(t, name)
	text, err := os.ReadFile(name)
	noError(t, err)
	_, damaged, _ := strings.Cut(storedRows(57), ",")
	at := bytes.Index(text, []byte(damaged))
	if at < 0 {
		t.Fatal("the row is not in the file")
	}
	overwrite(t, name, int64(at)+500, []byte("?"))
	s := newSite(t, name, 1<<20)
	if n := wantStored(t, s.store); n != storedIDs-1 {
		t.Errorf("%d rows of %d are left", n, storedIDs)
	}
	if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 || s.store.Stats().Errors != 1 {
		t.Errorf("%d errors in\n%s", n, s.log)
	}
	s.store.flush(false)
	if wantStored(t, s.store); s.store.Stats().Errors != 1 {
		t.Error("the entry is still there")
	}
	noError(t, s.store.Close())
}

// TestManyForeignFiles is the same for files of other programs, which are refused.
func TestManyForeignFiles(t *testing.T) {
	const seed, files = 13, 200
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	sqliteFile(t, other, "CREATE TABLE entries (id INTEGER PRIMARY KEY, key BLOB, text BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO entries SELECT i, zeroblob(16), hex(zeroblob(300)) FROM n")
	database, err := os.ReadFile(other)
	noError(t, err)
	for i := range files {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		text := make([]byte, sqliteMinimum+r.IntN(len(database)))
		for i := range text {
			text[i] = byte(r.Uint32())
		}
		switch i % 4 {
		case 0: // a database
			text = bytes.Clone(database)
			for range r.IntN(64) {
				text[100+r.IntN(len(text)-100)] ^= 1 << r.IntN(8)
			}
		case 1: // a database that is cut short
			text = database[:sqliteMinimum+r.IntN(len(database)-sqliteMinimum)]
		case 2: // a text
			for i := range text {
				text[i] = ' ' + text[i]%95
			}
		}
		name := filepath.Join(dir, fmt.Sprint(i))
		writeTo(t, name, string(text))
		for use, err := range map[string]error{"check": CheckFile(name), "open": open(name)} {
			if !errors.Is(err, errForeign) {
				t.Errorf("file %d of seed %d: %s: %v", i, seed, use, err)
			}
		}
		if after, err := os.ReadFile(name); err != nil || !bytes.Equal(after, text) {
			t.Errorf("file %d of seed %d has changed: %v", i, seed, err)
		}
	}
}

func TestDamagedFilesAreRenamedToANewName(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	older := map[string]string{name + ".damaged": "older", name + ".damaged.2": "not so old"}
	for other, text := range older {
		writeTo(t, other, text)
	}
	storeFile(t, name)
	overwrite(t, name, 0, make([]byte, pageSize))
	damaged, err := os.ReadFile(name)
	noError(t, err)
	older[name+".damaged.3"] = string(damaged)
	s := openStore(t, name, 1<<20)
	if n := s.Stats().Errors; n != 1 {
		t.Errorf("%d errors", n)
	}
	wantWorking(t, s)
	noError(t, s.Close())
	for n := 4; n < maxDamaged; n++ {
		writeTo(t, fmt.Sprintf("%s.damaged.%d", name, n), "one more")
	}
	overwrite(t, name, 0, make([]byte, pageSize))
	last, err := os.ReadFile(name)
	noError(t, err)
	older[fmt.Sprintf("%s.damaged.%d", name, maxDamaged)] = string(last)
	s = openStore(t, name, 1<<20)
	wantWorking(t, s)
	noError(t, s.Close())
	for other, want := range older {
		if text, err := os.ReadFile(other); err != nil || string(text) != want {
			t.Errorf("%s: %v", other, err)
		}
	}
	t.Run("or not at all", func(t *testing.T) {
		overwrite(t, name, 0, make([]byte, pageSize))
		before := folder(t, filepath.Dir(name))
		s := openStore(t, name, 1<<20)
		defer s.Close()
		if stats := s.Stats(); stats.Usable || stats.Errors != 1 {
			t.Errorf("%+v", stats)
		}
		if after := folder(t, filepath.Dir(name)); after != before {
			t.Errorf("before:\n%safter:\n%s", before, after)
		}
	})
}
