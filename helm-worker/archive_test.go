package main

import (
	"os"
	"path/filepath"
	"testing"
)

func codeOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	return classify(err).Code
}

func TestOnlyAPackedChartIsLoaded(t *testing.T) {
	directory := t.TempDir()
	packed := filepath.Join(directory, "demo.tgz")
	if err := os.WriteFile(packed, demoChart(t, configMap), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(directory, "link.tgz")
	if err := os.Symlink(packed, link); err != nil {
		t.Fatal(err)
	}
	for _, each := range []struct {
		name   string
		source chartSource
		code   string
	}{
		{"a packed file", chartSource{Path: packed}, ""},
		{"bytes", chartSource{Archive: demoChart(t, configMap)}, ""},
		{"a directory", chartSource{Path: directory}, "chart-unreadable"},
		{"a link", chartSource{Path: link}, "chart-unreadable"},
		{"a device", chartSource{Path: "/dev/zero"}, "chart-unreadable"},
		{"nothing there", chartSource{Path: filepath.Join(directory, "none.tgz")}, "chart-unreadable"},
		{"both", chartSource{Path: packed, Archive: []byte("x")}, "request-invalid"},
		{"neither", chartSource{}, "request-invalid"},
		{"no archive", chartSource{Archive: []byte("not a chart")}, "chart-invalid"},
		{"a library", chartSource{Archive: pack(t, map[string]string{
			"Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\ntype: library\n"})}, "chart-invalid"},
		{"a missing dependency", chartSource{Archive: pack(t, map[string]string{
			"Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\ndependencies: [{name: other, version: 1.0.0}]\n"})},
			"chart-dependencies-missing"},
	} {
		if _, err := each.source.load(); codeOf(t, err) != each.code {
			t.Errorf("%s: %v, expected %q", each.name, err, each.code)
		}
	}
}

func TestASchemaThatReadsElsewhereIsNotEvaluated(t *testing.T) {
	for schema, foreign := range map[string]bool{
		`{"type": "object"}`: false,
		`{"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a", "definitions": {"a": {}}}`: false,
		`{"properties": {"$ref": {"type": "string"}}}`:                                                                false,
		`{"$ref": "file:///etc/passwd"}`:                                                                              true,
		`{"allOf": [{"$ref": "http://169.254.169.254/latest"}]}`:                                                      true,
		`{"$schema": "http://127.0.0.1/meta"}`:                                                                        true,
		`{"properties": {"a": {"items": {"$ref": "../../../etc/hostname"}}}}`:                                         true,
		`not json`: true,
	} {
		packed := pack(t, map[string]string{
			"Chart.yaml":         "apiVersion: v2\nname: demo\nversion: 1.0.0\n",
			"values.schema.json": schema,
		})
		chart, err := chartSource{Archive: packed}.load()
		if err != nil {
			t.Fatal(err)
		}
		if hasForeignReference(chart) != foreign {
			t.Errorf("%s: foreign is %t, expected %t", schema, !foreign, foreign)
		}
	}
}
