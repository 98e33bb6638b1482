package main

import (
	"context"
	"log/slog"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
)

// render answers with the manifests that a release would have, without a cluster.
func render(ctx context.Context, r *request) (any, error) {
	chart, err := r.Chart.load()
	if err != nil {
		return nil, err
	}
	configuration := action.NewConfiguration(action.ConfigurationSetLogger(slog.Default().Handler()))
	configuration.CustomTemplateFuncs = closedFunctions()
	install := action.NewInstall(configuration)
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName = r.Release
	install.Namespace = r.Namespace
	install.DisableOpenAPIValidation = true
	install.SkipSchemaValidation = hasForeignReference(chart)
	install.APIVersions = r.APIVersions
	if r.KubernetesVersion != "" {
		version, err := common.ParseKubeVersion(r.KubernetesVersion)
		if err != nil {
			return nil, permanent("request-invalid", "kubernetes_version: "+err.Error())
		}
		install.KubeVersion = version
	}
	values, err := r.mergedValues()
	if err != nil {
		return nil, err
	}
	done, err := install.RunWithContext(ctx, chart, values)
	if err != nil {
		return nil, err
	}
	result, err := asRelease(done)
	if err != nil {
		return nil, err
	}
	answer := rendered{
		Manifest: result.Manifest,
		Notes:    result.Info.Notes,
		Objects:  objectsOf(result.Manifest, r.Namespace),
	}
	for _, hook := range result.Hooks {
		answer.Hooks = append(answer.Hooks, hook.Manifest)
	}
	return answer, nil
}
