package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// Every chart of this repository, with each of its example values, renders in the worker.
func TestTheChartsOfSlipwayRender(t *testing.T) {
	e := newExecutor()
	count := 0
	for _, name := range []string{"application", "container", "job", "database"} {
		folder := filepath.Join("..", "charts", name)
		examples, err := filepath.Glob(filepath.Join(folder, "ci", "*-values.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, example := range examples {
			content, err := os.ReadFile(example)
			if err != nil {
				t.Fatal(err)
			}
			r := &request{Op: opRender, Namespace: "shop", Release: "demo", KubernetesVersion: "v1.33.0"}
			if err := yaml.Unmarshal(content, &r.Values); err != nil {
				t.Fatal(err)
			}
			r.Chart.Archive = packFolder(t, folder)
			done := run[rendered](t, e, r)
			if len(done.Objects) == 0 {
				t.Errorf("%s: no objects", example)
			}
			if ports := strings.Count(done.Manifest, "targetPort:"); ports > strings.Count(done.Manifest, "protocol:") {
				t.Errorf("%s: a port has no protocol:\n%s", example, done.Manifest)
			}
			count++
		}
	}
	if count < 9 {
		t.Fatalf("%d examples were found, expected 9 or more", count)
	}
}
