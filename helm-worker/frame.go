package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// maxFrame bounds one frame in either direction: a packed chart in base64, or a rendered manifest.
const maxFrame = 64 << 20

// readFrame reads one frame: four bytes of length, big-endian, then that many bytes of JSON.
// A clean end of input between two frames is io.EOF; inside a frame it is io.ErrUnexpectedEOF.
func readFrame(in io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(header[:])
	if length == 0 || length > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes: expected 1 to %d", length, maxFrame)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return body, nil
}

// frameWriter lets many operations answer on one stream without mixing their frames.
type frameWriter struct {
	mutex sync.Mutex
	out   io.Writer
}

func (w *frameWriter) write(value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode a frame: %w", err)
	}
	if len(body) > maxFrame {
		return fmt.Errorf("a frame of %d bytes: at most %d", len(body), maxFrame)
	}
	frame := make([]byte, 4+len(body))
	binary.BigEndian.PutUint32(frame, uint32(len(body)))
	copy(frame[4:], body)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	_, err = w.out.Write(frame)
	return err
}
