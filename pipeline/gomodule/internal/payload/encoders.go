package payload

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// encoders are encoders of one kind that nobody uses: the best one has tables of some
// 100 MB, and to make it takes longer than to pack a small tree.
type encoders struct {
	options []zstd.EOption
	streams bool // they are not for EncodeAll
	pool    sync.Pool
}

// Which bytes come out must not depend on the machine, so an encoder has one goroutine.
var (
	blobEncoders = encoders{options: []zstd.EOption{
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedBestCompression),
	}}
	streamEncoders = encoders{streams: true, options: []zstd.EOption{
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithWindowSize(streamWindow),
	}}
	// For frames of small files, the best level takes six times as long and makes a tenth less
	// of them.
	frameEncoders = encoders{options: []zstd.EOption{
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(smallBytes),
		zstd.WithSingleSegment(true), // so that every frame says how much it holds
		zstd.WithEncoderCRC(false),   // every content has a sha256
	}}
)

func (e *encoders) get() (*zstd.Encoder, error) {
	if enc, ok := e.pool.Get().(*zstd.Encoder); ok {
		return enc, nil
	}
	return zstd.NewWriter(nil, e.options...)
}

// put gives an encoder back. One for streams lets go of what it wrote to. Reset makes tables
// for streams, which are not those of EncodeAll: another one would take twice the memory.
func (e *encoders) put(enc *zstd.Encoder) {
	if e.streams {
		enc.Reset(nil)
	}
	e.pool.Put(enc)
}
