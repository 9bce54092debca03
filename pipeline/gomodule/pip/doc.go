// Package pip installs Python packages at build time, for embedding in a Go
// program together with the interpreter of package python.
//
// A small program, run by go generate, installs what a requirements file
// lists, for every platform of the release:
//
//	err := pip.CreateEmbeddedPipPackagesForKnownPlatforms("requirements.txt", "./data/")
//
// The folder data then is a package, and the program uses it:
//
//	lib, err := embed_util.NewEmbeddedFiles(data.Data, "myapp-packages")
//	if err != nil {
//		return err
//	}
//	ep.AddPythonPath(lib.GetExtractedPath())
//
// Commands of the packages, their entry points, are then made by ep.EntryPoint.
//
// A pylock.toml (PEP 751), as uv and pip export it, takes the place of a requirements file: a
// file pylock.toml or pylock.<name>.toml. WithPackages adds the program's own project, and
// wheel files:
//
//	err := pip.CreateEmbeddedPipPackagesForKnownPlatforms("pylock.toml", "./data/", pip.WithPackages("."))
//
// # What is installed
//
// The embedded pip installs with the embedded interpreter, so the packages are
// those for its Python version. Of the user's settings for pip, in PIP_*
// variables and in pip's configuration files, those count that say where
// packages come from and how to get there (indexes, links, proxies,
// certificates, caches) and what may not be taken (constraints, hashes). All
// others are ignored, for example root, target, prefix, python-version and
// user; WithPipArgs is for what is meant. For a platform, only wheels are taken that
// have one of its tags, nothing is built, and environment markers (such as
// sys_platform == "win32") are evaluated for that platform. When a requirement
// has a hash, also in an included file, everything must have one. It is an error
// when there are requirements for a platform and pip installs nothing. What the wheels
// of a platform need at least, such as glibc 2.28, is the last line of its output;
// WithWheelTags takes others.
//
// The same requirements and wheels give the same bytes on every machine:
//
//   - of *.dist-info what is about the installation is left out (RECORD, INSTALLER,
//     REQUESTED, direct_url.json). Metadata, entry points and licences are there, so
//     importlib.metadata works;
//   - modules are compiled by the embedded interpreter, so that a first import need not.
//     Python loads this bytecode without comparing it with the sources ("unchecked-hash"),
//     and compiles them itself if it is another Python line. WithoutBytecode leaves it out;
//   - scripts in bin begin with #!/usr/bin/env python3. Those that pip makes for
//     entry points are such scripts on Windows too, not .exe files;
//   - files that begin like a script or a Unix program are executable, others
//     are not.
//
// An editable install (-e) is an error: it has no files to pack.
//
// # Bill of materials
//
// Beside each packed folder is a file <folder>.cdx.json: CycloneDX 1.6, with name, version,
// declared licence and package URL of each package, and the sha256 of the archive that it was
// installed from, unless that was built here. It is not embedded. It is not written when an
// argument of WithPipArgs names another file for pip's report (--report).
//
// # .pth files
//
// Some packages, such as pywin32, work only if Python reads their .pth files
// when it starts. It does so in site-packages, but not in a directory that
// AddPythonPath adds. Where packages have such files, or .start files, a
// generated sitecustomize.py is therefore packed with them: it reads those of its
// directory and of all generated ones after it on the path, and then runs the sitecustomize that
// Python would have run without it, of the packages or of the user. It does not
// run with the interpreter's options -I, -E and -S, or if a directory before it
// on the path has another sitecustomize.
//
// # Platforms
//
// The platforms and their tags are those of the release: linux-amd64,
// windows-amd64 and so on. The Go file of each has the same build constraint as
// the interpreter's, so at most one is part of a build, also with -tags musl
// and GOAMD64; where WithPlatforms left out a level of GOAMD64, its builds take
// the packages of the next lower one. On a platform without packages, because the release does not
// have it or WithPlatforms left it out, a program that imports package data
// does not compile: "build constraints exclude all Go files". If it should,
// import it in a file with a build constraint.
//
// A Go file and folder of a platform that is not installed for any more stay
// until they are deleted.
//
// # Concurrency
//
// All functions may be called from several goroutines and processes, but not
// with the same target directory at the same time. A target directory can be
// read at any time: each platform's folder is replaced by renaming. Someone who
// reads at that very moment may find it missing.
package pip
