package pip

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// installed is a package of pip's report.
type installed struct {
	DownloadInfo struct {
		URL         string `json:"url"`
		ArchiveInfo struct {
			Hashes map[string]string `json:"hashes"` // by algorithm
		} `json:"archive_info"`
	} `json:"download_info"`
	Metadata struct {
		Name              string   `json:"name"`
		Version           string   `json:"version"`
		LicenseExpression string   `json:"license_expression"`
		License           string   `json:"license"`
		Classifiers       []string `json:"classifier"`
	} `json:"metadata"`
}

// system is the lowest version of something that a wheel runs on, such as glibc
// 2.28. The zero value is that of wheels that run anywhere or say nothing.
type system struct {
	name         string
	major, minor int
}

func (s system) compare(other system) int {
	return cmp.Or(cmp.Compare(s.major, other.major), cmp.Compare(s.minor, other.minor))
}

var (
	// systemTag is a platform tag with a version (PEP 600, PEP 656, "Platform
	// compatibility tags").
	systemTag = regexp.MustCompile(`^(manylinux|musllinux|macosx)_(\d+)_(\d+)_`)

	tagSystems = map[string]string{"manylinux": "glibc", "musllinux": "musl", "macosx": "macOS"}

	// olderTags are tags without one (PEP 513, 571, 599).
	olderTags = map[string]system{
		"manylinux1": {"glibc", 2, 5}, "manylinux2010": {"glibc", 2, 12}, "manylinux2014": {"glibc", 2, 17},
	}
)

// tagSystem returns what a platform tag requires.
func tagSystem(tag string) system {
	if m := systemTag.FindStringSubmatch(tag); m != nil {
		major, errMajor := strconv.Atoi(m[2])
		minor, errMinor := strconv.Atoi(m[3])
		if errMajor != nil || errMinor != nil {
			return system{}
		}
		return system{tagSystems[m[1]], major, minor}
	}
	name, _, _ := strings.Cut(tag, "_")
	return olderTags[name]
}

// wheelSystem returns what a wheel requires. It may have several tags, and runs where
// one of them fits.
func wheelSystem(address string) system {
	u, err := url.Parse(address)
	if err != nil {
		return system{}
	}
	name, isWheel := strings.CutSuffix(path.Base(u.Path), ".whl")
	if !isWheel {
		return system{} // built here, of a source
	}
	var lowest system
	for tag := range strings.SplitSeq(name[strings.LastIndexByte(name, '-')+1:], ".") {
		s := tagSystem(tag)
		if s.name == "" {
			return system{}
		}
		if lowest.name == "" || s.compare(lowest) < 0 {
			lowest = s
		}
	}
	return lowest
}

// needs says what the packages of one platform need at least, and which of them do;
// "" if they need nothing in particular.
func needs(packages []installed) string {
	var highest system
	var names []string
	for _, p := range packages {
		s := wheelSystem(p.DownloadInfo.URL)
		if s.name == "" {
			continue
		}
		if order := s.compare(highest); order > 0 {
			highest, names = s, nil
		} else if order < 0 {
			continue
		}
		names = append(names, p.Metadata.Name+" "+p.Metadata.Version)
	}
	if highest.name == "" {
		return ""
	}
	slices.Sort(names)
	return fmt.Sprintf("Needs %s %d.%d or newer: %s", highest.name, highest.major, highest.minor, strings.Join(names, ", "))
}
