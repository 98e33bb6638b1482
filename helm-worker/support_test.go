package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	kubefake "helm.sh/helm/v4/pkg/kube/fake"
	"helm.sh/helm/v4/pkg/storage"
	"helm.sh/helm/v4/pkg/storage/driver"
)

// patience bounds every wait of these tests; nothing waits that long unless it is broken.
const patience = 60 * time.Second

// pack makes a chart archive of files, named by their path in the chart.
func pack(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		header := &tar.Header{Name: "demo/" + name, Mode: 0o644, Size: int64(len(files[name]))}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// demoChart is a chart of one template.
func demoChart(t testing.TB, template string) []byte {
	t.Helper()
	return pack(t, map[string]string{
		"Chart.yaml":          "apiVersion: v2\nname: demo\nversion: 1.2.3\n",
		"values.yaml":         "color: red\n",
		"templates/demo.yaml": template,
	})
}

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  color: {{ .Values.color }}
`

// packFolder packs a chart of this repository with the links in it followed, as the release build does.
func packFolder(t testing.TB, folder string) []byte {
	t.Helper()
	files := map[string]string{}
	var walk func(directory, prefix string)
	walk = func(directory, prefix string) {
		entries, err := os.ReadDir(directory)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			path := filepath.Join(directory, entry.Name())
			about, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if about.IsDir() {
				walk(path, prefix+entry.Name()+"/")
				continue
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[prefix+entry.Name()] = string(content)
		}
	}
	walk(folder, "")
	return pack(t, files)
}

// offline is an executor whose releases are in memory and whose cluster takes everything.
type offline struct {
	executor *executor
	cluster  cluster
	releases *driver.Memory
}

func newOffline(t testing.TB) *offline {
	t.Helper()
	o := &offline{
		executor: newExecutor(),
		cluster:  cluster{Kubeconfig: writeKubeconfig(t, "user: {}"), Context: "demo"},
		releases: driver.NewMemory(),
	}
	o.executor.configure = func(s *session) (*action.Configuration, error) {
		o.releases.SetNamespace(s.namespace)
		configuration := action.NewConfiguration()
		configuration.Releases = storage.Init(o.releases)
		configuration.KubeClient = &kubefake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard}
		configuration.Capabilities = common.DefaultCapabilities.Copy()
		configuration.CustomTemplateFuncs = closedFunctions()
		return configuration, nil
	}
	return o
}

func (o *offline) request(op string) *request {
	return &request{ID: 1, Op: op, Cluster: o.cluster, Namespace: "shop", Release: "demo"}
}

func (o *offline) upgrade(t testing.TB, template string, values map[string]any) revision {
	t.Helper()
	r := o.request(opUpgrade)
	r.Chart.Archive = demoChart(t, template)
	r.Values = values
	return run[revision](t, o.executor, r)
}

// run executes a request that must succeed.
func run[T any](t testing.TB, e *executor, r *request) T {
	t.Helper()
	result, err := e.execute(context.Background(), r)
	if err != nil {
		t.Fatalf("%s: %v", r.Op, err)
	}
	typed, fits := result.(T)
	if !fits {
		t.Fatalf("%s: answered with a %T", r.Op, result)
	}
	return typed
}

// refused executes a request that must fail, and gives the failure.
func refused(t testing.TB, e *executor, r *request) *failure {
	t.Helper()
	result, err := e.execute(context.Background(), r)
	if err == nil {
		t.Fatalf("%s succeeded with %+v", r.Op, result)
	}
	return classify(err)
}

func writeKubeconfig(t testing.TB, user string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	content := `apiVersion: v1
kind: Config
current-context: demo
clusters: [{name: demo, cluster: {server: "http://127.0.0.1:9"}}]
contexts: [{name: demo, context: {cluster: demo, user: demo}}]
users: [{name: demo, ` + user + `}]
`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a worker that runs as the server runs it.
type process struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     io.Reader
	log     *bytes.Buffer
}

var workerProgram = func() func(testing.TB) string {
	var built string
	return func(t testing.TB) string {
		t.Helper()
		if built == "" {
			directory, err := os.MkdirTemp("", "helm-worker-test")
			if err != nil {
				t.Fatal(err)
			}
			program := filepath.Join(directory, "helm-worker")
			if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
				t.Fatalf("build the worker: %v\n%s", err, output)
			}
			built = program
			cleanUp = append(cleanUp, func() { os.RemoveAll(directory) })
		}
		return built
	}
}()

var cleanUp []func()

func TestMain(m *testing.M) {
	code := m.Run()
	for _, clean := range cleanUp {
		clean()
	}
	os.Exit(code)
}

func start(t testing.TB) *process {
	t.Helper()
	command := exec.Command(workerProgram(t))
	p := &process{command: command, log: &bytes.Buffer{}}
	command.Stderr = p.log
	var err error
	if p.in, err = command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if p.out, err = command.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return p
}

func (p *process) send(t testing.TB, r any) {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	if _, err := p.in.Write(append(frame, body...)); err != nil {
		t.Fatal(err)
	}
}

type answer struct {
	ID     uint64          `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *failure        `json:"error"`
}

func (p *process) receive(t testing.TB) answer {
	t.Helper()
	frame, err := readFrame(p.out)
	if err != nil {
		t.Fatalf("read an answer: %v; the worker said: %s", err, p.log)
	}
	var received answer
	if err := json.Unmarshal(frame, &received); err != nil {
		t.Fatal(err)
	}
	return received
}

// exit waits for the process to end by itself.
func (p *process) exit(t testing.TB) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.command.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		t.Fatal("the worker did not end")
		return nil
	}
}
