package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"helm.sh/helm/v4/pkg/kube"
)

const (
	// hookLines are so many last lines of a hook that failed.
	hookLines = 20
	// hookLogBytes bounds what is read of its log.
	hookLogBytes = 64 << 10
	hookLogTime  = 10 * time.Second
)

// watchOver puts a client between Helm and the cluster that refuses objects outside the release's namespace when
// the request asks for that, and keeps the last lines of a hook that fails.
func (op *operation) watchOver() {
	if client, real := op.configuration.KubeClient.(*kube.Client); real {
		op.configuration.KubeClient = &guardedClient{Client: client, op: op}
	}
}

// guardedClient is Helm's client under the rules of a request.
type guardedClient struct {
	*kube.Client
	op *operation
}

func (c *guardedClient) Build(manifest io.Reader, validate bool) (kube.ResourceList, error) {
	built, err := c.Client.Build(manifest, validate)
	if err != nil || !c.op.request.NamespacedOnly {
		return built, err
	}
	for _, info := range built {
		kind := info.Mapping.GroupVersionKind.Kind
		if err := c.op.permit(kind, info.Name, info.Namespace, info.Namespaced()); err != nil {
			return nil, err
		}
	}
	return built, nil
}

// permit refuses an object that is not the release's namespace's.
func (op *operation) permit(kind, name, namespace string, namespaced bool) error {
	if !namespaced {
		return permanent("cluster-wide-object", fmt.Sprintf(
			"the chart makes %s %q, which is of the whole cluster; allowClusterWideResources permits it", kind, name))
	}
	if namespace != op.request.Namespace {
		return permanent("foreign-namespace", fmt.Sprintf(
			"the chart makes %s %q in namespace %q, and the environment's is %q; allowClusterWideResources permits it",
			kind, name, namespace, op.request.Namespace))
	}
	return nil
}

func (c *guardedClient) GetWaiter(strategy kube.WaitStrategy) (kube.Waiter, error) {
	return c.GetWaiterWithOptions(strategy)
}

func (c *guardedClient) GetWaiterWithOptions(strategy kube.WaitStrategy, options ...kube.WaitOption) (kube.Waiter, error) {
	waiter, err := c.Client.GetWaiterWithOptions(strategy, options...)
	if err != nil {
		return nil, err
	}
	return &listeningWaiter{Waiter: waiter, op: c.op}, nil
}

// listeningWaiter reads the log of a hook that fails before a delete policy takes it away, and waits for objects to go
// until they have gone.
type listeningWaiter struct {
	kube.Waiter
	op *operation
}

func (w *listeningWaiter) WatchUntilReady(resources kube.ResourceList, timeout time.Duration) error {
	err := w.Waiter.WatchUntilReady(resources, timeout)
	if err == nil {
		return nil
	}
	for _, info := range resources {
		switch info.Mapping.GroupVersionKind.Kind {
		case "Job":
			w.op.keepLines(info.Namespace, metav1.ListOptions{LabelSelector: batch.JobNameLabel + "=" + info.Name}, "job-name="+info.Name)
		case "Pod":
			w.op.keepLines(info.Namespace, metav1.ListOptions{FieldSelector: "metadata.name=" + info.Name}, "")
		}
	}
	return err
}

// stillThere is how Helm's waiter says that an object has not gone.
const stillThere = "still exists. status: "

// WaitForDelete asks Helm's waiter again as long as objects are there and there is time. That one takes an object whose
// status it has not heard yet for one that is gone (statusObserver in pkg/kube/statuswait.go), so it may end with the first
// that goes.
func (w *listeningWaiter) WaitForDelete(resources kube.ResourceList, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		err := w.Waiter.WaitForDelete(resources, time.Until(deadline))
		early := err != nil && strings.Contains(err.Error(), stillThere) && time.Now().Before(deadline)
		if !early || w.op.ctx.Err() != nil {
			return err
		}
	}
}

// keepLines reads the last lines of the newest of some pods. That they cannot be had is no reason to hide the failure.
func (op *operation) keepLines(namespace string, which metav1.ListOptions, oldLabel string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(op.ctx), hookLogTime)
	defer cancel()
	client, err := op.configuration.KubernetesClientSet()
	if err != nil {
		return
	}
	pods := client.CoreV1().Pods(namespace)
	found, err := pods.List(ctx, which)
	if err == nil && len(found.Items) == 0 && oldLabel != "" {
		found, err = pods.List(ctx, metav1.ListOptions{LabelSelector: oldLabel})
	}
	if err != nil || len(found.Items) == 0 {
		return
	}
	newest := found.Items[0]
	for _, pod := range found.Items {
		if pod.CreationTimestamp.After(newest.CreationTimestamp.Time) {
			newest = pod
		}
	}
	container := failedContainer(&newest)
	tail, limit := int64(hookLines), int64(hookLogBytes)
	log, err := pods.GetLogs(newest.Name, &core.PodLogOptions{Container: container, TailLines: &tail, LimitBytes: &limit}).Stream(ctx)
	if err != nil {
		return
	}
	defer log.Close()
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, hookLogBytes)
	for lines.Scan() {
		if line := strings.TrimRight(lines.Text(), "\r "); line != "" {
			op.hookLines = append(op.hookLines, line)
		}
	}
}

// failedContainer is the container of a pod that ended with an error, or its first.
func failedContainer(pod *core.Pod) string {
	for _, status := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
			return status.Name
		}
	}
	if len(pod.Spec.Containers) == 0 {
		return ""
	}
	return pod.Spec.Containers[0].Name
}
