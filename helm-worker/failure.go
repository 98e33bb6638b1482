package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"helm.sh/helm/v4/pkg/storage/driver"
)

// Kinds of failure: whether the same request can succeed later, cannot, or was stopped on purpose.
const (
	kindRetry     = "retry"
	kindPermanent = "permanent"
	kindCanceled  = "canceled"
)

// failure is the error half of an answer.
type failure struct {
	Kind    string `json:"kind"`
	Code    string `json:"code"`
	Message string `json:"message"`
	// LastLines are the log of a hook that failed.
	LastLines []string `json:"last_lines,omitempty"`
}

func (f *failure) Error() string { return f.Code + ": " + f.Message }

func permanent(code, message string) *failure {
	return &failure{Kind: kindPermanent, Code: code, Message: message}
}

func retryable(code, message string) *failure {
	return &failure{Kind: kindRetry, Code: code, Message: message}
}

// errCanceled is the cause of a context that a `cancel` request ended.
var errCanceled = errors.New("canceled by request")

// classify turns any error of an operation into a failure. By type where Helm keeps the type, by its
// words where it does not.
func classify(err error) *failure {
	var known *failure
	if errors.As(err, &known) {
		return known
	}
	message := err.Error()
	switch {
	case errors.Is(err, errCanceled):
		return &failure{Kind: kindCanceled, Code: "canceled", Message: message}
	case errors.Is(err, context.DeadlineExceeded):
		return retryable("timeout", message)
	case errors.Is(err, driver.ErrReleaseNotFound):
		return permanent("release-not-found", message)
	case errors.Is(err, driver.ErrReleaseExists):
		return retryable("release-busy", message)
	case meta.IsNoMatchError(err):
		return permanent("kind-unknown", message)
	}
	if found := classifyStatus(err, message); found != nil {
		return found
	}
	if found := classifyNetwork(err, message); found != nil {
		return found
	}
	return classifyWords(message)
}

// classifyStatus reads the reason that the API server gave.
func classifyStatus(err error, message string) *failure {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return nil
	}
	switch {
	case apierrors.IsUnauthorized(err):
		return permanent("cluster-unauthorized", message)
	case apierrors.IsForbidden(err) && strings.Contains(message, "exceeded quota"):
		return permanent("quota-exceeded", message)
	case apierrors.IsForbidden(err) && strings.Contains(message, "is being terminated"):
		return retryable("namespace-terminating", message)
	case apierrors.IsForbidden(err):
		return permanent("cluster-forbidden", message)
	case apierrors.IsConflict(err):
		return retryable("conflict", message)
	case apierrors.IsTooManyRequests(err), apierrors.IsServerTimeout(err), apierrors.IsTimeout(err),
		apierrors.IsServiceUnavailable(err), apierrors.IsInternalError(err), apierrors.IsUnexpectedServerError(err):
		return retryable("cluster-unavailable", message)
	case apierrors.IsRequestEntityTooLargeError(err), strings.Contains(message, "data: Too long"):
		return permanent("release-too-large", message)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return permanent("manifest-invalid", message)
	case apierrors.IsNotFound(err) && strings.Contains(message, "namespaces"):
		return permanent("namespace-not-found", message)
	case apierrors.IsAlreadyExists(err):
		return permanent("object-exists", message)
	default:
		return nil
	}
}

// classifyNetwork tells a cluster that does not answer from one whose certificate is wrong.
func classifyNetwork(err error, message string) *failure {
	var unknownAuthority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	if errors.As(err, &unknownAuthority) || errors.As(err, &hostname) || errors.As(err, &invalid) {
		return permanent("cluster-certificate", message)
	}
	var network net.Error
	var address *url.Error
	if errors.As(err, &network) || errors.As(err, &address) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) {
		return retryable("cluster-unreachable", message)
	}
	return nil
}

// wordings are errors that Helm makes from text alone, so only their words tell them apart.
var wordings = []struct{ words, kind, code string }{
	{"another operation (install/upgrade/rollback) is in progress", kindRetry, "release-busy"},
	{"cluster unreachable", kindRetry, "cluster-unreachable"},
	{"cannot reuse a name that is still in use", kindRetry, "release-busy"},
	{"invalid ownership metadata", kindPermanent, "object-not-owned"},
	{"no matches for kind", kindPermanent, "kind-unknown"},
	{"values don't meet the specifications of the schema", kindPermanent, "values-invalid"},
	{"missing in charts/ directory", kindPermanent, "chart-dependencies-missing"},
	{"chart requires kubeVersion", kindPermanent, "kubernetes-too-old"},
	{"hooks failed", kindPermanent, "hook-failed"},
	{"failed pre-delete", kindPermanent, "hook-failed"},
	{"failed post-delete", kindPermanent, "hook-failed"},
	{"failed pre-install", kindPermanent, "hook-failed"},
	{"failed post-install", kindPermanent, "hook-failed"},
	{"release has no", kindPermanent, "revision-not-found"},
	{"rendering template failed", kindPermanent, "template-failed"},
	{"execution error at", kindPermanent, "template-failed"},
	{"error calling", kindPermanent, "template-failed"},
	{"parse error at", kindPermanent, "template-failed"},
	{"template:", kindPermanent, "template-failed"},
	{"executing \"", kindPermanent, "template-failed"},
	{"YAML parse error", kindPermanent, "manifest-invalid"},
	{"error validating", kindPermanent, "manifest-invalid"},
	{"unable to build kubernetes objects", kindPermanent, "manifest-invalid"},
	{"release name", kindPermanent, "release-name-invalid"},
	{"system reserved label", kindPermanent, "label-invalid"},
}

func classifyWords(message string) *failure {
	for _, wording := range wordings {
		if strings.Contains(message, wording.words) {
			return &failure{Kind: wording.kind, Code: wording.code, Message: message}
		}
	}
	return permanent("helm-failed", message)
}
