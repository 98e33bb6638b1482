package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"helm.sh/helm/v4/pkg/action"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/kube"
	releasei "helm.sh/helm/v4/pkg/release"
	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage/driver"
)

// userChartLabel is on the records of charts that are not Slipway's own: whose pods their pods are, no label says.
const userChartLabel = "slipway.dev/chart"

// Slipway applies on the server and takes fields back from whoever changed them: the deployed
// configuration is the truth. Helm remembers the method per release and moves old ones over.
const (
	applyOnServer = "true"
	takeFields    = true
)

// upgrade installs the release, or brings it to the chart and values of the request.
func (op *operation) upgrade() (any, error) {
	chart, err := op.request.Chart.load()
	if err != nil {
		return nil, err
	}
	if len(chart.CRDObjects()) == 0 {
		// With custom resource definitions in the chart Helm must discover anew after it has installed them.
		if op.configuration.Capabilities == nil {
			if op.configuration.Capabilities, err = op.session.connection.knownCapabilities(); err != nil {
				return nil, err
			}
		}
	}
	values, err := op.request.mergedValues()
	if err != nil {
		return nil, err
	}
	op.watchOver()
	var done releasei.Releaser
	if op.last == nil || op.last.Info.Status == common.StatusUninstalled {
		done, err = op.installer(chart).RunWithContext(context.WithoutCancel(op.ctx), chart, values)
	} else {
		done, err = op.upgrader(chart).RunWithContext(context.WithoutCancel(op.ctx), op.request.Release, chart, values)
	}
	if err != nil {
		return nil, err
	}
	result, err := asRelease(done)
	if err != nil {
		return nil, err
	}
	return op.recorded(result)
}

// recorded makes sure that the outcome is stored: Helm's install only logs when it is not.
func (op *operation) recorded(done *release.Release) (any, error) {
	if done.Version == 1 {
		stored, err := op.newest()
		if err != nil {
			return nil, err
		}
		if stored == nil || interrupted(stored) {
			if err := op.configuration.Releases.Update(done); err != nil {
				return nil, fmt.Errorf("record the installed release %q: %w", done.Name, err)
			}
		}
	}
	result := describe(done, op.request.WithManifest)
	result.Objects = objectsOf(done.Manifest, done.Namespace)
	result.Warnings = op.session.warnings.list()
	result.Recovered = op.recovered
	return result, nil
}

func (op *operation) installer(chart *chartv2.Chart) *action.Install {
	install := action.NewInstall(op.configuration)
	install.ReleaseName = op.request.Release
	install.Namespace = op.request.Namespace
	install.Replace = op.last != nil
	install.Timeout = op.remaining()
	install.WaitStrategy = kube.HookOnlyStrategy
	install.WaitOptions = op.waitOptions()
	install.ServerSideApply = true
	install.ForceConflicts = takeFields
	install.Labels = op.request.Labels
	install.Description = op.request.Description
	install.DisableOpenAPIValidation = op.request.DisableValidation
	install.SkipSchemaValidation = op.skipSchema(chart)
	install.HideNotes = true
	return install
}

func (op *operation) upgrader(chart *chartv2.Chart) *action.Upgrade {
	upgrade := action.NewUpgrade(op.configuration)
	upgrade.Namespace = op.request.Namespace
	upgrade.Install = true
	upgrade.Timeout = op.remaining()
	upgrade.WaitStrategy = kube.HookOnlyStrategy
	upgrade.WaitOptions = op.waitOptions()
	upgrade.ServerSideApply = applyOnServer
	upgrade.ForceConflicts = takeFields
	upgrade.ResetValues = true
	upgrade.MaxHistory = op.historyMax()
	upgrade.Labels = op.request.Labels
	upgrade.Description = op.request.Description
	upgrade.DisableOpenAPIValidation = op.request.DisableValidation
	upgrade.SkipSchemaValidation = op.skipSchema(chart)
	upgrade.HideNotes = true
	return upgrade
}

