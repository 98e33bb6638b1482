package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"text/template"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"helm.sh/helm/v4/pkg/action"
)

// session is one operation's view of a cluster. Its requests end when the operation's context ends, so
// that Helm, which cannot be stopped, comes to an end by itself and is waited for.
type session struct {
	connection *connection
	ctx        context.Context
	namespace  string
	warnings   *warnings
}

func (s *session) ToRESTConfig() (*rest.Config, error) {
	config := rest.CopyConfig(s.connection.config)
	config.WarningHandler = s.warnings
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &boundTransport{ctx: s.ctx, next: next}
	})
	return config, nil
}

func (s *session) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return s.connection.discovery, nil
}

func (s *session) ToRESTMapper() (meta.RESTMapper, error) {
	return restmapper.NewShortcutExpander(s.connection.mapper, s.connection.discovery, nil), nil
}

func (s *session) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	overrides := &clientcmd.ConfigOverrides{
		CurrentContext: s.connection.context,
		Context:        clientcmdapi.Context{Namespace: s.namespace},
	}
	return clientcmd.NewDefaultClientConfig(*s.connection.loaded, overrides)
}

// configuration is Helm's own, made afresh for the operation.
func (s *session) configuration() (*action.Configuration, error) {
	configuration := action.NewConfiguration(action.ConfigurationSetLogger(slog.Default().Handler()))
	if err := configuration.Init(s, s.namespace, "secret"); err != nil {
		return nil, err
	}
	configuration.CustomTemplateFuncs = closedFunctions()
	return configuration, nil
}

// closedFunctions replace what would let a template read the cluster. Helm itself removes `env` and
// `expandenv`, and answers `getHostByName` with nothing unless DNS is enabled, which it never is here.
func closedFunctions() template.FuncMap {
	return template.FuncMap{
		"lookup": func(_, _, _, _ string) (map[string]any, error) { return map[string]any{}, nil },
	}
}

// boundTransport ends every request when the operation ends.
type boundTransport struct {
	ctx  context.Context
	next http.RoundTripper
}

func (t *boundTransport) RoundTrip(outgoing *http.Request) (*http.Response, error) {
	if t.ctx.Err() != nil {
		return nil, context.Cause(t.ctx)
	}
	ctx, cancel := context.WithCancelCause(outgoing.Context())
	stop := context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })
	answer, err := t.next.RoundTrip(outgoing.WithContext(ctx))
	if err != nil {
		stop()
		if t.ctx.Err() != nil {
			err = context.Cause(t.ctx)
		}
		cancel(nil)
		return nil, err
	}
	answer.Body = &boundBody{ReadCloser: answer.Body, release: func() { stop(); cancel(nil) }}
	return answer, nil
}

// WrappedRoundTripper lets client-go find the transport below this one.
func (t *boundTransport) WrappedRoundTripper() http.RoundTripper { return t.next }

type boundBody struct {
	io.ReadCloser
	release func()
}

func (b *boundBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

// warnings collects what the API server warns of, once each.
type warnings struct {
	mutex    sync.Mutex
	messages []string
}

func (w *warnings) HandleWarningHeader(code int, _ string, message string) {
	const miscellaneous = 299
	if code == miscellaneous && message != "" {
		w.add(message)
	}
}

func (w *warnings) add(message string) {
	const enough = 20
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(w.messages) < enough && !slices.Contains(w.messages, message) {
		w.messages = append(w.messages, message)
	}
}

func (w *warnings) list() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.messages)
}
