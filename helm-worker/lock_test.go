package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestOneOperationAtATimeHoldsARelease(t *testing.T) {
	locks := newReleaseLocks()
	var inside, most atomic.Int32
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			unlock, err := locks.acquire(context.Background(), "shop/api")
			if err != nil {
				t.Error(err)
				return
			}
			if now := inside.Add(1); now > most.Load() {
				most.Store(now)
			}
			inside.Add(-1)
			unlock()
		})
	}
	group.Wait()
	if most.Load() != 1 {
		t.Fatalf("%d operations held the release at once", most.Load())
	}
	if len(locks.held) != 0 {
		t.Fatalf("%d locks are left behind", len(locks.held))
	}
}

func TestWaitingForAReleaseEndsWithTheRequest(t *testing.T) {
	locks := newReleaseLocks()
	unlock, err := locks.acquire(context.Background(), "shop/api")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errCanceled)
	if _, err := locks.acquire(ctx, "shop/api"); !errors.Is(err, errCanceled) {
		t.Fatalf("%v, expected the cause of the end", err)
	}
}
