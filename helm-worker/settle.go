package main

import (
	"errors"
	"fmt"

	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage/driver"
)

// settle finds the newest revision and, when its writer died in the middle, marks it failed. History and
// objects stay: an upgrade, a rollback or an uninstall goes on from there as from any failed revision.
// The caller holds the release, so a pending revision has no live writer in this process; that there is
// none in another is what the server's lease on the environment is for.
func (op *operation) settle() error {
	last, err := op.newest()
	if err != nil || last == nil {
		return err
	}
	op.last = last
	if !interrupted(last) {
		return nil
	}
	was := last.Info.Status
	if op.request.RefusePending {
		return retryable("release-busy", fmt.Sprintf(
			"revision %d of release %q is %s: another writer holds it", last.Version, last.Name, was))
	}
	last.SetStatus(common.StatusFailed, fmt.Sprintf("Interrupted while %s; marked failed by Slipway", was))
	if err := op.configuration.Releases.Update(last); err != nil {
		return fmt.Errorf("settle revision %d of release %q, which is %s: %w", last.Version, last.Name, was, err)
	}
	op.recovered = last.Version
	return nil
}

func interrupted(r *release.Release) bool {
	return r.Info.Status.IsPending() || r.Info.Status == common.StatusUninstalling
}

// newest is the last revision of the release, or nil when there is none.
func (op *operation) newest() (*release.Release, error) {
	found, err := op.configuration.Releases.Last(op.request.Release)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return asRelease(found)
}
