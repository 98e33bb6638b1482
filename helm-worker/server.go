package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// maxConcurrent bounds the operations that run at once; the rest wait their turn.
const maxConcurrent = 16

// server reads requests and answers each when it ends, in whatever order that is.
type server struct {
	executor *executor
	answers  *frameWriter
	turns    chan struct{}

	mutex   sync.Mutex
	running map[uint64]context.CancelCauseFunc
}

func newServer(executor *executor, out io.Writer) *server {
	return &server{
		executor: executor,
		answers:  &frameWriter{out: out},
		turns:    make(chan struct{}, maxConcurrent),
		running:  map[uint64]context.CancelCauseFunc{},
	}
}

// serve reads until the input ends, which is how the server says that it is gone. It does not wait for
// what still runs: nobody is left to hear the answer, and the next owner settles the releases.
func (s *server) serve(in io.Reader) error {
	for {
		frame, err := readFrame(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		if err := s.accept(frame); err != nil {
			return err
		}
	}
}

func (s *server) accept(frame []byte) error {
	received := &request{}
	decoder := json.NewDecoder(bytes.NewReader(frame))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(received); err != nil {
		var numbered struct {
			ID uint64 `json:"id"`
		}
		if json.Unmarshal(frame, &numbered) != nil || numbered.ID == 0 {
			return fmt.Errorf("decode a request: %w", err)
		}
		return s.answer(numbered.ID, nil, permanent("request-invalid", err.Error()))
	}
	if received.Op == opCancel {
		return s.answer(received.ID, canceled{Found: s.cancel(received.Target)}, nil)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	s.mutex.Lock()
	_, taken := s.running[received.ID]
	if !taken {
		s.running[received.ID] = cancel
	}
	s.mutex.Unlock()
	if taken {
		cancel(nil)
		return fmt.Errorf("request id %d is in use", received.ID)
	}
	go s.run(ctx, cancel, received)
	return nil
}

func (s *server) run(ctx context.Context, cancel context.CancelCauseFunc, r *request) {
	defer cancel(nil)
	var result any
	var err error
	select {
	case s.turns <- struct{}{}:
		result, err = s.executor.execute(ctx, r)
		<-s.turns
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.mutex.Lock()
	delete(s.running, r.ID)
	s.mutex.Unlock()
	if err := s.answer(r.ID, result, err); err != nil {
		fatal("write an answer", err)
	}
}

func (s *server) cancel(id uint64) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	cancel, found := s.running[id]
	if found {
		cancel(errCanceled)
	}
	return found
}

func (s *server) answer(id uint64, result any, err error) error {
	if err != nil {
		return s.answers.write(response{ID: id, Error: classify(err)})
	}
	return s.answers.write(response{ID: id, Result: result})
}
