package main

import "time"

// protocolVersion changes when a request or an answer changes its meaning.
const protocolVersion = 1

// Operations that a request can ask for.
const (
	opPing      = "ping"
	opUpgrade   = "upgrade"
	opRollback  = "rollback"
	opUninstall = "uninstall"
	opRecover   = "recover"
	opStatus    = "status"
	opHistory   = "history"
	opList      = "list"
	opRender    = "render"
	opCheck     = "check"
	opNeeds     = "needs"
	opCancel    = "cancel"
)

// request is one frame from the server. Fields that an operation does not use are absent.
type request struct {
	ID        uint64  `json:"id"`
	Op        string  `json:"op"`
	Cluster   cluster `json:"cluster"`
	Namespace string  `json:"namespace"`
	Release   string  `json:"release"`
	// TimeoutMS bounds the operation; what still runs then is stopped and its release left settled.
	TimeoutMS int64 `json:"timeout_ms"`

	Chart  chartSource    `json:"chart"`
	Values map[string]any `json:"values"`
	// ValuesFiles come before Values, and Set after it.
	ValuesFiles []valuesFile `json:"values_files"`
	Set         []setValue   `json:"set"`
	// Interpolation is absent where `{{NAME}}` is text.
	Interpolation *interpolation `json:"interpolation"`
	// Labels are stored on the release record, next to Helm's own.
	Labels      map[string]string `json:"labels"`
	Description string            `json:"description"`
	HistoryMax  int               `json:"history_max"`
	// RefusePending leaves a release alone whose last revision is pending, instead of settling it.
	RefusePending bool `json:"refuse_pending"`
	// DisableValidation skips the check of manifests against the server's schema before the release is recorded.
	DisableValidation bool `json:"disable_validation"`
	// NamespacedOnly refuses a chart that makes objects outside the release's namespace.
	NamespacedOnly bool `json:"namespaced_only"`

	// Lookup lets templates read the cluster.
	Lookup bool `json:"lookup"`

	// Revision to roll back to, or to show; zero means the previous good one, or the last.
	Revision int `json:"revision"`
	// KeepHistory keeps the records of an uninstalled release.
	KeepHistory bool `json:"keep_history"`
	// Wait makes uninstall wait until the objects are gone. Nothing else waits.
	Wait bool `json:"wait"`
	// WithManifest adds the rendered manifest to the answer.
	WithManifest bool `json:"with_manifest"`
	// KubernetesVersion and APIVersions are what `render` assumes of the cluster.
	KubernetesVersion string   `json:"kubernetes_version"`
	APIVersions       []string `json:"api_versions"`

	// Target is the id of the request that `cancel` stops.
	Target uint64 `json:"target"`
}

// cluster says which cluster, as a kubeconfig file and one of its contexts.
type cluster struct {
	Kubeconfig string `json:"kubeconfig"`
	Context    string `json:"context"`
	// AllowExec permits a kubeconfig that runs a program or uses an auth provider.
	AllowExec bool `json:"allow_exec"`
}

// chartSource is a packed chart: its bytes in base64, or the path of a regular file. Never a directory.
type chartSource struct {
	Archive []byte `json:"archive"`
	Path    string `json:"path"`
	// Ignore leaves out what the chart's .helmignore names, as packing a folder with Helm does.
	Ignore bool `json:"ignore"`
	// Dependencies are charts that were fetched for it, as if they lay in its charts/.
	Dependencies []chartSource `json:"dependencies"`
}

// response is one frame to the server: a result or a failure, never both.
type response struct {
	ID     uint64   `json:"id"`
	Result any      `json:"result,omitempty"`
	Error  *failure `json:"error,omitempty"`
}

type pong struct {
	Protocol int    `json:"protocol"`
	Helm     string `json:"helm"`
	Go       string `json:"go"`
	PID      int    `json:"pid"`
}

// object names one Kubernetes object of a manifest.
type object struct {
	APIVersion string `json:"api_version"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// revision is what is known of one revision of a release.
type revision struct {
	Name         string `json:"name"`
	Namespace    string `json:"namespace"`
	Revision     int    `json:"revision"`
	Status       string `json:"status"`
	Description  string `json:"description"`
	Chart        string `json:"chart"`
	ChartVersion string `json:"chart_version"`
	AppVersion   string `json:"app_version"`
	// RollbackRevision is the revision that this one released again, or zero.
	RollbackRevision int `json:"rollback_revision,omitempty"`

	FirstDeployed time.Time         `json:"first_deployed"`
	LastDeployed  time.Time         `json:"last_deployed"`
	Labels        map[string]string `json:"labels"`
	Objects       []object          `json:"objects,omitempty"`
	Manifest      string            `json:"manifest,omitempty"`
	// Warnings are what the API server said while the operation ran.
	Warnings []string `json:"warnings,omitempty"`
	// Recovered is set when an interrupted revision was settled first: its number.
	Recovered int `json:"recovered,omitempty"`
}

type uninstalled struct {
	// Existed is false when there was nothing to uninstall.
	Existed   bool `json:"existed"`
	Recovered int  `json:"recovered,omitempty"`
}

type recovered struct {
	// Revision that was settled, or zero when the release was in order or absent.
	Revision int `json:"revision"`
}

type revisions struct {
	Revisions []revision `json:"revisions"`
}

type rendered struct {
	Manifest string   `json:"manifest"`
	Hooks    []string `json:"hooks,omitempty"`
	Notes    string   `json:"notes,omitempty"`
	Objects  []object `json:"objects"`
}

// checked is the answer to `check`: what an upgrade would make.
type checked struct {
	Objects []object `json:"objects"`
	// RecordBytes is the size of the release record.
	RecordBytes int      `json:"record_bytes"`
	Warnings    []string `json:"warnings,omitempty"`
}

// needs is the answer to `needs`: what a chart is, and which charts it wants that are not in its charts/.
type needs struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Missing []needed `json:"missing"`
}

// needed is a chart that is missing, in the version of the lock file, or of Chart.yaml where there is none.
type needed struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Repository string `json:"repository"`
}

type canceled struct {
	// Found is false when the request had already ended, or never was.
	Found bool `json:"found"`
}
