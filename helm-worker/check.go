package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// maxRecord is what a Secret holds, but for the labels and what the outcome of hooks adds.
const maxRecord = 1<<20 - 16<<10

// check renders a release as an upgrade would and refuses what must not be, before anything changes: objects outside
// the namespace, hooks and custom resource definitions included, and a record that no Secret could hold.
func (op *operation) check() (any, error) {
	chart, err := op.request.Chart.load()
	if err != nil {
		return nil, err
	}
	if op.request.NamespacedOnly {
		for _, crd := range chart.CRDObjects() {
			if err := op.permit("CustomResourceDefinition", crd.Filename, "", false); err != nil {
				return nil, err
			}
		}
	}
	values, err := op.request.mergedValues()
	if err != nil {
		return nil, err
	}
	if op.last, err = op.newest(); err != nil {
		return nil, err
	}
	if op.configuration.Capabilities == nil {
		if op.configuration.Capabilities, err = op.session.connection.knownCapabilities(); err != nil {
			return nil, err
		}
	}
	op.configuration.KubeClient = &blindClient{op.configuration.KubeClient}
	install := op.installer(chart)
	install.DryRunStrategy = action.DryRunServer
	install.IsUpgrade = op.last != nil
	done, err := install.RunWithContext(op.ctx, chart, values)
	if err != nil {
		return nil, err
	}
	rendered, err := asRelease(done)
	if err != nil {
		return nil, err
	}
	return op.verdict(rendered)
}

func (op *operation) verdict(rendered *release.Release) (any, error) {
	manifests := []string{rendered.Manifest}
	for _, hook := range rendered.Hooks {
		manifests = append(manifests, hook.Manifest)
	}
	if op.request.NamespacedOnly {
		for _, manifest := range manifests {
			if err := op.permitManifest(manifest); err != nil {
				return nil, err
			}
		}
	}
	size, err := recordBytes(rendered)
	if err != nil {
		return nil, err
	}
	if size > maxRecord {
		return nil, permanent("release-too-large", fmt.Sprintf(
			"the record of the release would have %d bytes, and a Secret takes 1 MiB: chart, values and manifest are in it; "+
				"leave files out of the chart with .helmignore, or split it", size))
	}
	return checked{
		Objects:     objectsOf(rendered.Manifest, op.request.Namespace),
		RecordBytes: size,
		Warnings:    op.session.warnings.list(),
	}, nil
}

// permitManifest refuses objects by what discovery says of their kinds. A kind that is not known yet is left to the
// upgrade, which looks again.
func (op *operation) permitManifest(manifest string) error {
	mapper, err := op.session.ToRESTMapper()
	if err != nil {
		return err
	}
	for _, document := range releaseutil.SplitManifests(manifest) {
		var head manifestHead
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			return permanent("manifest-invalid", err.Error())
		}
		for _, each := range append(head.Items, head) {
			if each.Kind == "" || len(each.Items) > 0 {
				continue
			}
			kind := schema.FromAPIVersionAndKind(each.APIVersion, each.Kind)
			mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
			if meta.IsNoMatchError(err) {
				continue
			}
			if err != nil {
				return err
			}
			namespace := each.Metadata.Namespace
			if namespace == "" {
				namespace = op.request.Namespace
			}
			namespaced := mapping.Scope.Name() == meta.RESTScopeNameNamespace
			if err := op.permit(each.Kind, each.Metadata.Name, namespace, namespaced); err != nil {
				return err
			}
		}
	}
	return nil
}

// manifestHead is what names an object, or a list of them.
type manifestHead struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Items []manifestHead `json:"items"`
}

// recordBytes is the size of a release as Helm's storage writes it into a Secret.
func recordBytes(r *release.Release) (int, error) {
	var packed bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	if err := json.NewEncoder(zipped).Encode(r); err != nil {
		return 0, err
	}
	if err := zipped.Close(); err != nil {
		return 0, err
	}
	return base64.StdEncoding.EncodedLen(packed.Len()), nil
}

// blindClient makes nothing of a manifest: a check goes by what was rendered.
type blindClient struct {
	kube.Interface
}

func (c *blindClient) Build(io.Reader, bool) (kube.ResourceList, error) {
	return kube.ResourceList{}, nil
}
