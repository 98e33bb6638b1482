package main

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// health is what /healthz answers: whether HAProxy has the routes that the cluster asks for.
type health struct {
	mutex sync.Mutex
	last  error
}

func newHealth() *health {
	return &health{last: errors.New("nothing was applied yet")}
}

func (h *health) set(err error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.last = err
}

func (h *health) ServeHTTP(answer http.ResponseWriter, _ *http.Request) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.last != nil {
		http.Error(answer, h.last.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = answer.Write([]byte("ok\n"))
}

func (h *health) serve(address string) {
	routes := http.NewServeMux()
	routes.Handle("/healthz", h)
	server := http.Server{Addr: address, Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	slog.Error("/healthz is no longer served", "error", server.ListenAndServe())
}
