package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"testing"
)

// Each target runs its seeds in `go test`, and as long as it is told in `go test -fuzz`; see dev/test-long.

func FuzzFrames(f *testing.F) {
	for _, seed := range []string{"", "\x00", "\x00\x00\x00\x02{}", "\x00\x00\x00\x00", "\xff\xff\xff\xff", "\x00\x00\x00\x09{\"id\"", "\x04\x00\x00\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		in := bytes.NewReader(stream)
		at := 0
		for {
			body, err := readFrame(in)
			if err != nil {
				if err == io.EOF && at != len(stream) {
					t.Fatalf("the end of the input after %d of %d bytes", at, len(stream))
				}
				return
			}
			if len(body) == 0 || int(binary.BigEndian.Uint32(stream[at:])) != len(body) || !bytes.Equal(stream[at+4:at+4+len(body)], body) {
				t.Fatalf("the frame at %d came back as %q", at, body)
			}
			at += 4 + len(body)
		}
	})
}

// Requests that need no cluster and no chart, and such as are none at all: each ends in an answer or in an error.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"op":"ping"}`, `{"id":1,"op":"cancel","target":1}`, `{"id":1,"surprise":true}`, `{"id":-1}`, `{"id":1e99}`, `[]`, `null`,
		`{"id":1,"op":"render","chart":{"archive":"eA=="}}`, `{"id":18446744073709551616}`, `{"id":1,"values":{"a":{"a":{"a":[[[]]]}}}}`,
		`{"id":1,"op":"ping"} {"id":2}`, "\xff", `{"id":1,"timeout_ms":-9223372036854775808}`, `{"ID":2,"Op":"ping"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		received := &request{}
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		if decoder.Decode(received) == nil && received.Op != opCancel {
			return // It would run, in a goroutine of its own; the executor has tests of its own.
		}
		var out bytes.Buffer
		err := newServer(nil, &out).accept(body)
		if err != nil {
			if out.Len() > 0 {
				t.Fatalf("both an answer and an error: %q, %v", out.Bytes(), err)
			}
			return
		}
		answered, err := readFrame(&out)
		if err != nil {
			t.Fatal(err)
		}
		var said response
		if err := json.Unmarshal(answered, &said); err != nil || out.Len() > 0 {
			t.Fatalf("%q: %v", answered, err)
		}
	})
}

// A chart that is none is refused; nothing that is in one makes loading it go on without end.
func FuzzCharts(f *testing.F) {
	f.Add(demoChart(f, configMap))
	f.Add(pack(f, map[string]string{"Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\n", "values.schema.json": "{\"$ref\":\"#\"}"}))
	f.Add(pack(f, map[string]string{"Chart.yaml": "a: &a [*a]\n", "../outside": "x", "charts/x.tgz": "x"}))
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, packed []byte) {
		loaded, err := (chartSource{Archive: packed}).load()
		if err != nil {
			if classify(err).Kind != kindPermanent {
				t.Fatalf("%v may be tried again", err)
			}
			return
		}
		hasForeignReference(loaded)
	})
}
