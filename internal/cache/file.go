package cache

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// errDamaged means that a file of a Store cannot be read.
var errDamaged = errors.New("the file is damaged")

// errInUse means that another process has opened the file.
var errInUse = errors.New("another process uses it; configure a different file for each dbsep")

// lockTimeout is how long to wait for a process that is about to end.
const lockTimeout = time.Second

// foreign returns the error for a file that is not a Store's.
func foreign(what string) error {
	return fmt.Errorf("it is %s, not a file that dbsep wrote; set [database] lastgood_file to a file that does not exist yet", what)
}

// CheckFile reports why a Store cannot use a file. It changes nothing. It accepts a
// file that is missing, in use by a running dbsep, damaged, or another account's.
func CheckFile(name string) error {
	err := inspect(name)
	if err == nil || errors.Is(err, errDamaged) || errors.Is(err, errInUse) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return fmt.Errorf("open [lastgood] %s: %w", name, err)
}

// inspect returns nil for a file of a Store, and for one that is missing or
// empty.
func inspect(name string) error {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return foreign(kindOf(info.Mode()))
	case info.Size() == 0:
		return nil
	}
	sqlite, err := startsWith(name, "SQLite format 3\x00")
	if err != nil {
		return err
	}
	if sqlite {
		return foreign("a SQLite database")
	}
	buckets, err := bucketsOf(name)
	switch {
	case err == nil && (len(buckets) == 0 || own(buckets)):
		return nil
	case err == nil:
		return foreign("the bbolt database of another program")
	case errors.Is(err, errDamaged):
		if found, scanErr := hasOwnPage(name); scanErr != nil || !found {
			return errors.Join(scanErr, foreign("written by another program"))
		}
	}
	return err
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	}
	return "a device"
}

func startsWith(name, text string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	begin := make([]byte, len(text))
	n, err := io.ReadFull(f, begin)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return string(begin[:n]) == text, err
}

// bucketsOf lists the buckets of a bbolt database.
func bucketsOf(name string) (buckets []string, err error) {
	defer recoverDamage(&err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // the file may be shorter than it says
	file, err := bbolt.Open(name, 0, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return nil, damage(err)
	}
	defer file.Close()
	err = file.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(bucket []byte, _ *bbolt.Bucket) error {
			buckets = append(buckets, string(bucket))
			return nil
		})
	})
	return buckets, damage(err)
}

// damage distinguishes a damaged file from an error of the system.
func damage(err error) error {
	var system syscall.Errno
	switch {
	case err == nil || errors.As(err, &system):
		return err
	case errors.Is(err, bolterrors.ErrTimeout):
		return errInUse
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// recoverDamage turns a panic into an error: bbolt panics when a page is damaged.
func recoverDamage(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errDamaged, p)
	}
}

// own reports whether a file with these buckets is a Store's. Older files have no
// mark.
func own(buckets []string) bool {
	if slices.Contains(buckets, markBucket) {
		return true
	}
	slices.Sort(buckets)
	return slices.Equal(buckets, []string{string(answersBucket), string(tablesBucket), string(timesBucket)})
}

// maxScan limits the search in a file that bbolt cannot read.
const maxScan = 1 << 30

// hasOwnPage reports whether a file that bbolt cannot read has a page that lists a
// Store's buckets.
func hasOwnPage(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	const size = 4096 // pages of other systems are multiples of it
	r := bufio.NewReaderSize(io.LimitReader(f, maxScan), 256*size)
	for page := make([]byte, size); ; {
		n, err := io.ReadFull(r, page)
		if own(keysOf(page[:n])) {
			return true, nil
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// keysOf lists the keys of a leaf page with a few buckets, in the format of bbolt:
// after the header of 16 bytes come elements of 16 bytes that say where keys are.
func keysOf(page []byte) (keys []string) {
	const header, element, leaf, bucket = 16, 16, 2, 1
	if len(page) < header || binary.NativeEndian.Uint16(page[8:]) != leaf {
		return nil
	}
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if count > 4 || len(page) < header+count*element {
		return nil
	}
	for i := range count {
		e := page[header+i*element:]
		pos, size := uint64(binary.NativeEndian.Uint32(e[4:])), uint64(binary.NativeEndian.Uint32(e[8:]))
		if binary.NativeEndian.Uint32(e) != bucket || pos+size > uint64(len(e)) {
			return nil
		}
		keys = append(keys, string(e[pos:pos+size]))
	}
	return keys
}

// rename renames a damaged file to a name that is free.
func rename(name string) (renamed string, err error) {
	for n := 1; n <= 1000; n++ {
		renamed = name + ".damaged"
		if n > 1 {
			renamed += "." + strconv.Itoa(n)
		}
		place, err := os.OpenFile(renamed, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return renamed, errors.Join(place.Close(), os.Rename(name, renamed))
	}
	return "", fmt.Errorf("there are too many damaged files: remove %s and those after it", name+".damaged")
}
