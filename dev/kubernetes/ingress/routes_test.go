package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func pointer[T any](value T) *T { return &value }

func target(service string) networking.IngressBackend {
	return networking.IngressBackend{Service: &networking.IngressServiceBackend{Name: service, Port: networking.ServiceBackendPort{Number: 80}}}
}

type path struct {
	path    string
	kind    networking.PathType
	service string
}

func ingress(name string, age time.Duration, host string, paths ...path) *networking.Ingress {
	rule := &networking.HTTPIngressRuleValue{}
	for _, one := range paths {
		rule.Paths = append(rule.Paths, networking.HTTPIngressPath{Path: one.path, PathType: &one.kind, Backend: target(one.service)})
	}
	return &networking.Ingress{
		ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: meta.NewTime(time.Unix(1e9, 0).Add(-age))},
		Spec:       networking.IngressSpec{Rules: []networking.IngressRule{{Host: host, IngressRuleValue: networking.IngressRuleValue{HTTP: rule}}}},
	}
}

func nothing(string, networking.IngressServiceBackend) []string { return nil }

// order tells the rules as "host path backend", in their order.
func order(result table) []string {
	var said []string
	for _, one := range result.rules {
		said = append(said, strings.Join([]string{one.host, one.path, one.backend}, " "))
	}
	return said
}

func expect(t *testing.T, got []string, wanted ...string) {
	t.Helper()
	if !slices.Equal(got, wanted) {
		t.Errorf("got\n  %s\nexpected\n  %s", strings.Join(got, "\n  "), strings.Join(wanted, "\n  "))
	}
}

func TestExactHostsComeBeforeWildcardsBeforeNone(t *testing.T) {
	expect(t, order(routes([]*networking.Ingress{
		ingress("any", 3, "", path{"/", networking.PathTypePrefix, "any"}),
		ingress("wild", 2, "*.example", path{"/", networking.PathTypePrefix, "wild"}),
		ingress("one", 1, "One.example", path{"/", networking.PathTypePrefix, "one"}),
	}, nothing)), "one.example / shop_one_80", "*.example / shop_wild_80", " / shop_any_80")
}

func TestLongPathsComeFirstAndExactOnesBeforePrefixes(t *testing.T) {
	expect(t, order(routes([]*networking.Ingress{ingress("web", 1, "a",
		path{"/", networking.PathTypePrefix, "front"},
		path{"/api", networking.PathTypePrefix, "prefix"},
		path{"/api", networking.PathTypeExact, "exact"},
		path{"/api/deep", networking.PathTypePrefix, "deep"},
	)}, nothing)), "a /api/deep shop_deep_80", "a /api shop_exact_80", "a /api shop_prefix_80", "a / shop_front_80")
}

func TestTheOlderIngressWinsForTheSameHostAndPath(t *testing.T) {
	expect(t, order(routes([]*networking.Ingress{
		ingress("young", time.Minute, "a", path{"/", networking.PathTypePrefix, "young"}),
		ingress("old", time.Hour, "a", path{"/", networking.PathTypePrefix, "old"}),
	}, nothing)), "a / shop_old_80", "a / shop_young_80")
}

func TestDefaultBackendsComeLast(t *testing.T) {
	with := ingress("web", 1, "", path{"/", networking.PathTypePrefix, "rule"})
	with.Spec.DefaultBackend = pointer(target("default"))
	expect(t, order(routes([]*networking.Ingress{with}, nothing)), " / shop_rule_80", " / shop_default_80")
}

func TestPathsThatCouldLeaveTheirQuotesAreLeftOut(t *testing.T) {
	for _, bad := range []string{"/a'", "/a b", "/a\nbackend x", "/a\\", "/a\"", "a"} {
		if rules := routes([]*networking.Ingress{ingress("web", 1, "a", path{bad, networking.PathTypePrefix, "x"})}, nothing).rules; len(rules) > 0 {
			t.Errorf("%q was routed: %v", bad, rules)
		}
	}
}

func TestAPrefixMatchesWholeElements(t *testing.T) {
	expect(t, matchPath(rule{path: "/api"}), "str '/api'", "beg '/api/'")
	expect(t, matchPath(rule{path: "/api/"}), "str '/api'", "beg '/api/'")
	expect(t, matchPath(rule{path: "/"}), "beg '/'")
	expect(t, matchPath(rule{path: "/api", exact: true}), "str '/api'")
}

func TestOnlyReadyEndpointsOfThePortAreUsed(t *testing.T) {
	slice := func(name string, port int32, ready *bool, addresses ...string) *discovery.EndpointSlice {
		return &discovery.EndpointSlice{
			AddressType: discovery.AddressTypeIPv4,
			Ports:       []discovery.EndpointPort{{Name: &name, Port: &port}},
			Endpoints:   []discovery.Endpoint{{Addresses: addresses, Conditions: discovery.EndpointConditions{Ready: ready}}},
		}
	}
	expect(t, readyAddresses([]*discovery.EndpointSlice{
		slice("http", 8080, pointer(true), "10.0.0.2"),
		slice("http", 8080, pointer(false), "10.0.0.3"),
		slice("http", 8080, nil, "10.0.0.1", "10.0.0.2"),
		slice("metrics", 9090, pointer(true), "10.0.0.2"),
	}, "http"), "10.0.0.1:8080", "10.0.0.2:8080")
}

func TestAServicePortIsFoundByNameOrNumber(t *testing.T) {
	service := &core.Service{Spec: core.ServiceSpec{Ports: []core.ServicePort{{Name: "http", Port: 80}, {Name: "metrics", Port: 90}}}}
	for _, one := range []struct {
		port  networking.ServiceBackendPort
		name  string
		found bool
	}{
		{networking.ServiceBackendPort{Number: 90}, "metrics", true},
		{networking.ServiceBackendPort{Name: "http"}, "http", true},
		{networking.ServiceBackendPort{Number: 91}, "", false},
		{networking.ServiceBackendPort{Name: "other"}, "", false},
	} {
		if name, found := portName(service, one.port); name != one.name || found != one.found {
			t.Errorf("%v: got %q %v, expected %q %v", one.port, name, found, one.name, one.found)
		}
	}
}
