package pip

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/goempy/goempy/internal/osfs"
)

// sbomSuffix makes the name of a bill of materials out of that of the packed folder.
const sbomSuffix = ".cdx.json"

// bill is a bill of materials: CycloneDX 1.6, with what pip knows of each package. It has
// neither a time nor a serial number, so the same packages give the same bytes.
type bill struct {
	Schema      string          `json:"$schema"`
	BOMFormat   string          `json:"bomFormat"`
	SpecVersion string          `json:"specVersion"`
	Version     int             `json:"version"`
	Components  []billComponent `json:"components"`
}

type billComponent struct {
	Type     string        `json:"type"`
	Ref      string        `json:"bom-ref"`
	Name     string        `json:"name"`
	Version  string        `json:"version"`
	Hashes   []billHash    `json:"hashes,omitempty"`
	Licenses []billLicense `json:"licenses,omitempty"`
	PURL     string        `json:"purl"`
}

type billHash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

// billLicense is an SPDX expression or a name. A component has one expression, or names.
type billLicense struct {
	Expression      string     `json:"expression,omitempty"`
	Acknowledgement string     `json:"acknowledgement,omitempty"`
	License         *billNamed `json:"license,omitempty"`
}

type billNamed struct {
	Name            string `json:"name"`
	Acknowledgement string `json:"acknowledgement"`
}

// declared says that a licence is what the package says of itself.
const declared = "declared"

// writeBill writes the bill of materials of packages. Without any knowledge of them,
// since the caller has pip's report, there must not be an older one.
func writeBill(file string, packages []installed, in *inputs) error {
	if packages == nil {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	b := bill{Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: "CycloneDX", SpecVersion: "1.6",
		Version: 1, Components: []billComponent{}}
	for _, p := range packages {
		b.Components = append(b.Components, component(p, in))
	}
	slices.SortFunc(b.Components, func(x, y billComponent) int { return cmp.Compare(x.Ref, y.Ref) })
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(b); err != nil {
		return err
	}
	return osfs.WriteFile(file, text.Bytes())
}

func component(p installed, in *inputs) billComponent {
	name := strings.ToLower(strings.ReplaceAll(p.Metadata.Name, "_", "-"))
	purl := "pkg:pypi/" + name + "@" + url.QueryEscape(p.Metadata.Version)
	c := billComponent{Type: "library", Ref: purl, Name: p.Metadata.Name, Version: p.Metadata.Version,
		Licenses: licensesOf(p), PURL: purl}
	sha256 := p.DownloadInfo.ArchiveInfo.Hashes["sha256"]
	// A wheel that was built here has other bytes each time, since it has times in it.
	if sha256 != "" && !in.hasBuilt(p.DownloadInfo.URL) {
		c.Hashes = []billHash{{"SHA-256", sha256}}
	}
	return c
}

// hasBuilt says whether a wheel, by its address, was built of a project.
func (in *inputs) hasBuilt(address string) bool {
	u, err := url.Parse(address)
	return err == nil && slices.ContainsFunc(in.built, func(name string) bool { return path.Base(u.Path) == name })
}

// licensesOf returns what a package declares: an SPDX expression, the name in its field
// License unless this is a text, or what its classifiers say.
func licensesOf(p installed) []billLicense {
	if text := p.Metadata.LicenseExpression; text != "" {
		return []billLicense{{Expression: text, Acknowledgement: declared}}
	}
	if text := strings.TrimSpace(p.Metadata.License); text != "" && len(text) < 100 && !strings.Contains(text, "\n") {
		return []billLicense{{License: &billNamed{text, declared}}}
	}
	var names []billLicense
	for _, each := range p.Metadata.Classifiers {
		if strings.HasPrefix(each, "License :: ") {
			name := each[strings.LastIndex(each, " :: ")+len(" :: "):]
			names = append(names, billLicense{License: &billNamed{name, declared}})
		}
	}
	return names
}
