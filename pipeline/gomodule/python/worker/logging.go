package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// logEntry is the body of a log frame.
type logEntry struct {
	Level      int            `json:"level"`
	Logger     string         `json:"logger"`
	Message    string         `json:"message"`
	Time       float64        `json:"time"` // seconds since 1970
	Attributes map[string]any `json:"attributes"`
	Exception  string         `json:"exception"`
}

// pythonLevel returns the lowest of Python's levels that l lets through, above all of them if
// there is none.
func pythonLevel(l *slog.Logger) int {
	for level := 10; level <= 50; level += 10 {
		if l.Enabled(context.Background(), slogLevel(level)) {
			return level
		}
	}
	return 51
}

// slogLevel maps 10, 20, 30, 40, 50 to -4, 0, 4, 8, 12, and what is between them accordingly.
func slogLevel(python int) slog.Level { return slog.Level((python - 20) * 2 / 5) }

// number returns an int64 or float64 for a number, unless it is one of Python's large integers.
func number(v any) any {
	n, isNumber := v.(json.Number)
	if !isNumber {
		return v
	}
	if i, err := n.Int64(); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil && strings.ContainsAny(n.String(), ".e") {
		return f
	}
	return n
}

// logTo passes a log frame on. As with slog's own calls, nobody learns of a handler that fails.
func logTo(l *slog.Logger, body []byte) {
	var e logEntry
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&e); err != nil {
		return
	}
	ctx, level := context.Background(), slogLevel(e.Level)
	if !l.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(time.UnixMicro(int64(e.Time*1e6)), level, e.Message, 0)
	r.AddAttrs(slog.String("logger", e.Logger))
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		r.AddAttrs(slog.Any(name, number(e.Attributes[name])))
	}
	if e.Exception != "" {
		r.AddAttrs(slog.String("exception", e.Exception))
	}
	_ = l.Handler().Handle(ctx, r)
}
