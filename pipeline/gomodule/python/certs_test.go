package python

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCertFile(t *testing.T) {
	const rhel = "etc/pki/tls/certs/ca-bundle.crt"
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"nothing":        {nil, ""},
		"red hat 8":      {[]string{rhel, "etc/ssl/certs/README"}, rhel},
		"cert.pem":       {[]string{rhel, "etc/ssl/cert.pem"}, ""},
		"hashed":         {[]string{"etc/ssl/certs/ca-certificates.crt", "etc/ssl/certs/0a1b2c3d.0"}, ""},
		"no hashed":      {[]string{"etc/ssl/certs/ca-certificates.crt"}, "etc/ssl/certs/ca-certificates.crt"},
		"suse, unhashed": {[]string{"etc/ssl/ca-bundle.pem"}, "etc/ssl/ca-bundle.pem"},
	} {
		root := t.TempDir()
		for _, f := range c.files {
			path := filepath.Join(root, f)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("pem"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want := c.want
		if want != "" {
			want = filepath.Join(root, want)
		}
		if got := certFileIn(root); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestCertFileInEnvironment(t *testing.T) {
	file := func() string { return "/ca.pem" }
	for _, c := range []struct {
		inherited string
		set       bool
	}{{"X=1", true}, {"SSL_CERT_FILE=", false}, {"SSL_CERT_DIR=/d", false}} {
		r := request{inherited: []string{c.inherited}, clean: true, certFile: file}
		if got := slices.Contains(r.environ(), "SSL_CERT_FILE=/ca.pem"); got != c.set {
			t.Errorf("with %s: %v", c.inherited, got)
		}
	}
}

func TestVariablesOfWindows(t *testing.T) {
	r := request{inherited: []string{"PythonHome=x", "Path=y", "PYTHONPATH=z"}, foldCase: true, clean: true}
	if got := r.environ(); !slices.Equal(got, []string{"Path=y", "PYTHONNOUSERSITE=1"}) {
		t.Errorf("environment is %q", got)
	}
}
