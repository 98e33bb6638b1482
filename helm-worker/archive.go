package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	chart "helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"

	"helm.sh/helm/v4/pkg/action"
)

const (
	maxArchive  = 16 << 20
	maxUnpacked = 64 << 20
)

func init() {
	archive.MaxDecompressedChartSize = maxUnpacked
}

// load reads the chart afresh: rendering changes the chart in memory, so none is ever kept.
func (s chartSource) load() (*chartv2.Chart, error) {
	packed, err := s.open()
	if err != nil {
		return nil, err
	}
	loaded, err := loader.LoadArchive(bytes.NewReader(packed))
	if err != nil {
		return nil, permanent("chart-invalid", err.Error())
	}
	result, isV2 := loaded.(*chartv2.Chart)
	if !isV2 {
		return nil, permanent("chart-invalid", "only charts of apiVersion v1 and v2 are supported")
	}
	if err := result.Validate(); err != nil {
		return nil, permanent("chart-invalid", err.Error())
	}
	if kind := result.Metadata.Type; kind != "" && kind != "application" {
		return nil, permanent("chart-invalid", fmt.Sprintf("a chart of type %q cannot be released", kind))
	}
	dependencies := make([]chart.Dependency, 0, len(result.Metadata.Dependencies))
	for _, dependency := range result.Metadata.Dependencies {
		dependencies = append(dependencies, dependency)
	}
	if err := action.CheckDependencies(result, dependencies); err != nil {
		return nil, permanent("chart-dependencies-missing", err.Error())
	}
	return result, nil
}

func (s chartSource) open() ([]byte, error) {
	switch {
	case len(s.Archive) > 0 && s.Path != "":
		return nil, permanent("request-invalid", "chart: give archive or path, not both")
	case len(s.Archive) > 0:
		return s.Archive, nil
	case s.Path == "":
		return nil, permanent("request-invalid", "chart: archive or path expected")
	}
	file, err := os.OpenFile(s.Path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, permanent("chart-unreadable", err.Error())
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil {
		return nil, permanent("chart-unreadable", err.Error())
	}
	if !about.Mode().IsRegular() {
		return nil, permanent("chart-unreadable", s.Path+": a packed chart (.tgz) expected, not a directory or a device")
	}
	packed, err := io.ReadAll(io.LimitReader(file, maxArchive+1))
	if err != nil {
		return nil, permanent("chart-unreadable", err.Error())
	}
	if len(packed) > maxArchive {
		return nil, permanent("chart-too-large", fmt.Sprintf("%s: more than %d bytes", s.Path, maxArchive))
	}
	return packed, nil
}

// hasForeignReference tells whether a values schema, here or in a subchart, would make Helm read a file of
// this host or an address of somebody's choice. Such schemas are not evaluated.
func hasForeignReference(c *chartv2.Chart) bool {
	if len(c.Schema) > 0 {
		var schema any
		if json.Unmarshal(c.Schema, &schema) != nil || refersOutside(schema) {
			return true
		}
	}
	for _, dependency := range c.Dependencies() {
		if hasForeignReference(dependency) {
			return true
		}
	}
	return false
}

func refersOutside(node any) bool {
	switch value := node.(type) {
	case map[string]any:
		for key, inner := range value {
			if text, isText := inner.(string); isText && !staysInside(key, text) {
				return true
			}
			if refersOutside(inner) {
				return true
			}
		}
	case []any:
		for _, inner := range value {
			if refersOutside(inner) {
				return true
			}
		}
	}
	return false
}

func staysInside(key, text string) bool {
	switch key {
	case "$ref", "$dynamicRef", "$recursiveRef":
		return strings.HasPrefix(text, "#")
	case "$schema":
		address := strings.TrimPrefix(strings.TrimPrefix(text, "https://"), "http://")
		return strings.HasPrefix(address, "json-schema.org/")
	default:
		return true
	}
}
