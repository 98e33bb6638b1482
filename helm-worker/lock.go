package main

import (
	"context"
	"sync"
)

// releaseLocks lets one operation at a time write a release: two writers on one release fail both.
type releaseLocks struct {
	mutex sync.Mutex
	held  map[string]*releaseLock
}

type releaseLock struct {
	token   chan struct{}
	holders int
}

func newReleaseLocks() *releaseLocks {
	return &releaseLocks{held: map[string]*releaseLock{}}
}

// acquire waits for the release, or for the end of the context. The returned function gives it back.
func (l *releaseLocks) acquire(ctx context.Context, release string) (func(), error) {
	l.mutex.Lock()
	lock, found := l.held[release]
	if !found {
		lock = &releaseLock{token: make(chan struct{}, 1)}
		l.held[release] = lock
	}
	lock.holders++
	l.mutex.Unlock()

	forget := func() {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		lock.holders--
		if lock.holders == 0 {
			delete(l.held, release)
		}
	}
	select {
	case lock.token <- struct{}{}:
		return func() { <-lock.token; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, context.Cause(ctx)
	}
}
