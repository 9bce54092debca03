package payload

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// encoders are encoders of one kind that nobody uses: each has tables of some 100 MB, and
// to make one takes longer than to pack a small tree.
type encoders struct{ pool sync.Pool }

var blobEncoders, streamEncoders encoders

// get returns an encoder of the best level with more options, the same ones in each call.
func (e *encoders) get(more ...zstd.EOption) (*zstd.Encoder, error) {
	if enc, ok := e.pool.Get().(*zstd.Encoder); ok {
		return enc, nil
	}
	return zstd.NewWriter(nil, append(more, zstd.WithEncoderLevel(zstd.SpeedBestCompression))...)
}

func (e *encoders) put(enc *zstd.Encoder) {
	enc.Reset(nil)
	e.pool.Put(enc)
}
