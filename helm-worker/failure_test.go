package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"helm.sh/helm/v4/pkg/storage/driver"
)

func TestFailuresAreClassified(t *testing.T) {
	secrets := schema.GroupResource{Resource: "secrets"}
	refusedConnection := &url.Error{Op: "Get", URL: "https://127.0.0.1:6443/version",
		Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	for _, each := range []struct {
		err        error
		kind, code string
	}{
		{errCanceled, kindCanceled, "canceled"},
		{fmt.Errorf("upgrade took longer: %w", context.DeadlineExceeded), kindRetry, "timeout"},
		{driver.ErrReleaseNotFound, kindPermanent, "release-not-found"},
		{driver.ErrReleaseExists, kindRetry, "release-busy"},
		{errors.New("another operation (install/upgrade/rollback) is in progress"), kindRetry, "release-busy"},
		{fmt.Errorf("build: %w", &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "Widget"}}), kindPermanent, "kind-unknown"},
		{fmt.Errorf("cluster: %w", refusedConnection), kindRetry, "cluster-unreachable"},
		{apierrors.NewUnauthorized("no"), kindPermanent, "cluster-unauthorized"},
		{apierrors.NewForbidden(secrets, "a", errors.New("rbac")), kindPermanent, "cluster-forbidden"},
		{apierrors.NewForbidden(secrets, "a", errors.New("exceeded quota: q")), kindPermanent, "quota-exceeded"},
		{apierrors.NewForbidden(secrets, "a", errors.New("namespace x is being terminated")), kindRetry, "namespace-terminating"},
		{apierrors.NewConflict(secrets, "a", errors.New("changed")), kindRetry, "conflict"},
		{apierrors.NewTooManyRequests("slow down", 1), kindRetry, "cluster-unavailable"},
		{apierrors.NewInternalError(errors.New("etcd")), kindRetry, "cluster-unavailable"},
		{apierrors.NewBadRequest("unknown field"), kindPermanent, "manifest-invalid"},
		{apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop"), kindPermanent, "namespace-not-found"},
		{errors.New("values don't meet the specifications of the schema(s)"), kindPermanent, "values-invalid"},
		{errors.New("something new"), kindPermanent, "helm-failed"},
	} {
		found := classify(fmt.Errorf("wrapped: %w", each.err))
		if found.Kind != each.kind || found.Code != each.code {
			t.Errorf("%v: %s %s, expected %s %s", each.err, found.Kind, found.Code, each.kind, each.code)
		}
	}
}
