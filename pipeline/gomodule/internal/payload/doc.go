// Package payload reads and packs payloads: a manifest, and the contents of its files as
// blobs or as one stream. Package embed_util describes the format.
package payload
