package main

import (
	"io"
	"log/slog"

	"dbsep/config"
)

// newLog returns a log, and its level, which the configuration may lower later.
// A web server's log has a clock of its own, so it can do without times.
func newLog(w io.Writer, times bool) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if !times && len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})), level
}

// obey sets a log's level to what a configuration says.
func obey(level *slog.LevelVar, c *config.Config) {
	if c.Server.LogLevel == "debug" {
		level.Set(slog.LevelDebug)
	}
}
