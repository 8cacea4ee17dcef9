package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
)

const (
	applicationID = 0x64627365 // "dbse", in the header of the file
	formatVersion = 1          // of the tables in it

	sqliteMagic   = "SQLite format 3\x00"
	sqliteMinimum = 512 // bytes of the smallest SQLite file

	// Files of earlier versions are of bbolt. This is the magic number on its first two
	// pages, and the name of a bucket that the files have.
	boltMagic = "\xed\xda\x0c\xed"
	boltMark  = "dbsep last good answers"
	boltPage  = 4096
)

// fileMark is in every entry, for files whose header is damaged. It is computed: the
// program itself must not contain it.
var fileMark = func() []byte {
	sum := sha256.Sum256([]byte("stale responses of dbsep"))
	return sum[:8]
}()

// A fileKind is what is in a file.
type fileKind int

const (
	noFile      fileKind = iota // it does not exist, or is empty
	ownFile                     // of a Store
	otherFormat                 // of a Store of another version of dbsep
	damagedFile                 // of a Store, but it cannot be read
)

// errForeign means that a file is not a Store's.
var errForeign = errors.New("not a file that dbsep wrote; set [database] lastgood_file to a file that does not exist yet")

func foreign(what string) error { return fmt.Errorf("it is %s, %w", what, errForeign) }

// CheckFile reports why a Store cannot use a file. It changes nothing. It accepts a
// file that is missing, in use by a running dbsep, damaged, or another account's.
func CheckFile(name string) error {
	_, err := inspect(name)
	if err == nil || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return fmt.Errorf("open [lastgood] %s: %w", name, err)
}

// inspect looks at a file without SQLite, which would change what it takes for damaged.
func inspect(name string) (fileKind, error) {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return noFile, nil
	case err != nil:
		return noFile, err
	case !info.Mode().IsRegular():
		return noFile, foreign(kindOf(info.Mode()))
	case info.Size() == 0:
		return noFile, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return noFile, err
	}
	defer f.Close()
	header := make([]byte, 2*boltPage)
	n, err := io.ReadFull(f, header)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return noFile, err
	}
	return classify(header, info.Size(), io.MultiReader(bytes.NewReader(header[:n]), f))
}

// classify returns what is in a file, by its header or its whole content.
func classify(header []byte, size int64, content io.Reader) (fileKind, error) {
	version, application := binary.BigEndian.Uint32(header[60:]), binary.BigEndian.Uint32(header[68:])
	isSQLite := bytes.HasPrefix(header, []byte(sqliteMagic))
	isBolt := string(header[16:20]) == boltMagic || string(header[boltPage+16:boltPage+20]) == boltMagic
	switch {
	case isSQLite && application == applicationID && version <= formatVersion: // 0: it was just begun
		return ownFile, nil
	case isSQLite && application == applicationID:
		return otherFormat, nil
	case application == applicationID, size < sqliteMinimum && bytes.HasPrefix([]byte(sqliteMagic), header[:min(size, int64(len(sqliteMagic)))]):
		return damagedFile, nil
	}
	mark, found, other := fileMark, damagedFile, "written by another program"
	switch {
	case isBolt:
		mark, found, other = []byte(boltMark), otherFormat, "a bbolt database"
	case isSQLite:
		other = "a SQLite database"
	}
	has, err := contains(content, mark)
	if err == nil && !has {
		err = foreign(other)
	}
	return found, err
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

// maxScan limits the search for a mark.
const maxScan = 1 << 30

func contains(r io.Reader, text []byte) (bool, error) {
	r = io.LimitReader(r, maxScan)
	buffer := make([]byte, 1<<20)
	for kept := 0; ; {
		n, err := io.ReadFull(r, buffer[kept:])
		n += kept
		if bytes.Contains(buffer[:n], text) {
			return true, nil
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return false, nil
		case err != nil:
			return false, err
		}
		kept = copy(buffer, buffer[n-len(text):n])
	}
}

// maxDamaged is how many damaged files are kept.
const maxDamaged = 10

// setAside renames a damaged file to a name that is free.
func setAside(name string) (renamed string, err error) {
	for n := 1; n <= maxDamaged; n++ {
		renamed = name + ".damaged"
		if n > 1 {
			renamed += "." + strconv.Itoa(n)
		}
		placeholder, err := os.OpenFile(renamed, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return renamed, errors.Join(placeholder.Close(), os.Rename(name, renamed), removeBeside(name))
	}
	return "", fmt.Errorf("there are too many damaged files: remove %s and those after it", name+".damaged")
}

// removeBeside removes what SQLite keeps beside a file.
func removeBeside(name string) error {
	var errs []error
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(name + suffix); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
