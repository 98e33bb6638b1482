package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/Masterminds/semver/v3"

	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
)

// needs lists what `helm dependency build` would fetch for a chart: what its charts/ does not hold, in the versions of
// its lock file if it has one. A lock file that is not of this Chart.yaml is refused, as there.
func (s chartSource) needs() (any, error) {
	chart, err := s.read()
	if err != nil {
		return nil, err
	}
	result := needs{Name: chart.Metadata.Name, Version: chart.Metadata.Version, Missing: []needed{}}
	missing := missingOf(chart)
	if len(missing) == 0 {
		return result, nil
	}
	if !inSync(chart) {
		lock, file := "Chart.lock", "Chart.yaml"
		if chart.Metadata.APIVersion == chartv2.APIVersionV1 {
			lock, file = "requirements.lock", "requirements.yaml"
		}
		return nil, permanent("chart-lock-outdated",
			lock+" is out of sync with the dependencies of "+file+"; run `helm dependency update` on the chart and commit "+lock)
	}
	for _, index := range missing {
		wanted := chart.Metadata.Dependencies[index]
		if chart.Lock != nil {
			wanted = chart.Lock.Dependencies[index]
		}
		result.Missing = append(result.Missing,
			needed{Name: wanted.Name, Version: wanted.Version, Repository: chart.Metadata.Dependencies[index].Repository})
	}
	return result, nil
}

// missingOf gives the places of the dependencies that charts/ does not hold. Helm goes by the name alone; where several
// have one name, each must be there in its version.
func missingOf(chart *chartv2.Chart) []int {
	names := map[string]int{}
	for _, dependency := range chart.Metadata.Dependencies {
		names[dependency.Name]++
	}
	var missing []int
	for index, dependency := range chart.Metadata.Dependencies {
		held := false
		for _, subchart := range chart.Dependencies() {
			held = held || subchart.Name() == dependency.Name &&
				(names[dependency.Name] == 1 || admits(dependency.Version, subchart.Metadata.Version))
		}
		if !held {
			missing = append(missing, index)
		}
	}
	return missing
}

func admits(constraint, version string) bool {
	wanted, err := semver.NewConstraint(constraint)
	if err != nil {
		return false
	}
	known, err := semver.NewVersion(version)
	return err == nil && wanted.Check(known)
}

// inSync tells whether a lock file, if there is one, was made from these dependencies.
func inSync(chart *chartv2.Chart) bool {
	if chart.Lock == nil {
		return true
	}
	wanted, locked := chart.Metadata.Dependencies, chart.Lock.Dependencies
	if len(wanted) != len(locked) {
		return false
	}
	resolved := make([]*chartv2.Dependency, len(wanted))
	for index, dependency := range wanted {
		if locked[index] == nil || locked[index].Name != dependency.Name {
			return false
		}
		// Helm puts the address in the place of a repository's alias before it makes the digest.
		named := *dependency
		if isAlias(named.Repository) {
			named.Repository = locked[index].Repository
		}
		resolved[index] = &named
	}
	if digestOf([2][]*chartv2.Dependency{resolved, locked}) == chart.Lock.Digest {
		return true
	}
	// Helm 2 made it from the dependencies alone.
	return chart.Metadata.APIVersion == chartv2.APIVersionV1 &&
		digestOf(map[string][]*chartv2.Dependency{"dependencies": wanted}) == chart.Lock.Digest
}

func isAlias(repository string) bool {
	return strings.HasPrefix(repository, "@") || strings.HasPrefix(repository, "alias:")
}

// digestOf is Helm's digest of dependencies: of their JSON, with the fields in the order of Helm's own type.
func digestOf(dependencies any) string {
	text, err := json.Marshal(dependencies)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
