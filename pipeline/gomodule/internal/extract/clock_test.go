package extract

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goempy/goempy/internal/osfs"
	"github.com/goempy/goempy/internal/testpayload"
	"github.com/goempy/goempy/internal/testtree"
)

// flip changes one byte of a file in place, keeps its size, and sets its old
// modification time again: the change that is hardest to see.
func flip(t testing.TB, path string) {
	t.Helper()
	st, err := os.Stat(path)
	testtree.Must(t, err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	testtree.Must(t, err)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, st.Size()/2)
	testtree.Must(t, err)
	b[0] ^= 0x20
	_, err = f.WriteAt(b, st.Size()/2)
	testtree.Must(t, err)
	testtree.Must(t, f.Close())
	testtree.Must(t, os.Chtimes(path, st.ModTime(), st.ModTime()))
}

// seesSilentChanges says whether this system shows a change whose author
// has set the old time again.
func seesSilentChanges(t testing.TB) {
	t.Helper()
	if !osfs.HasChangeTime {
		t.Skip("this system keeps no time of change that programs cannot set")
	}
}

func TestFlippedByteInEveryFile(t *testing.T) {
	seesSilentChanges(t)
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed)
	want := testtree.Dump(t, e.Dir())
	for _, path := range testtree.RegularFiles(t, e.Dir()) {
		if st, err := os.Stat(path); err != nil || st.Size() == 0 {
			continue
		}
		flip(t, path)
		if err := e.Verify(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "has other content") {
			t.Errorf("Verify of a flipped %s: %v", path, err)
		}
		start(t, packed)
		if got := testtree.Dump(t, e.Dir()); got != want {
			t.Fatalf("after a flip in %s:\n%s\nwant:\n%s", path, got, want)
		}
	}
}

// A change in the same tick of the clock as the extraction has the same times
// as the extraction, if nobody waits for the tick to end.
func TestFlippedRightAfterExtraction(t *testing.T) {
	seesSilentChanges(t)
	for name, c := range clocks {
		t.Run(name, func(t *testing.T) { c.use(t); testFlippedRightAfterExtraction(t, c.rounds) })
	}
}

// clocks are those of file systems: this one's, one whose tick can be waited
// for, and one whose tick cannot.
var clocks = map[string]clock{
	"as it is": {1, 50},
	"coarse":   {int64(settleTime) * 4 / 5, 10},
	"slow":     {int64(time.Hour), 3},
}

type clock struct {
	tick   int64
	rounds int
}

func (c clock) use(t *testing.T) {
	osfs.ClockTick = c.tick
	t.Cleanup(func() { osfs.ClockTick = 1 })
}

func testFlippedRightAfterExtraction(t *testing.T, rounds int) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, []testtree.Node{{Name: "a.txt", Content: "aaaa"}, {Name: "b.txt", Content: "bbbb"}})
	for range rounds {
		e := start(t, packed)
		tree := e.Dir()
		flip(t, filepath.Join(tree, "a.txt"))
		start(t, packed)
		if b, err := os.ReadFile(filepath.Join(tree, "a.txt")); err != nil || string(b) != "aaaa" {
			t.Fatalf("%q, %v", b, err)
		}
		// And right after a repair.
		flip(t, filepath.Join(tree, "b.txt"))
		again := start(t, packed)
		if b, err := os.ReadFile(filepath.Join(tree, "b.txt")); err != nil || string(b) != "bbbb" {
			t.Fatalf("%q, %v", b, err)
		}
		testtree.Must(t, again.Repair())
		testtree.Must(t, os.RemoveAll(tree))
	}
}

func TestVerifyFullSeesWhatStatsDoNot(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed)
	path := filepath.Join(e.Dir(), "lib", "same.py")
	flip(t, path)
	// The marker is made to agree with the changed file.
	m, err := readMarker(e.at.loc.markerPath())
	testtree.Must(t, err)
	for i := range m.entries {
		if m.entries[i].name == "lib/same.py" {
			m.entries[i].FileStat, err = osfs.Lstat(path)
			testtree.Must(t, err)
		}
	}
	testtree.Must(t, m.publish(e.at.loc.markerPath()))
	if start(t, packed); e.Verify() == nil {
		t.Fatal("the test does not fool a default start")
	}
	start(t, packed, Options{VerifyAll: true})
	testtree.Must(t, e.Verify())
}

// Content may be lost in a power failure while sizes and times are kept, so a
// marker from before the last boot is not taken at its word.
func TestMarkerOfAnotherBoot(t *testing.T) {
	testtree.OwnPlaces(t)
	packed := testpayload.Pack(t, testtree.Sample())
	e := start(t, packed)
	path := filepath.Join(e.Dir(), "lib", "same.py")
	testtree.Must(t, os.WriteFile(path, []byte("\x00\x00\x00\x00\x00\x00"), 0o644))
	m, err := readMarker(e.at.loc.markerPath())
	testtree.Must(t, err)
	for i := range m.entries {
		if m.entries[i].name == "lib/same.py" {
			m.entries[i].FileStat, err = osfs.Lstat(path)
			testtree.Must(t, err)
		}
	}
	m.boot = "1"
	testtree.Must(t, m.publish(e.at.loc.markerPath()))
	start(t, packed)
	testtree.Must(t, e.Verify())
	if again := start(t, packed); again.at.fresh {
		t.Error("hashed again in the same boot")
	}
}
