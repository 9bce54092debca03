package pip

import (
	"strings"
	"testing"
)

func TestWheelSystem(t *testing.T) {
	for address, want := range map[string]system{
		"https://x/a-1-cp314-cp314-manylinux_2_28_x86_64.whl":                     {"glibc", 2, 28},
		"file:///with%20space/a-1-cp314-cp314-manylinux_2_28_x86_64.whl#sha256=0": {"glibc", 2, 28},
		"a-1-cp314-cp314-manylinux2014_x86_64.manylinux_2_17_x86_64.whl":          {"glibc", 2, 17},
		"a-1-cp314-cp314-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl":         {"glibc", 2, 27},
		"a-1-cp314-cp314-manylinux1_i686.whl":                                     {"glibc", 2, 5},
		"a-1-1build-cp314-cp314-musllinux_1_2_aarch64.whl":                        {"musl", 1, 2},
		"a-1-cp314-cp314-macosx_10_9_universal2.whl":                              {"macOS", 10, 9},
		"a-1-cp314-cp314-win_amd64.whl":                                           {},
		"a-1-cp314-cp314-linux_x86_64.whl":                                        {},
		"a-1-py3-none-any.whl":                                                    {},
		"a-1.tar.gz":                                                              {},
		"a-1-cp314-cp314-manylinux_99999999999999999999_1_x86_64.whl":             {},
		"":          {},
		"%zz:":      {},
		"a-1-a.whl": {},
	} {
		if got := wheelSystem(address); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
}

func TestNeeds(t *testing.T) {
	pkg := func(name, tag string) installed {
		var p installed
		p.Metadata.Name, p.Metadata.Version = name, "1"
		p.DownloadInfo.URL = "https://x/" + name + "-1-cp314-cp314-" + tag + ".whl"
		return p
	}
	old, older, anywhere := pkg("old", "manylinux_2_17_x86_64"), pkg("older", "manylinux_2_5_x86_64"), pkg("anywhere", "any")
	got := needs([]installed{older, pkg("new", "manylinux_2_28_x86_64"), anywhere, old, pkg("also", "manylinux_2_28_x86_64")})
	if !strings.Contains(got, "glibc 2.28 ") || !strings.HasSuffix(got, ": also 1, new 1") {
		t.Error(got)
	}
	if got := needs([]installed{anywhere}); got != "" {
		t.Error(got)
	}
}

func TestWheelTagsOfAPlatform(t *testing.T) {
	targets, err := choose(synthetic, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	name := targets[0].name
	err = withTags(targets, synthetic, map[string][]string{strings.Replace(name, "-", "/", 1): {"one", "two"}})
	if err != nil || strings.Join(targets[0].tags, " ") != "one two" {
		t.Errorf("%v, %v", targets[0].tags, err)
	}
	for other, tags := range map[string][]string{"beos-amd64": {"one"}, name: nil} {
		if err := withTags(targets, synthetic, map[string][]string{other: tags}); err == nil || !strings.Contains(err.Error(), other) {
			t.Errorf("%s: %v", other, err)
		}
	}
}
