package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheWorkerAnswersAndEndsWithItsInput(t *testing.T) {
	worker := start(t)
	worker.send(t, map[string]any{"id": 1, "op": opPing})
	received := worker.receive(t)
	var said pong
	if err := json.Unmarshal(received.Result, &said); err != nil {
		t.Fatal(err)
	}
	if received.ID != 1 || said.Protocol != protocolVersion || !strings.HasPrefix(said.Helm, "v4.") {
		t.Fatalf("%+v", said)
	}
	if err := worker.in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := worker.exit(t); err != nil {
		t.Fatalf("after the end of its input: %v", err)
	}
}

func TestABadRequestIsAnsweredAndTheNextOneServed(t *testing.T) {
	worker := start(t)
	worker.send(t, map[string]any{"id": 1, "op": opUpgrade, "surprise": true})
	if received := worker.receive(t); received.Error == nil || received.Error.Code != "request-invalid" {
		t.Fatalf("%+v", received)
	}
	worker.send(t, map[string]any{"id": 2, "op": "reboot"})
	if received := worker.receive(t); received.Error == nil || received.Error.Code != "request-invalid" {
		t.Fatalf("%+v", received)
	}
	worker.send(t, map[string]any{"id": 3, "op": opPing})
	if received := worker.receive(t); received.ID != 3 || received.Error != nil {
		t.Fatalf("%+v", received)
	}
}

func TestSeveralRequestsAreServedAtOnce(t *testing.T) {
	worker := start(t)
	for id := 1; id <= 40; id++ {
		worker.send(t, map[string]any{"id": id, "op": opRender, "namespace": "shop", "release": "demo",
			"chart": map[string]any{"archive": demoChart(t, configMap)}})
	}
	seen := map[uint64]bool{}
	for range 40 {
		received := worker.receive(t)
		if received.Error != nil {
			t.Fatalf("%+v", received.Error)
		}
		seen[received.ID] = true
	}
	if len(seen) != 40 {
		t.Fatalf("%d different answers, expected 40", len(seen))
	}
}

func TestARunningRequestCanBeCanceled(t *testing.T) {
	silent := listenSilently(t)
	worker := start(t)
	worker.send(t, map[string]any{"id": 1, "op": opStatus, "namespace": "shop", "release": "demo",
		"cluster": map[string]any{"kubeconfig": silent.kubeconfig, "context": "demo"}})
	silent.await(t)
	worker.send(t, map[string]any{"id": 2, "op": opCancel, "target": 1})
	answers := map[uint64]answer{}
	for range 2 {
		received := worker.receive(t)
		answers[received.ID] = received
	}
	if answers[1].Error == nil || answers[1].Error.Kind != kindCanceled {
		t.Fatalf("%+v", answers[1])
	}
	if string(answers[2].Result) != `{"found":true}` {
		t.Fatalf("%s", answers[2].Result)
	}
}

// Charts like these end the process that renders them; that is why it is a process of its own. What must
// hold is that it ends soon, and without taking the memory of the host.
func TestAHostileChartEndsTheWorkerAndNothingElse(t *testing.T) {
	for name, template := range map[string]string{
		"calls itself without end":   `x: '{{ tpl .Values.x . }}'`,
		"allocates without end":      `x: {{ until 2000000000 | len }}`,
		"builds a string of no size": `x: {{ repeat 2000000000 "xxxxxxxxxxxxxxxx" | len }}`,
	} {
		t.Run(name, func(t *testing.T) {
			worker := start(t)
			worker.send(t, map[string]any{"id": 1, "op": opRender, "namespace": "shop", "release": "demo",
				"values": map[string]any{"x": `{{ tpl .Values.x . }}`},
				"chart":  map[string]any{"archive": demoChart(t, template)}})
			if err := worker.exit(t); err == nil {
				t.Fatal("the worker ended as if nothing had happened")
			}
			usage, known := worker.command.ProcessState.SysUsage().(*syscall.Rusage)
			if !known {
				t.Fatal("no resource usage")
			}
			if peak := usage.Maxrss << 10; peak > defaultAddressSpace {
				t.Fatalf("it used %d bytes of memory", peak)
			}
			if said := worker.log.String(); !strings.Contains(said, "overflow") && !strings.Contains(said, "out of memory") {
				t.Fatalf("it died of something else: %s", said)
			}
		})
	}
}

// A parent that is killed cannot close anything in an orderly way; here even the pipe stays open, held by
// this test, so that only the death signal can end the worker.
func TestTheWorkerDiesWithItsParent(t *testing.T) {
	if os.Getenv("HELM_WORKER_TEST_PARENT") != "" {
		parent()
		return
	}
	input, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	command := exec.Command(os.Args[0], "-test.run=^TestTheWorkerDiesWithItsParent$")
	command.Env = append(os.Environ(), "HELM_WORKER_TEST_PARENT="+workerProgram(t))
	command.Stdin = input
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	worker, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if !running(worker) {
		t.Fatal("the worker does not run")
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	for deadline := time.Now().Add(patience); running(worker); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the worker outlived its parent")
		}
	}
}

// parent starts a worker, waits until it answers, says its id, and stays until it is killed.
func parent() {
	command := exec.Command(os.Getenv("HELM_WORKER_TEST_PARENT"))
	command.Stdin = os.Stdin
	if err := command.Start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	// It has asked for the signal once it blocks in reading its input: the pipe is empty and stays open.
	for !asleep(command.Process.Pid) {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(command.Process.Pid)
	select {}
}

// asleep tells whether a process has set up its memory limit, which it does after asking for the signal.
func asleep(pid int) bool {
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	return err == nil && strings.Contains(string(limits), strconv.Itoa(defaultAddressSpace))
}

func running(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(status), ") ")
	return !strings.HasPrefix(after, "Z") && !strings.HasPrefix(after, "X")
}
