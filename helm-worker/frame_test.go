package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
)

func TestFramesComeBackWhole(t *testing.T) {
	var stream bytes.Buffer
	writer := &frameWriter{out: &stream}
	var group sync.WaitGroup
	for id := range uint64(50) {
		group.Go(func() {
			if err := writer.write(response{ID: id + 1, Result: strings.Repeat("x", int(id)*1000)}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for range 50 {
		if _, err := readFrame(&stream); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := readFrame(&stream); !errors.Is(err, io.EOF) {
		t.Fatalf("after the last frame: %v, expected the end of the input", err)
	}
}

func TestABrokenFrameIsAnError(t *testing.T) {
	for name, input := range map[string]string{
		"empty":     "\x00\x00\x00\x00",
		"oversized": "\xff\xff\xff\xff",
		"cut":       "\x00\x00\x00\x09{\"id\"",
		"headless":  "\x00\x00",
	} {
		if _, err := readFrame(strings.NewReader(input)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %v, expected an error other than the end of the input", name, err)
		}
	}
}
