package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"helm.sh/helm/v4/pkg/action"
	releasei "helm.sh/helm/v4/pkg/release"
	release "helm.sh/helm/v4/pkg/release/v1"
)

const (
	defaultTimeout    = 10 * time.Minute
	defaultHistoryMax = 5
	// settleTimeout bounds the repair of a release record after its operation failed or was stopped.
	settleTimeout = 10 * time.Second
)

// operation is one request under way, with Helm configured for it.
type operation struct {
	request       *request
	ctx           context.Context
	session       *session
	configuration *action.Configuration
	// last is the newest revision when the operation began, nil when the release is absent.
	last *release.Release
	// hookLines are the last lines of a hook that failed.
	hookLines []string
	// recovered is the number of an interrupted revision that was settled first.
	recovered int
}

// executor carries operations out. Tests replace configure to go without a cluster.
type executor struct {
	connections *connections
	locks       *releaseLocks
	configure   func(*session) (*action.Configuration, error)
}

func newExecutor() *executor {
	return &executor{
		connections: newConnections(),
		locks:       newReleaseLocks(),
		configure:   (*session).configuration,
	}
}

// execute runs one request to its end. It returns only when nothing of the operation runs any more.
func (e *executor) execute(ctx context.Context, r *request) (any, error) {
	timeout := defaultTimeout
	if r.TimeoutMS > 0 {
		timeout = time.Duration(r.TimeoutMS) * time.Millisecond
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout,
		fmt.Errorf("%s of release %q took longer than %s: %w", r.Op, r.Release, timeout, context.DeadlineExceeded))
	defer cancel()
	switch r.Op {
	case opPing:
		return ping(), nil
	case opRender:
		return render(ctx, r)
	case opNeeds:
		return r.Chart.needs()
	case opCheck:
		return e.read(ctx, r, (*operation).check)
	case opUpgrade:
		return e.write(ctx, r, (*operation).upgrade)
	case opRollback:
		return e.write(ctx, r, (*operation).rollback)
	case opUninstall:
		return e.write(ctx, r, (*operation).uninstall)
	case opRecover:
		return e.write(ctx, r, (*operation).recover)
	case opStatus:
		return e.read(ctx, r, (*operation).status)
	case opHistory:
		return e.read(ctx, r, (*operation).history)
	case opList:
		return e.read(ctx, r, (*operation).list)
	default:
		return nil, permanent("request-invalid", fmt.Sprintf("unknown operation %q", r.Op))
	}
}

// begin configures Helm for one attempt at the request.
func (e *executor) begin(ctx context.Context, r *request) (*operation, error) {
	where, err := e.connections.to(r.Cluster)
	if err != nil {
		return nil, err
	}
	opened := &session{connection: where, ctx: ctx, namespace: r.Namespace, warnings: &warnings{}}
	configuration, err := e.configure(opened)
	if err != nil {
		return nil, err
	}
	if r.Lookup {
		configuration.CustomTemplateFuncs = opened.openFunctions(!r.NamespacedOnly)
	}
	return &operation{request: r, ctx: ctx, session: opened, configuration: configuration}, nil
}

func (e *executor) read(ctx context.Context, r *request, run func(*operation) (any, error)) (any, error) {
	if r.Namespace == "" && r.Op != opList {
		return nil, permanent("request-invalid", "namespace expected")
	}
	op, err := e.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	result, err := run(op)
	return result, ended(ctx, err)
}

// write holds the release while it runs, settles what an earlier writer left behind, and leaves the
// release settled whatever happens.
func (e *executor) write(ctx context.Context, r *request, run func(*operation) (any, error)) (any, error) {
	if r.Namespace == "" || r.Release == "" {
		return nil, permanent("request-invalid", "namespace and release expected")
	}
	key := strings.Join([]string{r.Cluster.Kubeconfig, r.Cluster.Context, r.Namespace, r.Release}, "\x00")
	unlock, err := e.locks.acquire(ctx, key)
	if err != nil {
		return nil, err
	}
	defer unlock()

	result, err := e.attempt(ctx, r, run)
	if err != nil && ctx.Err() == nil && meta.IsNoMatchError(err) {
		// The kind may have been added since the API was discovered. Helm looks kinds up before it writes.
		if where, connectErr := e.connections.to(r.Cluster); connectErr == nil {
			where.forget()
			result, err = e.attempt(ctx, r, run)
		}
	}
	if err != nil {
		e.settleAfter(ctx, r, err)
	}
	return result, ended(ctx, err)
}

func (e *executor) attempt(ctx context.Context, r *request, run func(*operation) (any, error)) (any, error) {
	op, err := e.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := op.settle(); err != nil {
		return nil, err
	}
	result, err := run(op)
	if err != nil && len(op.hookLines) > 0 {
		failed := *classify(err)
		failed.LastLines = op.hookLines
		err = &failed
	}
	return result, err
}

// settleAfter repairs the record of a release whose operation failed, with requests of its own because
// those of the operation may have been stopped.
func (e *executor) settleAfter(ctx context.Context, r *request, cause error) {
	if r.RefusePending && classify(cause).Code == "release-busy" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	op, err := e.begin(ctx, r)
	if err == nil {
		op.request = &request{Release: r.Release, Namespace: r.Namespace}
		err = op.settle()
	}
	if err != nil {
		slog.Warn("the release is left as it is; the next operation on it settles it",
			"release", r.Release, "namespace", r.Namespace, "error", err)
	}
}

// ended gives the cause when the operation was stopped, whatever Helm made of it.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		cause := context.Cause(ctx)
		if errors.Is(err, cause) {
			return cause
		}
		return fmt.Errorf("%w (%s)", cause, err)
	}
	return err
}

func asRelease(value releasei.Releaser) (*release.Release, error) {
	switch known := value.(type) {
	case *release.Release:
		return known, nil
	case release.Release:
		return &known, nil
	default:
		return nil, fmt.Errorf("a release record of type %T is not known to this version", value)
	}
}
