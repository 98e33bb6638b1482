package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/downloader"
	"helm.sh/helm/v4/pkg/getter"
)

const demoHead = "apiVersion: v2\nname: demo\nversion: 1.0.0\n"

func library(version string) string {
	return "apiVersion: v2\nname: common\nversion: " + version + "\ntype: library\n"
}

func TestWhatIsNotInChartsIsNeeded(t *testing.T) {
	two := demoHead + "dependencies:\n- {name: common, version: 1.x, repository: 'https://charts.example'}\n" +
		"- {name: common, version: ^2, repository: 'https://charts.example', alias: newer}\n"
	one := demoHead + "dependencies: [{name: common, version: ^1, repository: 'oci://a.example/b', condition: off.enabled, tags: [x]}]\n"
	old := map[string]string{
		"Chart.yaml":        "name: demo\nversion: 1.0.0\n",
		"requirements.yaml": "dependencies: [{name: common, version: 1.0.0, repository: '@mine'}]\n",
	}
	oci := needed{Name: "common", Version: "^1", Repository: "oci://a.example/b"}
	for _, each := range []struct {
		name    string
		files   map[string]string
		missing []needed
	}{
		{"no dependencies", map[string]string{"Chart.yaml": demoHead}, nil},
		{"one, also when it is turned off", map[string]string{"Chart.yaml": one}, []needed{oci}},
		{"one that is there in another version", map[string]string{"Chart.yaml": one, "charts/x/Chart.yaml": library("3.0.0")}, nil},
		{"one that is there, packed", map[string]string{
			"Chart.yaml": one, "charts/a.tgz": string(pack(t, map[string]string{"Chart.yaml": library("1.0.0")}))}, nil},
		{"one of two with a name", map[string]string{"Chart.yaml": two, "charts/x/Chart.yaml": library("1.5.0")},
			[]needed{{Name: "common", Version: "^2", Repository: "https://charts.example"}}},
		{"those of Helm 2", old, []needed{{Name: "common", Version: "1.0.0", Repository: "@mine"}}},
	} {
		result, err := chartSource{Archive: pack(t, each.files)}.needs()
		if err != nil {
			t.Errorf("%s: %v", each.name, err)
			continue
		}
		known := result.(needs)
		if known.Name != "demo" || known.Version != "1.0.0" || len(known.Missing) != len(each.missing) ||
			len(each.missing) > 0 && !reflect.DeepEqual(known.Missing, each.missing) {
			t.Errorf("%s: %+v, expected %+v", each.name, known, each.missing)
		}
	}
}

func TestADependencyThatWasFetchedIsAsIfItLayInCharts(t *testing.T) {
	e := newExecutor()
	child := map[string]string{
		"Chart.yaml":            "apiVersion: v2\nname: child\nversion: 1.0.0\n",
		"values.yaml":           "color: none\n",
		"templates/object.yaml": strings.ReplaceAll(configMap, "{{ .Release.Name }}", "{{ .Chart.Name }}"),
		"templates/broken.yaml": "{{ fail \"it is ignored\" }}",
		".helmignore":           "broken.yaml\n",
	}
	chart := demoHead + "dependencies: [{name: child, version: ^1, repository: 'file://../child', alias: renamed}]\n"
	files := map[string]string{"Chart.yaml": chart, "values.yaml": "renamed: {color: red}\n"}
	source := chartSource{Archive: pack(t, files), Dependencies: []chartSource{{Archive: pack(t, child), Ignore: true}}}
	done := run[rendered](t, e, &request{Op: opRender, Namespace: "shop", Release: "demo", Chart: source})
	if len(done.Objects) != 1 || done.Objects[0].Name != "renamed" || !strings.Contains(done.Manifest, "red") {
		t.Errorf("%+v\n%s", done.Objects, done.Manifest)
	}
	source.Dependencies = nil
	if _, err := source.load(); codeOf(t, err) != "chart-dependencies-missing" {
		t.Errorf("without it: %v", err)
	}
}

// The lock files are Helm's own: its downloader writes them, for a repository on this machine and for a folder.
func TestALockFileIsGoneByAndOneThatIsOutdatedIsRefused(t *testing.T) {
	home := t.TempDir()
	served := filepath.Join(home, "served")
	write(t, filepath.Join(served, "common-1.4.0.tgz"), string(pack(t, map[string]string{"Chart.yaml": library("1.4.0")})))
	write(t, filepath.Join(served, "index.yaml"),
		"apiVersion: v1\nentries:\n  common:\n  - {name: common, apiVersion: v2, version: 1.4.0, urls: [common-1.4.0.tgz]}\n")
	server := httptest.NewServer(http.FileServer(http.Dir(served)))
	defer server.Close()
	write(t, filepath.Join(home, "child", "Chart.yaml"), "apiVersion: v2\nname: child\nversion: 2.0.1\n")
	wanted := "dependencies:\n- {name: common, version: '>=1 <2', repository: '" + server.URL + "', tags: [a], import-values: [{child: x, parent: y}]}\n" +
		"- {name: child, version: ~2.0, repository: 'file://../child'}\n"
	for _, each := range []struct{ name, lock, version, dependencies string }{
		{"v2", "Chart.lock", "apiVersion: v2\nname: demo\nversion: 1.0.0\n" + wanted, ""},
		{"v1", "requirements.lock", "apiVersion: v1\nname: demo\nversion: 1.0.0\n", wanted},
	} {
		folder := filepath.Join(home, each.name)
		files := map[string]string{"Chart.yaml": each.version}
		if each.dependencies != "" {
			files["requirements.yaml"] = each.dependencies
		}
		for name, text := range files {
			write(t, filepath.Join(folder, name), text)
		}
		update(t, home, folder)
		lock, err := os.ReadFile(filepath.Join(folder, each.lock))
		if err != nil {
			t.Fatal(err)
		}
		files[each.lock] = string(lock)
		result, err := chartSource{Archive: pack(t, files)}.needs()
		if err != nil {
			t.Fatalf("%s: %v\n%s", each.name, err, lock)
		}
		expected := []needed{{"common", "1.4.0", server.URL}, {"child", "2.0.1", "file://../child"}}
		if !reflect.DeepEqual(result.(needs).Missing, expected) {
			t.Errorf("%s: %+v, expected %+v", each.name, result, expected)
		}
		for name, text := range files {
			files[name] = strings.Replace(text, ">=1 <2", ">=1 <3", 1)
		}
		if _, err := (chartSource{Archive: pack(t, files)}).needs(); codeOf(t, err) != "chart-lock-outdated" {
			t.Errorf("%s, changed: %v", each.name, err)
		}
		files[each.lock] = "dependencies: [null, null]\n"
		if _, err := (chartSource{Archive: pack(t, files)}).needs(); codeOf(t, err) != "chart-lock-outdated" {
			t.Errorf("%s, broken: %v", each.name, err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// update is `helm dependency update`.
func update(t *testing.T, home, folder string) {
	t.Helper()
	settings := cli.New()
	manager := &downloader.Manager{
		Out:              t.Output(),
		ChartPath:        folder,
		Getters:          getter.All(settings),
		RepositoryConfig: filepath.Join(home, "repositories.yaml"),
		RepositoryCache:  filepath.Join(home, "cache"),
		ContentCache:     filepath.Join(home, "content"),
	}
	if err := manager.Update(); err != nil {
		t.Fatal(err)
	}
}
