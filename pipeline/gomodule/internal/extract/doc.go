// Package extract brings a payload to a directory that can be trusted: it chooses the
// location, extracts under a lock, records what it wrote in a marker, repairs what
// differs at a later start, and removes what is not used any more. Package embed_util
// describes what is promised.
package extract
