// Command helm-worker carries out Helm operations for Slipway, on Helm's own SDK.
//
// It is a process of its own because a chart can kill the process it is rendered in and a render cannot be
// stopped: the server sets a deadline, kills the worker, and starts another. It speaks framed JSON on
// stdin and stdout (see README.md), logs to stderr, and ends when its stdin ends or its parent dies.
package main

import (
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"

	"helm.sh/helm/v4/pkg/kube"
)

const (
	defaultMemoryLimit  = 512 << 20
	defaultAddressSpace = 3 << 30
	// A template that calls itself without end meets this instead of Go's 1 GB of stack.
	maxStack = 32 << 20
	// fieldManager never changes: the API server attributes every field of every release to it.
	fieldManager = "helm"
)

// The signal belongs to the thread that asks for it. Initialisation runs on the main thread, which lives
// as long as the process.
func init() {
	const prSetPdeathsig = 1
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, uintptr(syscall.SIGKILL), 0); errno != 0 {
		fatal("ask to die with the parent", errno)
	}
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	limitMemory()
	answers, err := claimStdout()
	if err != nil {
		fatal("claim stdout", err)
	}
	kube.ManagedFieldsManager = fieldManager
	if err := newServer(newExecutor(), answers).serve(os.Stdin); err != nil {
		fatal("serve", err)
	}
}

// limitMemory keeps a chart that allocates without end from taking the host down with it.
func limitMemory() {
	debug.SetMaxStack(maxStack)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(defaultMemoryLimit)
	}
	limit := uint64(defaultAddressSpace)
	if text := os.Getenv("SLIPWAY_HELM_WORKER_ADDRESS_SPACE"); text != "" {
		wanted, err := strconv.ParseUint(text, 10, 64)
		if err != nil || wanted == 0 || wanted > math.MaxInt64 {
			fatal("SLIPWAY_HELM_WORKER_ADDRESS_SPACE: a number of bytes expected", err)
		}
		limit = wanted
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		slog.Warn("the address space is not limited", "error", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		slog.Warn("core dumps are not disabled", "error", err)
	}
}

// claimStdout keeps the real stdout for frames and sends whatever a library prints to stderr.
func claimStdout() (*os.File, error) {
	frames, err := syscall.Dup(syscall.Stdout)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(frames)
	if err := syscall.Dup3(syscall.Stderr, syscall.Stdout, 0); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(frames), "frames"), nil
}

func fatal(what string, err error) {
	slog.Error(what, "error", err)
	os.Exit(1)
}
