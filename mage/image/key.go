package image

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// version is part of every key. Raise it when this package builds other bytes from
// the same sources.
const version = "todo-chatbot/image/1"

// tagDigits is the number of hexadecimal digits in the tag of a key: 128 bits.
const tagDigits = 32

// Key is the digest of everything that goes into an image. Equal keys mean equal
// sources, so an image that is published under its key is not built again.
type Key [sha256.Size]byte

// String is the key as a digest, "sha256:…".
func (k Key) String() string { return "sha256:" + hex.EncodeToString(k[:]) }

// Tag is the key as a tag, "key-…".
func (k Key) Tag() string { return "key-" + hex.EncodeToString(k[:])[:tagDigits] }

// writer writes fields and numbers so that different sequences give different bytes.
type writer struct{ hash.Hash }

func (w writer) text(fields ...string) {
	for _, s := range fields {
		w.count(len(s))
		w.Write([]byte(s))
	}
}

func (w writer) count(n int) {
	w.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
}
