package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

func describe(r *release.Release, withManifest bool) revision {
	result := revision{
		Name:      r.Name,
		Namespace: r.Namespace,
		Revision:  r.Version,
		Labels:    r.Labels,
	}
	if r.Info != nil {
		result.Status = r.Info.Status.String()
		result.Description = r.Info.Description
		result.RollbackRevision = r.Info.RollbackRevision
		result.FirstDeployed = r.Info.FirstDeployed.UTC()
		result.LastDeployed = r.Info.LastDeployed.UTC()
	}
	if r.Chart != nil && r.Chart.Metadata != nil {
		result.Chart = r.Chart.Metadata.Name
		result.ChartVersion = r.Chart.Metadata.Version
		result.AppVersion = r.Chart.Metadata.AppVersion
	}
	if withManifest {
		result.Manifest = r.Manifest
	}
	return result
}

// objectsOf lists the objects of a manifest in its order. The namespace is the manifest's, or the release's.
func objectsOf(manifest, namespace string) []object {
	documents := releaseutil.SplitManifests(manifest)
	keys := make([]string, 0, len(documents))
	for key := range documents {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b) // manifest-2 before manifest-10
		}
		return strings.Compare(a, b)
	})
	objects := make([]object, 0, len(keys))
	for _, key := range keys {
		var head manifestHead
		if yaml.Unmarshal([]byte(documents[key]), &head) != nil || head.Kind == "" {
			continue
		}
		if head.Metadata.Namespace == "" {
			head.Metadata.Namespace = namespace
		}
		objects = append(objects, object{
			APIVersion: head.APIVersion,
			Kind:       head.Kind,
			Namespace:  head.Metadata.Namespace,
			Name:       head.Metadata.Name,
		})
	}
	return objects
}

func ping() pong {
	return pong{Protocol: protocolVersion, Helm: helmVersion(), Go: runtime.Version(), PID: os.Getpid()}
}

// helmVersion is the version of Helm's module that this program was built with.
func helmVersion() string {
	build, known := debug.ReadBuildInfo()
	if !known {
		return "unknown"
	}
	for _, module := range build.Deps {
		if module.Path == "helm.sh/helm/v4" {
			return module.Version
		}
	}
	return "unknown"
}
