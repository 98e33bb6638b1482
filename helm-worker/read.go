package main

import (
	"errors"

	"helm.sh/helm/v4/pkg/action"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"helm.sh/helm/v4/pkg/storage/driver"
)

// status answers with one revision, the last unless asked otherwise; with none when there is none.
func (op *operation) status() (any, error) {
	result := revisions{Revisions: []revision{}}
	history, err := op.revisions()
	if err != nil {
		return nil, err
	}
	for _, found := range history {
		if op.request.Revision == 0 || op.request.Revision == found.Version {
			described := describe(found, op.request.WithManifest)
			described.Objects = objectsOf(found.Manifest, found.Namespace)
			result.Revisions = append(result.Revisions, described)
			break
		}
	}
	return result, nil
}

// history answers with the revisions that are kept, newest first; with none when the release is absent.
func (op *operation) history() (any, error) {
	result := revisions{Revisions: []revision{}}
	history, err := op.revisions()
	if err != nil {
		return nil, err
	}
	for _, found := range history {
		result.Revisions = append(result.Revisions, describe(found, op.request.WithManifest))
	}
	return result, nil
}

// list answers with the last revision of every release in the namespace, or in all of them.
func (op *operation) list() (any, error) {
	list := action.NewList(op.configuration)
	list.AllNamespaces = op.request.Namespace == ""
	list.StateMask = action.ListAll
	list.All = true
	found, err := list.Run()
	if err != nil {
		return nil, err
	}
	result := revisions{Revisions: make([]revision, 0, len(found))}
	for _, each := range found {
		known, err := asRelease(each)
		if err != nil {
			return nil, err
		}
		result.Revisions = append(result.Revisions, describe(known, op.request.WithManifest))
	}
	return result, nil
}

// revisions are the stored revisions of the release, newest first.
func (op *operation) revisions() ([]*release.Release, error) {
	stored, err := op.configuration.Releases.History(op.request.Release)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	history := make([]*release.Release, 0, len(stored))
	for _, each := range stored {
		known, err := asRelease(each)
		if err != nil {
			return nil, err
		}
		history = append(history, known)
	}
	releaseutil.Reverse(history, releaseutil.SortByRevision)
	return history, nil
}
