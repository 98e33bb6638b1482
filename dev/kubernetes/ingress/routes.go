package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
)

// table is what HAProxy is to do.
type table struct {
	rules    []rule
	backends []backend
}

// rule sends a host and a path to a backend; the first rule that matches wins.
type rule struct {
	host    string // Empty: every host. "*.example.org": one label before it.
	path    string
	exact   bool
	backend string
}

// backend is the ready addresses behind a service's port.
type backend struct {
	name    string
	servers []string
}

// lookup finds the ready addresses behind a port of a service.
type lookup func(namespace string, backend networking.IngressServiceBackend) []string

// safePath is every path that can stand in HAProxy's strong quotes and means itself.
var safePath = regexp.MustCompile(`^/[A-Za-z0-9/._~%:@!$&()*+,;=-]*$`)

// routes orders the rules of ingresses and names their backends.
func routes(ingresses []*networking.Ingress, find lookup) table {
	ingresses = slices.Clone(ingresses)
	// Of two rules for the same host and path, the older object's wins.
	slices.SortFunc(ingresses, func(a, b *networking.Ingress) int {
		return cmp.Or(
			a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name),
		)
	})
	var result table
	known := map[string]bool{}
	add := func(ingress *networking.Ingress, host, path string, exact bool, target networking.IngressBackend) {
		if target.Service == nil {
			return // A resource backend: nothing here serves one.
		}
		if !safePath.MatchString(path) {
			slog.Warn("a path is left out: it has characters that are not routed here", "ingress", ingress.Namespace+"/"+ingress.Name, "path", path)
			return
		}
		name := backendName(ingress.Namespace, *target.Service)
		if !known[name] {
			known[name] = true
			result.backends = append(result.backends, backend{name, find(ingress.Namespace, *target.Service)})
		}
		result.rules = append(result.rules, rule{strings.ToLower(host), path, exact, name})
	}
	for _, ingress := range ingresses {
		for _, one := range ingress.Spec.Rules {
			if one.HTTP == nil {
				continue
			}
			for _, path := range one.HTTP.Paths {
				exact := path.PathType != nil && *path.PathType == networking.PathTypeExact
				add(ingress, one.Host, cmp.Or(path.Path, "/"), exact, path.Backend)
			}
		}
	}
	slices.SortStableFunc(result.rules, precedence)
	// Default backends come last, for what no rule matches.
	for _, ingress := range ingresses {
		if ingress.Spec.DefaultBackend != nil {
			add(ingress, "", "/", false, *ingress.Spec.DefaultBackend)
		}
	}
	slices.SortFunc(result.backends, func(a, b backend) int { return cmp.Compare(a.name, b.name) })
	return result
}

// precedence puts exact hosts before wildcards before none, then exact paths before prefixes, then long before short.
func precedence(a, b rule) int {
	return cmp.Or(
		cmp.Compare(hostRank(a.host), hostRank(b.host)),
		cmp.Compare(a.host, b.host),
		-cmp.Compare(len(a.path), len(b.path)),
		cmp.Compare(pathRank(a), pathRank(b)),
	)
}

func hostRank(host string) int {
	switch {
	case host == "":
		return 2
	case strings.HasPrefix(host, "*."):
		return 1
	default:
		return 0
	}
}

func pathRank(r rule) int {
	if r.exact {
		return 0
	}
	return 1
}

func backendName(namespace string, service networking.IngressServiceBackend) string {
	return fmt.Sprintf("%s_%s_%s", namespace, service.Name, cmp.Or(service.Port.Name, strconv.Itoa(int(service.Port.Number))))
}

// portName is the name by which the endpoint slices of a service know the port.
func portName(service *core.Service, wanted networking.ServiceBackendPort) (string, bool) {
	for _, port := range service.Spec.Ports {
		if (wanted.Name != "" && port.Name == wanted.Name) || (wanted.Name == "" && port.Port == wanted.Number) {
			return port.Name, true
		}
	}
	return "", false
}

// readyAddresses are the addresses of ready endpoints, sorted, each once.
func readyAddresses(all []*discovery.EndpointSlice, port string) []string {
	var addresses []string
	for _, slice := range all {
		if slice.AddressType != discovery.AddressTypeIPv4 {
			continue
		}
		for _, one := range slice.Ports {
			if one.Port == nil || (one.Name == nil && port != "") || (one.Name != nil && *one.Name != port) {
				continue
			}
			for _, endpoint := range slice.Endpoints {
				// Kubernetes says: unknown readiness counts as ready.
				if endpoint.Conditions.Ready != nil && !*endpoint.Conditions.Ready {
					continue
				}
				for _, address := range endpoint.Addresses {
					addresses = append(addresses, net.JoinHostPort(address, strconv.Itoa(int(*one.Port))))
				}
			}
		}
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}
