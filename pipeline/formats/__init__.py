"""File formats, bytes in and values out: payload manifests, ELF, Mach-O, module zips, marshal."""
