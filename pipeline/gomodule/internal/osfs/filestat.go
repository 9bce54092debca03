package osfs

import (
	"runtime"
	"sync"
)

// ChangedAt is the time of the last change, as far as it is known. Programs
// can set mtime to anything, so it counts only where there is no ctime.
func (s *FileStat) ChangedAt() int64 {
	if HasChangeTime {
		return s.CTime
	}
	return s.MTime
}

// FileStat is what a file system knows about a file without reading it. Two
// equal stamps of one name mean that nothing touched the file in between:
// ctime cannot be set by programs, and a marker is written only after the
// clock has left the moment of the last change it records.
//
// Of folders only mode, owner and inode count: their times change when Python adds
// its caches.
type FileStat struct {
	Mode  uint32
	Owner uint32 // user id, 0 where there is none
	Size  int64
	MTime int64 // nanoseconds
	CTime int64 // nanoseconds; creation time on Windows
	Inode uint64
}

// ClockTick is how fine the times of files are taken to be, in nanoseconds.
// Tests make it coarse, as it is on some file systems.
var ClockTick int64 = 1

func tick(ns int64) int64 { return ns - ns%ClockTick }

// UntrustedCTime is a ctime no file has: its entry is hashed at the next start.
const UntrustedCTime = -1 << 63

// parallelStats is how many files make a second core worth waking.
const parallelStats = 128

// LstatAll calls Lstat for every name below root and hands the results to
// use, from several goroutines at a time but once per index.
func LstatAll(root string, n int, name func(i int) string, use func(i int, s FileStat, err error)) {
	dir := openStatDir(root)
	defer dir.close()
	one := func(from, to int) {
		for i := from; i < to; i++ {
			s, err := dir.lstat(name(i))
			use(i, s, err)
		}
	}
	parts := min(n/parallelStats, runtime.GOMAXPROCS(0), 8)
	if parts < 2 {
		one(0, n)
		return
	}
	var wg sync.WaitGroup
	for p := 1; p < parts; p++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			one(n*p/parts, n*(p+1)/parts)
		}()
	}
	one(0, n/parts)
	wg.Wait()
}
