package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
)

// controllerName is what an IngressClass of ours has as spec.controller.
const controllerName = "slipway.dev/haproxy"

// watcher holds a copy of the objects that routes are made of.
type watcher struct {
	client    kubernetes.Interface
	factory   informers.SharedInformerFactory
	ingresses networkinglisters.IngressLister
	classes   networkinglisters.IngressClassLister
	services  corelisters.ServiceLister
	slices    discoverylisters.EndpointSliceLister
	changed   chan struct{}
}

func newWatcher(client kubernetes.Interface) *watcher {
	factory := informers.NewSharedInformerFactory(client, 0)
	return &watcher{
		client:    client,
		factory:   factory,
		ingresses: factory.Networking().V1().Ingresses().Lister(),
		classes:   factory.Networking().V1().IngressClasses().Lister(),
		services:  factory.Core().V1().Services().Lister(),
		slices:    factory.Discovery().V1().EndpointSlices().Lister(),
		changed:   make(chan struct{}, 1),
	}
}

// start begins to watch and returns when the first lists are here.
func (w *watcher) start(ctx context.Context) error {
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { w.wake() },
		UpdateFunc: func(any, any) { w.wake() },
		DeleteFunc: func(any) { w.wake() },
	}
	for _, informer := range []cache.SharedIndexInformer{
		w.factory.Networking().V1().Ingresses().Informer(),
		w.factory.Networking().V1().IngressClasses().Informer(),
		w.factory.Core().V1().Services().Informer(),
		w.factory.Discovery().V1().EndpointSlices().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	w.factory.Start(ctx.Done())
	for kind, synced := range w.factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return errors.Join(fmt.Errorf("%v could not be listed", kind), ctx.Err())
		}
	}
	return nil
}

// wake says that the table may have changed.
func (w *watcher) wake() {
	select {
	case w.changed <- struct{}{}:
	default: // It is said already.
	}
}

// ours are the Ingress objects of our class.
func (w *watcher) ours() []*networking.Ingress {
	all, err := w.ingresses.List(labels.Everything())
	if err != nil {
		panic(err) // A lister over a cache has nothing to fail on.
	}
	var ours []*networking.Ingress
	for _, ingress := range all {
		if ingress.Spec.IngressClassName == nil {
			continue // The API server fills in the default class.
		}
		class, err := w.classes.Get(*ingress.Spec.IngressClassName)
		if err == nil && class.Spec.Controller == controllerName {
			ours = append(ours, ingress)
		}
	}
	return ours
}

// table is the routing table for what the cluster holds now.
func (w *watcher) table() table {
	return routes(w.ours(), w.endpoints)
}

// endpoints are the ready addresses behind a port of a service; none if the service or the port does not exist.
func (w *watcher) endpoints(namespace string, backend networking.IngressServiceBackend) []string {
	service, err := w.services.Services(namespace).Get(backend.Name)
	if err != nil {
		return nil
	}
	name, found := portName(service, backend.Port)
	if !found {
		return nil
	}
	slices, err := w.slices.EndpointSlices(namespace).List(labels.SelectorFromSet(labels.Set{discovery.LabelServiceName: backend.Name}))
	if err != nil {
		panic(err) // A lister over a cache has nothing to fail on.
	}
	return readyAddresses(slices, name)
}

// publish writes our address into the status of each Ingress that lacks it.
func (w *watcher) publish(ctx context.Context, address string) {
	for _, ingress := range w.ours() {
		status := ingress.Status.LoadBalancer.Ingress
		if len(status) == 1 && status[0].IP == address {
			continue
		}
		fresh := ingress.DeepCopy()
		fresh.Status.LoadBalancer.Ingress = []networking.IngressLoadBalancerIngress{{IP: address}}
		// A conflict means that the object changed, and its change comes here again.
		if _, err := w.client.NetworkingV1().Ingresses(fresh.Namespace).UpdateStatus(ctx, fresh, meta.UpdateOptions{}); err != nil {
			slog.Warn("the status was not written", "ingress", fresh.Namespace+"/"+fresh.Name, "error", err)
		}
	}
}