// rollback releases an earlier revision again: the one asked for, or the newest good one before the last.
func (op *operation) rollback() (any, error) {
	if op.last == nil {
		return nil, fmt.Errorf("release %q in namespace %q: %w", op.request.Release, op.request.Namespace, driver.ErrReleaseNotFound)
	}
	target, err := op.rollbackTarget()
	if err != nil {
		return nil, err
	}
	if op.last.Info.RollbackRevision == target && op.last.Info.Status == common.StatusDeployed {
		return op.recorded(op.last) // An earlier attempt at this rollback has succeeded.
	}
	op.watchOver()
	rollback := action.NewRollback(op.configuration)
	rollback.Version = target
	rollback.Timeout = op.remaining()
	rollback.WaitStrategy = kube.HookOnlyStrategy
	rollback.WaitOptions = op.waitOptions()
	rollback.ServerSideApply = applyOnServer
	rollback.ForceConflicts = takeFields
	rollback.MaxHistory = op.historyMax()
	rollback.Description = op.request.Description
	if err := rollback.Run(op.request.Release); err != nil {
		return nil, err
	}
	now, err := op.newest()
	if err != nil {
		return nil, err
	}
	if now == nil {
		return nil, fmt.Errorf("release %q is gone after its rollback: %w", op.request.Release, driver.ErrReleaseNotFound)
	}
	return op.recorded(now)
}

func (op *operation) rollbackTarget() (int, error) {
	if op.request.Revision > 0 {
		return op.request.Revision, nil
	}
	if earlier := op.last.Info.RollbackRevision; earlier > 0 {
		return earlier, nil // The last thing that happened is a rollback: the same one is meant, done or not.
	}
	history, err := op.revisions()
	if err != nil {
		return 0, err
	}
	for _, candidate := range history {
		status := candidate.Info.Status
		if candidate.Version < op.last.Version && (status == common.StatusSuperseded || status == common.StatusDeployed) {
			return candidate.Version, nil
		}
	}
	return 0, permanent("revision-not-found", fmt.Sprintf(
		"release %q has no good revision before %d to roll back to", op.request.Release, op.last.Version))
}

// uninstall removes the release; one that is not there is removed already.
func (op *operation) uninstall() (any, error) {
	result := uninstalled{Existed: op.last != nil, Recovered: op.recovered}
	if op.last == nil {
		return result, nil
	}
	op.watchOver()
	uninstall := action.NewUninstall(op.configuration)
	uninstall.IgnoreNotFound = true
	uninstall.KeepHistory = op.request.KeepHistory
	uninstall.Description = op.request.Description
	uninstall.Timeout = op.remaining()
	uninstall.WaitOptions = op.waitOptions()
	uninstall.WaitStrategy = kube.HookOnlyStrategy
	uninstall.DeletionPropagation = "background"
	if op.request.Wait || op.last.Labels[userChartLabel] != "" {
		uninstall.WaitStrategy = kube.StatusWatcherStrategy
		uninstall.DeletionPropagation = "foreground"
	}
	if _, err := uninstall.Run(op.request.Release); err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, err
	}
	return result, op.removeHooks()
}

// removeHooks removes what hooks have left: Helm itself forgets it with the release.
func (op *operation) removeHooks() error {
	for _, hook := range op.last.Hooks {
		if hook.Kind == "CustomResourceDefinition" {
			continue
		}
		left, err := op.configuration.KubeClient.Build(strings.NewReader(hook.Manifest), false)
		if meta.IsNoMatchError(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("remove what the hook %s has left: %w", hook.Path, err)
		}
		if _, failures := op.configuration.KubeClient.Delete(left, metav1.DeletePropagationBackground); len(failures) > 0 {
			return fmt.Errorf("remove what the hook %s has left: %w", hook.Path, errors.Join(failures...))
		}
	}
	return nil
}

// recover only settles the release, which was done on the way in.
func (op *operation) recover() (any, error) {
	return recovered{Revision: op.recovered}, nil
}

func (op *operation) historyMax() int {
	if op.request.HistoryMax > 0 {
		return op.request.HistoryMax
	}
	return defaultHistoryMax
}

func (op *operation) skipSchema(chart *chartv2.Chart) bool {
	if !hasForeignReference(chart) {
		return false
	}
	op.session.warnings.add("values were not checked: the chart's values.schema.json refers to other documents")
	return true
}

func (op *operation) remaining() time.Duration {
	deadline, bounded := op.ctx.Deadline()
	if !bounded {
		return defaultTimeout
	}
	return max(time.Until(deadline), time.Second)
}

func (op *operation) waitOptions() []kube.WaitOption {
	return []kube.WaitOption{kube.WithWaitContext(op.ctx)}
}
