package pip

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goempy/goempy/internal/platforms"
)

// target is one set of packages: where it goes, and which wheels it takes.
type target struct {
	// name is what messages call it.
	name string

	// folder is its place below the target directory; "" is that directory.
	folder string

	// goFile is the name of the Go file that embeds the folder.
	goFile string

	// constraint says which builds embed it; "" is all.
	constraint string

	// tags are the wheels' platform tags. Without tags, pip takes what runs on
	// this machine, and builds what comes as source.
	tags []string

	// markers are the values that requirements ask for, as in
	// `colorama; sys_platform == "win32"`. nil means those of this machine.
	markers map[string]string
}

// goFileName is the name of the Go file that embeds a platform's folder. Go
// reads _GOOS and _GOARCH at the end of a name as a build constraint. Where the
// platform is no more than these two they say the same as the constraint in the
// file, which so replaces one that another generator has written; elsewhere the
// name ends in something that means nothing to Go.
func goFileName(folder, goOs, goArch string) string {
	name := "embed_" + strings.ReplaceAll(folder, "-", "_")
	if folder != goOs+"-"+goArch {
		name += "_data"
	}
	return name + ".go"
}

func platformTarget(p *platforms.Platform, among []platforms.Platform) *target {
	return &target{
		name:       p.Name,
		folder:     p.Name,
		goFile:     goFileName(p.Name, p.GOOS, p.GOARCH),
		constraint: p.Constraint(among),
		tags:       p.WheelTags,
		markers:    markersFor(p.GOOS, p.GOARCH),
	}
}

// plain is what a GOOS or GOARCH looks like.
var plain = regexp.MustCompile(`^[a-z0-9]+$`)

// present returns the platforms whose packages were installed into dir before.
func present(known []platforms.Platform, dir string) []platforms.Platform {
	var found []platforms.Platform
	for _, p := range known {
		if _, err := os.Stat(filepath.Join(dir, goFileName(p.Name, p.GOOS, p.GOARCH))); err == nil {
			found = append(found, p)
		}
	}
	return found
}

// newTarget is the target for arguments of a caller, beside what is there.
func newTarget(known, there []platforms.Platform, goOs, goArch string, tags []string) (*target, error) {
	t := &target{name: "this machine", tags: tags}
	if goOs != "" {
		if !plain.MatchString(goOs) || !plain.MatchString(goArch) {
			return nil, fmt.Errorf("pip: no platform has GOOS %q and GOARCH %q", goOs, goArch)
		}
		t.folder = goOs + "-" + goArch
		t.name = t.folder
		t.goFile = goFileName(t.folder, goOs, goArch)
		t.constraint = goOs + " && " + goArch
		for i := range known {
			if known[i].Name == t.folder {
				t.constraint = known[i].Constraint(there)
			}
		}
	}
	if goOs != "" && len(tags) > 0 {
		t.markers = markersFor(goOs, goArch)
	}
	return t, nil
}

// choose returns the platforms with these names, in the order of known; all
// of them when no name is given. There are the Go files of others already, with
// which theirs must agree.
func choose(known, there []platforms.Platform, names []string) ([]*target, error) {
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[strings.ReplaceAll(name, "/", "-")] = true
	}
	var chosen []platforms.Platform
	var all []string
	for _, p := range known {
		all = append(all, p.Name)
		if len(names) == 0 || wanted[p.Name] {
			chosen = append(chosen, p)
		}
		delete(wanted, p.Name)
	}
	if len(wanted) > 0 {
		var unknown []string
		for name := range wanted {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
		slices.Sort(unknown)
		return nil, fmt.Errorf("pip: unknown platform %s: this release has %s",
			strings.Join(unknown, ", "), strings.Join(all, ", "))
	}
	among := slices.Concat(chosen, there)
	targets := make([]*target, len(chosen))
	for i := range chosen {
		targets[i] = platformTarget(&chosen[i], among)
	}
	return targets, nil
}

// withTags gives targets other tags; tags are by the names of platforms.
func withTags(targets []*target, known []platforms.Platform, tags map[string][]string) error {
	for platform, chosen := range tags {
		name := strings.ReplaceAll(platform, "/", "-")
		if !slices.ContainsFunc(known, func(p platforms.Platform) bool { return p.Name == name }) {
			return fmt.Errorf("pip: wheel tags of an unknown platform %q", platform)
		}
		if len(chosen) == 0 {
			return fmt.Errorf("pip: no wheel tags for platform %q", platform)
		}
		for _, t := range targets {
			if t.name == name {
				t.tags = chosen
			}
		}
	}
	return nil
}

// machines are the values of platform.machine() by GOOS and GOARCH.
var machines = map[string]map[string]string{
	"linux": {
		"386": "i686", "amd64": "x86_64", "arm": "armv7l", "arm64": "aarch64",
		"loong64": "loongarch64", "ppc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x",
	},
	"darwin":  {"amd64": "x86_64", "arm64": "arm64"},
	"windows": {"386": "x86", "amd64": "AMD64", "arm64": "ARM64"},
}

// markersFor returns what environment markers see on a platform, and nil for
// one that is not in the table. What belongs to a single machine, such as the
// release of its kernel, is empty; comparisons with it are false.
func markersFor(goOs, goArch string) map[string]string {
	machine := machines[goOs][goArch]
	if machine == "" {
		return nil
	}
	m := map[string]string{
		"platform_machine": machine,
		"platform_release": "",
		"platform_version": "",
	}
	switch goOs {
	case "linux":
		m["os_name"], m["sys_platform"], m["platform_system"] = "posix", "linux", "Linux"
	case "darwin":
		m["os_name"], m["sys_platform"], m["platform_system"] = "posix", "darwin", "Darwin"
	case "windows":
		m["os_name"], m["sys_platform"], m["platform_system"] = "nt", "win32", "Windows"
	}
	return m
}
