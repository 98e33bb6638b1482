package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	chart "helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	chartv2loader "helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"

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
	result, err := s.read()
	if err != nil {
		return nil, err
	}
	for _, dependency := range s.Dependencies {
		held, err := dependency.read()
		if err != nil {
			return nil, err
		}
		result.AddDependency(held)
	}
	if kind := result.Metadata.Type; kind != "" && kind != "application" {
		return nil, permanent("chart-invalid", fmt.Sprintf("a chart of type %q cannot be released", kind))
	}
	dependencies := make([]chart.Dependency, 0, len(result.Metadata.Dependencies))
	for _, dependency := range result.Metadata.Dependencies {
		dependencies = append(dependencies, dependency)
	}
	if err := action.CheckDependencies(result, dependencies); err != nil {
		return nil, permanent("chart-dependencies-missing", fmt.Sprintf(
			"%v; run `helm dependency build` on the chart and put what it writes into charts/ beside Chart.yaml", err))
	}
	return result, nil
}

// read loads a chart without what was fetched for it, whatever it is for.
func (s chartSource) read() (*chartv2.Chart, error) {
	packed, err := s.open()
	if err != nil {
		return nil, err
	}
	loaded, err := s.unpack(packed)
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
	return result, nil
}

// unpack loads a packed chart, without what its .helmignore names where it was packed from a folder as it is.
func (s chartSource) unpack(packed []byte) (chart.Charter, error) {
	if !s.Ignore {
		return loader.LoadArchive(bytes.NewReader(packed))
	}
	files, err := archive.LoadArchiveFiles(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	rules := ignore.Empty()
	for _, file := range files {
		if file.Name == ignore.HelmIgnore {
			if rules, err = ignore.Parse(bytes.NewReader(file.Data)); err != nil {
				return nil, err
			}
		}
	}
	rules.AddDefaults()
	kept := files[:0]
	for _, file := range files {
		if !isIgnored(rules, file.Name) {
			kept = append(kept, file)
		}
	}
	return chartv2loader.LoadFiles(kept)
}

// isIgnored asks for the file and for each folder that it is in, as a walk through the folders does.
func isIgnored(rules *ignore.Rules, name string) bool {
	parts := strings.Split(name, "/")
	for depth := range parts {
		path := strings.Join(parts[:depth+1], "/")
		if rules.Ignore(path, entry{name: parts[depth], folder: depth < len(parts)-1}) {
			return true
		}
	}
	return false
}

// entry is what rules ask of a file.
type entry struct {
	name   string
	folder bool
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return 0 }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.folder }
func (e entry) Sys() any           { return nil }
func (e entry) Mode() fs.FileMode {
	if e.folder {
		return fs.ModeDir
	}
	return 0
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
