package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// featureChart holds a template for each feature that well-known charts use.
const featureChart = "testdata/features"

var (
	randomParts = regexp.MustCompile(`(?m)^(\s*random-[a-z]+): .*$`)
	sourceLine  = regexp.MustCompile(`^# Source: .*\n`)
)

// What the worker renders is what `helm template` renders, byte by byte, but for what is random.
func TestTheFeaturesOfWellKnownChartsRenderAsHelmRendersThem(t *testing.T) {
	helm, err := exec.LookPath("helm")
	if err != nil {
		t.Fatal("the helm program is needed; dev/tools/install brings it: ", err)
	}
	for name, change := range map[string]struct {
		arguments []string
		file      string
		set       []setValue
	}{
		"defaults": {},
		"set and files": {
			arguments: []string{"--set-json", "replicas=3", "--set-json", `env.ADDED="x"`, "--set-json", `list[1]="changed"`, "--set-json", "tags.extra=true"},
			file:      "image: {tag: \"9.9\"}\nautoscaling: yes\nnodeSelector: {disk: ssd}\nenv: {EMPTY: null}\nreplicas: 7\n",
			set: []setValue{
				{"replicas", []byte("3")}, {"env.ADDED", []byte(`"x"`)}, {"list[1]", []byte(`"changed"`)}, {"tags.extra", []byte("true")},
			},
		},
		"a subchart left out": {
			arguments: []string{"--set-json", "cache.enabled=false"},
			set:       []setValue{{"cache.enabled", []byte("false")}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "values.yaml")
			if err := os.WriteFile(file, []byte(change.file), 0o600); err != nil {
				t.Fatal(err)
			}
			arguments := append([]string{"template", "demo", featureChart, "--namespace", "shop", "--kube-version", "v1.33.0", "--values", file}, change.arguments...)
			command := exec.Command(helm, arguments...)
			var said, failed bytes.Buffer
			command.Stdout, command.Stderr = &said, &failed
			if err := command.Run(); err != nil {
				t.Fatalf("helm template: %v\n%s", err, failed.String())
			}
			r := &request{Op: opRender, Namespace: "shop", Release: "demo", KubernetesVersion: "v1.33.0", Set: change.set}
			r.ValuesFiles = []valuesFile{{Name: "values.yaml", Text: change.file}}
			r.Chart = chartSource{Archive: packFolder(t, featureChart), Ignore: true}
			ours := run[rendered](t, newExecutor(), r)
			want := documents(said.String())
			got := documents(ours.Manifest, ours.Hooks...)
			if len(want) < 25 {
				t.Fatalf("helm rendered %d documents only", len(want))
			}
			sameDocuments(t, got, want)
			if !strings.Contains(ours.Notes, "Release demo of features") {
				t.Errorf("notes: %q", ours.Notes)
			}
		})
	}
}

// sameDocuments tells which documents only one side has.
func sameDocuments(t *testing.T, got, want []string) {
	t.Helper()
	for _, document := range want {
		if !slices.Contains(got, document) {
			t.Errorf("helm has, and the worker has not:\n%s", document)
		}
	}
	for _, document := range got {
		if !slices.Contains(want, document) {
			t.Errorf("the worker has, and helm has not:\n%s", document)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the worker has %d documents, and helm %d", len(got), len(want))
	}
}

// documents are those of manifests, in an order of their own, without where they come from and with random parts masked.
func documents(manifest string, more ...string) []string {
	var found []string
	for _, part := range append(strings.Split("\n"+manifest, "\n---\n"), more...) {
		part = sourceLine.ReplaceAllString(strings.TrimLeft(part, "\n"), "")
		part = strings.TrimRight(randomParts.ReplaceAllString(part, "$1: masked"), "\n")
		if part != "" {
			found = append(found, part)
		}
	}
	slices.Sort(found)
	return found
}
