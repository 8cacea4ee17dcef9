package logging

import (
	"bytes"
	"log/slog"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"dbsep/gateway"
	"dbsep/internal/config"
)

// An AccessLog writes a line for every request. The line is what package slog
// would write. Where no name in it needs a quotation mark, which is nearly always,
// it is made here, in less than a third of the time.
type AccessLog struct {
	to      *BufferedWriter
	careful *slog.Logger // for all other lines
	json    bool
	timed   bool
	prefix  string // of a line for the journal
	clock   clock
}

// NewAccessLog returns the access log as configured, or nil. timed lines begin with
// the time, unless they go to the journal of systemd.
func NewAccessLog(to *BufferedWriter, c config.Log, timed bool) *AccessLog {
	if !c.Access || c.Level == "warn" || c.Level == "error" {
		return nil
	}
	a := &AccessLog{to: to, careful: New(to, c, timed), json: c.Format == "json"}
	if os.Getenv("JOURNAL_STREAM") != "" {
		a.prefix = "<" + strconv.Itoa(priority(slog.LevelInfo)) + ">"
	}
	a.timed = timed && a.prefix == ""
	return a
}

// Write writes the line of a request. One that was slow has left a line already.
func (a *AccessLog) Write(e gateway.Event) {
	if e.Slow {
		return
	}
	if !plain(&e) {
		a.careful.Info("request", fieldsOf(&e)...)
		return
	}
	var room [512]byte
	line := append(room[:0], a.prefix...)
	if a.json {
		line = a.appendJSON(line, &e)
	} else {
		line = a.appendText(line, &e)
	}
	_, _ = a.to.Write(line)
}

// fieldsOf are what a line says of a request.
func fieldsOf(e *gateway.Event) (fields []any) {
	for _, f := range names(e) {
		if f.value != "" {
			fields = append(fields, slog.String(f.name, f.value))
		}
	}
	return append(fields, slog.Int("status", e.Status), slog.Int("rows", e.Rows), slog.Int64("bytes", e.Bytes), slog.Float64("seconds", e.Took.Seconds()))
}

// named is a field of a line whose value is a word.
type named struct{ name, value string }

func names(e *gateway.Event) [6]named {
	return [6]named{
		{"code", string(e.Code)},
		{"operation", e.Operation},
		{"table", e.Asked},
		{"client", e.Client},
		{"user", e.User},
		{"request", e.ID},
	}
}

// plain reports whether no word of a line needs a quotation mark, in text, or an
// escape, in JSON. Those that are always so are not looked at.
func plain(e *gateway.Event) bool {
	for _, word := range [...]string{e.Asked, e.Client, e.User, e.ID} {
		for i := range len(word) {
			if !isPlain[word[i]] {
				return false
			}
		}
	}
	return e.Took >= time.Microsecond // below, JSON has an exponent
}

var isPlain = func() (is [256]bool) {
	for _, c := range "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-:@/" {
		is[c] = true
	}
	return is
}()

func (a *AccessLog) appendText(line []byte, e *gateway.Event) []byte {
	if a.timed {
		now, zone := a.clock.at(e.Ended)
		line = append(append(line, "time="...), now...)
		millis := e.Ended.Nanosecond() / int(time.Millisecond)
		line = append(line, '.', byte('0'+millis/100), byte('0'+millis/10%10), byte('0'+millis%10))
		line = append(append(line, zone...), ' ')
	}
	line = append(line, "level=INFO msg=request"...)
	for _, f := range names(e) {
		if f.value != "" {
			line = append(append(append(append(line, ' '), f.name...), '='), f.value...)
		}
	}
	line = strconv.AppendInt(append(line, " status="...), int64(e.Status), 10)
	line = strconv.AppendInt(append(line, " rows="...), int64(e.Rows), 10)
	line = strconv.AppendInt(append(line, " bytes="...), e.Bytes, 10)
	line = appendShortest(append(line, " seconds="...), e.Took)
	return append(line, '\n')
}

func (a *AccessLog) appendJSON(line []byte, e *gateway.Event) []byte {
	line = append(line, '{')
	if a.timed {
		now, zone := a.clock.at(e.Ended)
		line = append(append(line, `"time":"`...), now...)
		line = appendFraction(line, e.Ended.Nanosecond())
		line = append(append(line, zone...), `",`...)
	}
	line = append(line, `"level":"INFO","msg":"request"`...)
	for _, f := range names(e) {
		if f.value != "" {
			line = append(append(append(append(append(line, `,"`...), f.name...), `":"`...), f.value...), '"')
		}
	}
	line = strconv.AppendInt(append(line, `,"status":`...), int64(e.Status), 10)
	line = strconv.AppendInt(append(line, `,"rows":`...), int64(e.Rows), 10)
	line = strconv.AppendInt(append(line, `,"bytes":`...), e.Bytes, 10)
	line = appendSeconds(append(line, `,"seconds":`...), e.Took)
	return append(line, "}\n"...)
}

// A clock knows how a second is spelled, since many lines are written in it.
type clock struct{ last atomic.Pointer[second] }

type second struct {
	unix       int64
	date, zone string // before and behind its fraction
}

func (c *clock) at(t time.Time) (date, zone string) {
	s := c.last.Load()
	if s == nil || s.unix != t.Unix() {
		s = &second{t.Unix(), t.Format("2006-01-02T15:04:05"), t.Format("Z07:00")}
		c.last.Store(s)
	}
	return s.date, s.zone
}

// appendFraction writes the part of a second, without zeros at its end; nothing
// where there is none.
func appendFraction(line []byte, nanos int) []byte {
	if nanos == 0 {
		return line
	}
	digits := [...]byte{'.', 9: '0'}
	for i := len(digits) - 1; i > 0; i-- {
		digits[i] = byte('0' + nanos%10)
		nanos /= 10
	}
	return append(line, bytes.TrimRight(digits[:], "0")...)
}

// appendSeconds writes a duration as a number of seconds.
func appendSeconds(line []byte, d time.Duration) []byte {
	return appendFraction(strconv.AppendInt(line, int64(d/time.Second), 10), int(d%time.Second))
}

// appendShortest writes a duration of a microsecond and more as fmt prints such a
// number of seconds: below 1e-4 with an exponent.
func appendShortest(line []byte, d time.Duration) []byte {
	if d >= 100*time.Microsecond {
		return appendSeconds(line, d)
	}
	var room [5]byte
	digits := strconv.AppendInt(room[:0], int64(d), 10)
	exponent := "e-05"
	if len(digits) < len(room) {
		exponent = "e-06"
	}
	line = append(line, digits[0])
	if rest := bytes.TrimRight(digits[1:], "0"); len(rest) > 0 {
		line = append(append(line, '.'), rest...)
	}
	return append(line, exponent...)
}
