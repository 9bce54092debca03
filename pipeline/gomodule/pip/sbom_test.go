package pip

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestComponents(t *testing.T) {
	const hash = `"archive_info": {"hashes": {"sha256": "0a"}}`
	in := &inputs{built: []string{"app-1+x-py3-none-any.whl"}}
	for report, want := range map[string]string{
		`{"download_info": {"url": "https://example.invalid/a/My_Tool-1.0-py3-none-any.whl", ` + hash + `},
		  "metadata": {"name": "My_Tool", "version": "1!2.0+x", "license_expression": "MIT OR Apache-2.0", "license": "x"}}`: `{"type":"library","bom-ref":"pkg:pypi/my-tool@1%212.0%2Bx","name":"My_Tool","version":"1!2.0+x",` +
			`"hashes":[{"alg":"SHA-256","content":"0a"}],"licenses":[{"expression":"MIT OR Apache-2.0","acknowledgement":"declared"}],` +
			`"purl":"pkg:pypi/my-tool@1%212.0%2Bx"}`,
		`{"download_info": {"url": "file:///tmp/app-1%2Bx-py3-none-any.whl", ` + hash + `}, "metadata": {"name": "app", "version": "1+x", "license": "BSD"}}`: `{"type":"library","bom-ref":"pkg:pypi/app@1%2Bx","name":"app","version":"1+x",` +
			`"licenses":[{"license":{"name":"BSD","acknowledgement":"declared"}}],"purl":"pkg:pypi/app@1%2Bx"}`,
		`{"metadata": {"name": "a", "version": "1", "license": "Copyright\n", "classifier": ["License :: OSI Approved :: MIT License", "Topic :: X"]}}`: `{"type":"library","bom-ref":"pkg:pypi/a@1","name":"a","version":"1",` +
			`"licenses":[{"license":{"name":"Copyright","acknowledgement":"declared"}}],"purl":"pkg:pypi/a@1"}`,
		`{"metadata": {"name": "a", "version": "1", "license": "One\nTwo", "classifier": ["License :: OSI Approved :: MIT License", "Topic :: X"]}}`: `{"type":"library","bom-ref":"pkg:pypi/a@1","name":"a","version":"1",` +
			`"licenses":[{"license":{"name":"MIT License","acknowledgement":"declared"}}],"purl":"pkg:pypi/a@1"}`,
	} {
		var p installed
		if err := json.Unmarshal([]byte(report), &p); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(component(p, in))
		if err != nil || string(got) != want {
			t.Errorf("%s\ngives %s\nwant  %s, %v", report, got, want, err)
		}
	}
}

func TestBillWithoutPackages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.cdx.json")
	if err := writeBill(file, nil, &inputs{}); err != nil {
		t.Error(err)
	}
	if err := writeBill(file, []installed{}, &inputs{}); err != nil {
		t.Fatal(err)
	}
	var b bill
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil || b.SpecVersion != "1.6" || len(b.Components) != 0 {
		t.Errorf("%s, %v", text, err)
	}
}
