package pip

// selection is what selectWheels chooses from. Its JSON is Python, too.
type selection struct {
	Lock   string   `json:"lock"`   // the path of a pylock.toml, ""
	Wheels []string `json:"wheels"` // paths
	Tags   []string `json:"tags"`   // none: those of this machine
	Hashes int      `json:"hashes"` // 1: everything has one
	Out    string   `json:"out"`    // the requirements file that is written
}

// selectFor returns nil if there is nothing to choose.
func (in *inputs) selectFor(t *target, out string) *selection {
	if in.lock == "" && len(in.wheels) == 0 {
		return nil
	}
	s := &selection{Lock: in.lock, Wheels: append([]string{}, in.wheels...), Tags: append([]string{}, t.tags...), Out: out}
	if in.found.hashes {
		s.Hashes = 1
	}
	return s
}

// selectWheels is the part of the driver that chooses a wheel for the platform of each
// package in a lock and of each package that has wheels of the caller, and writes them as
// requirements. pip takes locks, too, but not for another platform. It uses what pip has
// for that: of packages with markers and groups, of tags with their order.
//
// A wheel of the caller takes the place of the same package in the lock. The lock of a
// project has the project itself.
const selectWheels = `
if selection:
    try:
        import hashlib
        from pathlib import Path
        from pip._internal.utils.compat import tomllib
        from pip._internal.utils.compatibility_tags import get_supported
        from pip._vendor.packaging import markers, pylock, tags, utils
        fits = tags.create_compatible_tags_selector(get_supported(platforms=selection["tags"] or None))
    except (ImportError, AttributeError, TypeError) as e:
        refuse("a lock, or wheels for platforms", repr(e))
    lines, missing, given = [], [], {}
    def add(name, version, wheels, address, hashes, source=None):
        wheel = next(fits(wheels), source)
        if wheel is None:
            missing.append(("%s %s" % (name, version or "")).strip())
        else:
            lines.append(" ".join(["%s @ %s" % (name, address(wheel)), *("--hash=" + text for text in hashes(wheel))]))
    def add_given():
        for path in selection["wheels"]:
            name, version, _, wheel_tags = utils.parse_wheel_filename(os.path.basename(path))
            given.setdefault(name, {}).setdefault(str(version), []).append((Path(path).absolute(), wheel_tags))
        for name, versions in given.items():
            if len(versions) > 1:
                raise ValueError("WithPackages has wheels of %s %s" % (name, " and ".join(versions)))
            for version, wheels in versions.items():
                add(name, version, wheels, lambda wheel: wheel.as_uri(), lambda wheel: [
                    "sha256:" + hashlib.sha256(wheel.read_bytes()).hexdigest()] if selection["hashes"] else [])
    def wheels_of(package):
        files, archive = package.wheels or [], package.archive
        if archive: # which is a wheel, too, in locks of uv: one with an address or path of its own
            files = [pylock.PackageWheel(url=archive.url, path=archive.path, hashes=archive.hashes)]
        return [(file, utils.parse_wheel_filename(file.filename)[3]) for file in files if file.filename.endswith(".whl")]
    def add_locked(path):
        lock = pylock.Pylock.from_dict(tomllib.loads(path.read_text("utf-8")))
        wheels = {id(package): wheels_of(package) for package in lock.packages}
        # With all tags that there are, select does not stop at the first package without a wheel.
        # In an address, pip would replace ${NAME} by a variable.
        everything = [tag for each in wheels.values() for _, wheel_tags in each for tag in wheel_tags]
        for package, _ in lock.select(environment=markers.default_environment(), tags=everything):
            if package.name not in given:
                add(package.name, package.version, wheels[id(package)],
                    lambda file: (path.parent / file.path).as_uri() if file.path else file.url.replace("$", "%24"),
                    lambda file: ["%s:%s" % each for each in file.hashes.items() if each[0] in ("sha256", "sha384", "sha512")],
                    None if selection["tags"] else package.sdist)
    try:
        add_given()
        if selection["lock"]:
            add_locked(Path(selection["lock"]).absolute())
        Path(selection["out"]).write_text("".join(line + "\n" for line in lines), "utf-8")
    except Exception as e:
        sys.exit("ERROR: %s%s" % (selection["lock"] and selection["lock"] + ": ", e))
    if missing:
        sys.exit("ERROR: No wheel for this platform: " + ", ".join(missing))
`
