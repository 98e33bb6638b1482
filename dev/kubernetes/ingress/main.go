// Command ingress keeps HAProxy's configuration in step with the cluster's Ingress objects.
//
// It watches (watch.go), turns what it sees into a routing table (routes.go), renders that as HAProxy's configuration and
// has HAProxy reload it (haproxy.go). HAProxy is a process of its own: it goes on serving while this one restarts.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func run() error {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	listen := flag.String("listen", "127.0.0.1:8080", "address that HAProxy serves")
	healthAddress := flag.String("health", "127.0.0.1:17080", "address of /healthz")
	address := flag.String("address", "127.0.0.1", "address written into the status of each Ingress")
	base := flag.String("base", "", "HAProxy configuration that is read before ours")
	output := flag.String("output", "", "HAProxy configuration to write")
	socket := flag.String("socket", "", "HAProxy's master socket")
	flag.Parse()
	if *kubeconfig == "" || *base == "" || *output == "" || *socket == "" {
		return errors.New("usage: ingress --kubeconfig FILE --base FILE --output FILE --socket FILE")
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 200
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	proxy := &haproxy{listen: *listen, base: *base, output: *output, socket: *socket}
	// HAProxy can start before the first answer of the API server.
	if _, err := os.Stat(*output); errors.Is(err, os.ErrNotExist) {
		if err := proxy.write(table{}); err != nil {
			return err
		}
	}
	watcher := newWatcher(client)
	if err := watcher.start(ctx); err != nil {
		return err
	}
	state := newHealth()
	go state.serve(*healthAddress)
	follow(ctx, watcher, proxy, state, *address)
	return nil
}

// follow applies the routing table after each change, until ctx ends.
func follow(ctx context.Context, watcher *watcher, proxy *haproxy, state *health, address string) {
	const settle, retry = 50 * time.Millisecond, 200 * time.Millisecond
	for {
		err := proxy.apply(ctx, watcher.table())
		state.set(err)
		if err != nil {
			slog.Error("the configuration was not applied; trying again", "error", err)
			watcher.wake()
		} else {
			watcher.publish(ctx, address)
		}
		pause := settle
		if err != nil {
			pause = retry
		}
		select {
		case <-ctx.Done():
			return
		case <-watcher.changed:
		}
		// Changes come in bursts: one reload serves those of one burst.
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func main() {
	if err := run(); err != nil {
		slog.Error("ingress stopped", "error", err)
		os.Exit(1)
	}
}
