package osfs

import "errors"

// ErrInUse is matched when files cannot be removed because programs run from their
// directory, and on Windows also when files cannot be replaced because a program has them
// open, or because this user may not change them, which Windows does not always distinguish.
// The error names the programs that run from the directory, as far as this user can see
// them; when they have ended, the call can be made again.
var ErrInUse = errors.New("files in use")
