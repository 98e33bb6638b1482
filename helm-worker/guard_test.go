package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/kube"
)

// hastyWaiter ends early so often, as Helm's does, then with its last word.
type hastyWaiter struct {
	kube.Waiter
	early int
	last  error
	asked int
}

func (w *hastyWaiter) WaitForDelete(kube.ResourceList, time.Duration) error {
	w.asked++
	if w.asked <= w.early {
		return errors.New("resource Deployment/shop/app still exists. status: Terminating, message: Resource scheduled for deletion")
	}
	return w.last
}

func TestObjectsThatAreOnTheirWayOutAreWaitedForUntilTheyHaveGone(t *testing.T) {
	refused := errors.New("pods is forbidden")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, each := range map[string]struct {
		ctx    context.Context
		waiter hastyWaiter
		time   time.Duration
		asked  int
		failed bool
	}{
		"they go":             {context.Background(), hastyWaiter{early: 3}, time.Minute, 4, false},
		"it is refused":       {context.Background(), hastyWaiter{last: refused}, time.Minute, 1, true},
		"there is no time":    {context.Background(), hastyWaiter{early: 1 << 30}, 0, 1, true},
		"somebody cancels it": {canceled, hastyWaiter{early: 1 << 30}, time.Minute, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			waiter := &listeningWaiter{Waiter: &each.waiter, op: &operation{ctx: each.ctx}}
			err := waiter.WaitForDelete(nil, each.time)
			if (err != nil) != each.failed || each.waiter.asked != each.asked {
				t.Errorf("asked %d times, %v", each.waiter.asked, err)
			}
		})
	}
}
