package main

import (
	"fmt"
	"text/template"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// ownLabel is on the Secrets that Slipway puts beside releases; templates do not see them.
const ownLabel = "slipway.dev/environment"

// openFunctions let templates look up what is in the release's namespace, and anything with `everywhere`.
func (s *session) openFunctions(everywhere bool) template.FuncMap {
	return template.FuncMap{
		"lookup": func(apiVersion, kind, namespace, name string) (map[string]any, error) {
			return s.lookup(everywhere, apiVersion, kind, namespace, name)
		},
	}
}

// lookup answers as Helm's does: an object, a list, or nothing. What may not be seen is nothing too, and a warning.
func (s *session) lookup(everywhere bool, apiVersion, kind, namespace, name string) (map[string]any, error) {
	mapper, err := s.ToRESTMapper()
	if err != nil {
		return nil, err
	}
	wanted := schema.FromAPIVersionAndKind(apiVersion, kind)
	mapping, err := mapper.RESTMapping(wanted.GroupKind(), wanted.Version)
	if err != nil {
		return nil, fmt.Errorf("lookup of %s %s: %w", apiVersion, kind, err)
	}
	namespaced := mapping.Scope.Name() == meta.RESTScopeNameNamespace
	if !everywhere && (!namespaced || namespace != s.namespace) {
		s.warnings.add(fmt.Sprintf("lookup of %s %q in namespace %q was answered with nothing: "+
			"templates see the namespace %q alone unless allowClusterWideResources is set", kind, name, namespace, s.namespace))
		return map[string]any{}, nil
	}
	config, err := s.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	var objects dynamic.ResourceInterface = client.Resource(mapping.Resource)
	if namespaced && namespace != "" {
		objects = client.Resource(mapping.Resource).Namespace(namespace)
	}
	found, err := s.find(objects, name)
	if apierrors.IsNotFound(err) {
		return map[string]any{}, nil
	}
	return found, err
}

func (s *session) find(objects dynamic.ResourceInterface, name string) (map[string]any, error) {
	if name != "" {
		found, err := objects.Get(s.ctx, name, metav1.GetOptions{})
		if err != nil {
			return map[string]any{}, err
		}
		if isOwnSecret(found) {
			return map[string]any{}, nil
		}
		return found.UnstructuredContent(), nil
	}
	listed, err := objects.List(s.ctx, metav1.ListOptions{})
	if err != nil {
		return map[string]any{}, err
	}
	seen := listed.Items[:0]
	for _, item := range listed.Items {
		if !isOwnSecret(&item) {
			seen = append(seen, item)
		}
	}
	listed.Items = seen
	return listed.UnstructuredContent(), nil
}

// isOwnSecret tells whether a Secret holds variables or the pull credential: looked up, they would come to be in
// the release's record.
func isOwnSecret(found *unstructured.Unstructured) bool {
	_, labeled := found.GetLabels()[ownLabel]
	return found.GetKind() == "Secret" && labeled
}
