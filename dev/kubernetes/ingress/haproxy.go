package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// haproxy writes HAProxy's configuration and has it reloaded.
type haproxy struct {
	listen, base, output, socket string
	applied                      string // The configuration that HAProxy was last told to load.
}

// apply makes HAProxy serve the table. Nothing is done if it does already.
func (h *haproxy) apply(ctx context.Context, wanted table) error {
	text := h.render(wanted)
	if text == h.applied {
		return nil
	}
	if err := h.install(ctx, text); err != nil {
		return err
	}
	if err := h.reload(); err != nil {
		return err
	}
	h.applied = text
	return nil
}

// write puts the configuration in place, unchecked and without a reload.
func (h *haproxy) write(wanted table) error {
	return replace(h.output, h.render(wanted))
}

// install checks the configuration with HAProxy itself before it replaces the one in force.
func (h *haproxy) install(ctx context.Context, text string) error {
	candidate := h.output + ".candidate"
	if err := os.WriteFile(candidate, []byte(text), 0o600); err != nil {
		return err
	}
	check, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	said, err := exec.CommandContext(check, "haproxy", "-c", "-q", "-f", h.base, "-f", candidate).CombinedOutput()
	if err != nil {
		return fmt.Errorf("HAProxy refuses the configuration %s: %w: %s", candidate, err, said)
	}
	return os.Rename(candidate, h.output)
}

// reload asks HAProxy's master process for new workers; the old ones finish what they have.
func (h *haproxy) reload() error {
	connection, err := net.DialTimeout("unix", h.socket, time.Second)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := connection.Write([]byte("reload\n")); err != nil {
		return err
	}
	// The master closes the connection when it starts the reload.
	_, err = io.ReadAll(connection)
	return err
}

// replace writes a file by way of a temporary one.
func replace(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// render writes the table in HAProxy's words.
func (h *haproxy) render(wanted table) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Written by the ingress controller at each change.\n")
	fmt.Fprintf(&out, "frontend ingress\n  mode http\n  bind %s\n  monitor-uri /.well-known/slipway-dev/health\n  option forwardfor\n", h.listen)
	// A process that a reload replaces lets each connection have one more answer, and says in it that it closes: a client that has
	// just sent a request on an idle one loses nothing.
	fmt.Fprintf(&out, "  option idle-close-on-response\n")
	fmt.Fprintf(&out, "  http-request set-header X-Forwarded-Proto http\n")
	fmt.Fprintf(&out, "  http-request set-header X-Forwarded-Host %%[req.hdr(host)]\n")
	fmt.Fprintf(&out, "  http-request set-var(txn.host) req.hdr(host),field(1,:),lower\n")
	for _, one := range wanted.rules {
		host := ""
		if one.host != "" {
			host = fmt.Sprintf("{ var(txn.host) -m %s } ", matchHost(one.host))
		}
		for _, path := range matchPath(one) {
			fmt.Fprintf(&out, "  use_backend %s if %s{ path -m %s }\n", one.backend, host, path)
		}
	}
	fmt.Fprintf(&out, "  default_backend unmatched\n\n")
	fmt.Fprintf(&out, "backend unmatched\n  mode http\n")
	fmt.Fprintf(&out, "  http-request return status 404 content-type text/plain string \"no Ingress has this host and path\\n\"\n")
	for _, one := range wanted.backends {
		fmt.Fprintf(&out, "\nbackend %s\n  mode http\n  balance roundrobin\n", one.name)
		if len(one.servers) == 0 {
			fmt.Fprintf(&out, "  http-request return status 503 content-type text/plain string \"no endpoint of %s is ready\\n\"\n", one.name)
		}
		for number, server := range one.servers {
			fmt.Fprintf(&out, "  server s%d %s\n", number, server)
		}
	}
	return out.String()
}

func matchHost(host string) string {
	if rest, wildcard := strings.CutPrefix(host, "*"); wildcard {
		return fmt.Sprintf("reg '^[^.]+%s$'", regexp.QuoteMeta(rest))
	}
	return fmt.Sprintf("str '%s'", host)
}

// matchPath gives the matches of a rule: a prefix matches whole elements of a path.
func matchPath(r rule) []string {
	if r.exact {
		return []string{fmt.Sprintf("str '%s'", r.path)}
	}
	prefix := strings.TrimRight(r.path, "/")
	if prefix == "" {
		return []string{"beg '/'"}
	}
	return []string{fmt.Sprintf("str '%s'", prefix), fmt.Sprintf("beg '%s/'", prefix)}
}
