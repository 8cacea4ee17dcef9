package cache

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite"

	"dbsep/sqlgen"
)

// boltWith writes a bbolt database with some buckets.
func boltWith(t *testing.T, name string, buckets ...string) {
	t.Helper()
	file, err := bbolt.Open(name, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	err = file.Update(func(tx *bbolt.Tx) error {
		for _, bucket := range buckets {
			b, err := tx.CreateBucket([]byte(bucket))
			if err != nil {
				return err
			}
			if err := b.Put([]byte("answers times tables"), bytes.Repeat([]byte("x"), 3000)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func writeTo(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

// spoil overwrites a part of a file.
func spoil(t *testing.T, name string, offset int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(with, offset); err != nil {
		t.Fatal(err)
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	for what, test := range map[string]struct {
		make func(t *testing.T, name string)
		says string
	}{
		"SQLite": {func(t *testing.T, name string) {
			db, err := sql.Open("sqlite", name)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), "CREATE TABLE answers (tables, times)"); err != nil {
				t.Fatal(err)
			}
		}, "a SQLite database"},
		"text":         {func(t *testing.T, name string) { writeTo(t, name, "dsn=DBI:SQLite:dbname=x\n") }, "written by another program"},
		"a long text":  {func(t *testing.T, name string) { writeTo(t, name, strings.Repeat("answers times tables\n", 10000)) }, "written by another program"},
		"zeros":        {func(t *testing.T, name string) { writeTo(t, name, strings.Repeat("\x00", 64<<10)) }, "written by another program"},
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
		"bbolt":                       {func(t *testing.T, name string) { boltWith(t, name, "users") }, "the bbolt database of another program"},
		"bbolt with some equal names": {func(t *testing.T, name string) { boltWith(t, name, "answers", "times") }, "the bbolt database of another program"},
		"bbolt with further names":    {func(t *testing.T, name string) { boltWith(t, name, "answers", "tables", "times", "users") }, "the bbolt database of another program"},
		"bbolt, damaged": {func(t *testing.T, name string) {
			boltWith(t, name, "users", "answers", "times")
			spoil(t, name, 0, make([]byte, 2*os.Getpagesize()))
		}, "written by another program"},
		"bbolt, cut short": {func(t *testing.T, name string) {
			boltWith(t, name, "users")
			noError(t, os.Truncate(name, 2*int64(os.Getpagesize())))
		}, "written by another program"},
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
	if err := CheckFile("/dev/null"); err == nil || !strings.Contains(err.Error(), "it is a device") {
		t.Errorf("%v", err)
	}
	if err := open("/dev/null"); err == nil || !strings.Contains(err.Error(), "it is a device") {
		t.Errorf("%v", err)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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

// storeWith writes a store with some entries.
func storeWith(t *testing.T, name string) {
	t.Helper()
	s := openStore(t, name, 1<<20)
	for i := range 200 {
		s.keep(fmt.Sprint("key", i), sqlgen.Statement{Table: "t"}, 0, bytes.Repeat([]byte("x"), 500))
	}
	noError(t, s.Close())
}

func TestOwnFilesAreUsed(t *testing.T) {
	for what, test := range map[string]struct {
		make    func(t *testing.T, name string)
		answers int
	}{
		"none":          {func(*testing.T, string) {}, 0},
		"an empty file": {func(t *testing.T, name string) { writeTo(t, name, "") }, 0},
		"a store":       {storeWith, 200},
		"a store of an earlier version, without the mark": {func(t *testing.T, name string) {
			storeWith(t, name)
			file, err := bbolt.Open(name, 0o600, nil)
			noError(t, err)
			noError(t, file.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(markBucket)) }))
			noError(t, file.Close())
		}, 200},
		"a store that was just begun": {func(t *testing.T, name string) { boltWith(t, name) }, 0},
	} {
		t.Run(what, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file")
			test.make(t, name)
			noError(t, CheckFile(name))
			for range 2 { // the second time it has the mark
				s := openStore(t, name, 1<<20)
				if len(s.entries) != test.answers {
					t.Errorf("%d entries", len(s.entries))
				}
				if err := CheckFile(name); err != nil {
					t.Errorf("while it is in use: %v", err)
				}
				noError(t, s.Close())
			}
			if others, err := filepath.Glob(name + ".*"); err != nil || len(others) > 0 {
				t.Errorf("%v, %v", others, err)
			}
		})
	}
}

func TestDamagedFilesAreSetAsideUnderANewName(t *testing.T) {
	page := int64(os.Getpagesize())
	for what, damage := range map[string]func(t *testing.T, name string){
		"both heads": func(t *testing.T, name string) { spoil(t, name, 0, make([]byte, 2*page)) },
		"both heads, without the mark": func(t *testing.T, name string) {
			file, err := bbolt.Open(name, 0o600, nil)
			noError(t, err)
			noError(t, file.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(markBucket)) }))
			noError(t, file.Close())
			spoil(t, name, 0, bytes.Repeat([]byte("spoilt "), int(2*page/7)))
		},
		"every page but the list of buckets": func(t *testing.T, name string) {
			text, err := os.ReadFile(name)
			noError(t, err)
			for at := int64(0); at < int64(len(text)); at += page {
				if !own(keysOf(text[at : at+page])) {
					spoil(t, name, at+16, bytes.Repeat([]byte{0xa5}, int(page-16)))
				}
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file")
			older := map[string]string{name + ".damaged": "older", name + ".damaged.2": "not so old"}
			for other, text := range older {
				writeTo(t, other, text)
			}
			storeWith(t, name)
			damage(t, name)
			spoilt, err := os.ReadFile(name)
			noError(t, err)
			older[name+".damaged.3"] = string(spoilt)
			noError(t, CheckFile(name))
			s := openStore(t, name, 1<<20)
			defer s.Close()
			if len(s.entries) != 0 {
				t.Errorf("%d entries", len(s.entries))
			}
			for other, want := range older {
				if text, err := os.ReadFile(other); err != nil || string(text) != want {
					t.Errorf("%s: %v", other, err)
				}
			}
		})
	}
}
