package main

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// silent is an API server that takes connections and never says a word.
type silent struct {
	kubeconfig string
	called     chan struct{}
}

func listenSilently(t *testing.T) *silent {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s := &silent{kubeconfig: writeKubeconfig(t, "user: {}"), called: make(chan struct{}, 16)}
	content, err := os.ReadFile(s.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(content), "127.0.0.1:9", listener.Addr().String())
	if err := os.WriteFile(s.kubeconfig, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { connection.Close() })
			s.called <- struct{}{}
		}
	}()
	return s
}

func (s *silent) await(t *testing.T) {
	t.Helper()
	select {
	case <-s.called:
	case <-time.After(patience):
		t.Fatal("the worker never called the API server")
	}
}
