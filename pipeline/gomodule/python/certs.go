package python

import (
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// bundles are where distributions keep their certificates in one file. The
// interpreter's OpenSSL looks at /etc/ssl/cert.pem and the hashed names in
// /etc/ssl/certs only; Red Hat 8 and older have neither.
var bundles = []string{
	"etc/pki/tls/certs/ca-bundle.crt",
	"etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"etc/ssl/certs/ca-certificates.crt",
	"etc/ssl/ca-bundle.pem",
	"etc/pki/tls/cacert.pem",
	"var/lib/ca-certificates/ca-bundle.pem",
}

// systemCertFile returns the file that SSL_CERT_FILE has to name on this
// system, "" where certificates are found without it.
var systemCertFile = sync.OnceValue(func() string {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return "" // they have stores of their own, and macOS has cert.pem
	}
	return certFileIn("/")
})

func certFileIn(root string) string {
	if _, err := os.Stat(filepath.Join(root, "etc/ssl/cert.pem")); err == nil {
		return ""
	}
	if hasHashed(filepath.Join(root, "etc/ssl/certs")) {
		return ""
	}
	for _, b := range bundles {
		path := filepath.Join(root, b)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Size() > 0 {
			return path
		}
	}
	return ""
}

// hashedCert is how OpenSSL names certificates, as a pattern of package path.
var hashedCert = strings.Repeat("[0-9a-f]", 8) + ".[0-9]"

// hasHashed says whether OpenSSL finds any certificate by its hash in dir.
func hasHashed(dir string) bool {
	d, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(64)
		for _, name := range names {
			if ok, _ := path.Match(hashedCert, name); ok {
				return true
			}
		}
		if err != nil { // io.EOF at the end
			return false
		}
	}
}
