package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/release/common"
)

func TestAReleaseLives(t *testing.T) {
	o := newOffline(t)
	first := o.upgrade(t, configMap, nil)
	if first.Revision != 1 || first.Status != "deployed" || first.ChartVersion != "1.2.3" {
		t.Fatalf("after the install: %+v", first)
	}
	if len(first.Objects) != 1 || first.Objects[0] != (object{"v1", "ConfigMap", "shop", "demo"}) {
		t.Fatalf("objects: %+v", first.Objects)
	}
	second := o.upgrade(t, configMap, map[string]any{"color": "blue"})
	if second.Revision != 2 || second.Status != "deployed" {
		t.Fatalf("after the upgrade: %+v", second)
	}
	third := run[revision](t, o.executor, o.request(opRollback))
	if third.Revision != 3 || third.Status != "deployed" || !strings.Contains(third.Description, "1") {
		t.Fatalf("after the rollback: %+v", third)
	}
	shown := o.request(opStatus)
	shown.WithManifest = true
	status := run[revisions](t, o.executor, shown)
	if len(status.Revisions) != 1 || !strings.Contains(status.Revisions[0].Manifest, "color: red") {
		t.Fatalf("status: %+v", status)
	}
	history := run[revisions](t, o.executor, o.request(opHistory))
	if len(history.Revisions) != 3 || history.Revisions[0].Revision != 3 || history.Revisions[2].Status != "superseded" {
		t.Fatalf("history: %+v", history)
	}
	list := run[revisions](t, o.executor, o.request(opList))
	if len(list.Revisions) != 1 || list.Revisions[0].Revision != 3 {
		t.Fatalf("list: %+v", list)
	}
	if gone := run[uninstalled](t, o.executor, o.request(opUninstall)); !gone.Existed {
		t.Fatalf("uninstall: %+v", gone)
	}
	if again := run[uninstalled](t, o.executor, o.request(opUninstall)); again.Existed {
		t.Fatalf("a second uninstall: %+v", again)
	}
	if left := run[revisions](t, o.executor, o.request(opStatus)); len(left.Revisions) != 0 {
		t.Fatalf("status after the uninstall: %+v", left)
	}
}

// The engine repeats what it does not know to have succeeded.
func TestARepeatedRollbackGoesNoFurther(t *testing.T) {
	o := newOffline(t)
	for range 3 {
		o.upgrade(t, configMap, nil)
	}
	first := run[revision](t, o.executor, o.request(opRollback))
	again := run[revision](t, o.executor, o.request(opRollback))
	if first.RollbackRevision != 2 || again.Revision != first.Revision {
		t.Fatalf("%+v, then %+v", first, again)
	}
	o.interrupt(t, common.StatusPendingRollback)
	resumed := run[revision](t, o.executor, o.request(opRollback))
	if resumed.RollbackRevision != 2 || resumed.Revision != first.Revision+1 || resumed.Recovered != first.Revision {
		t.Fatalf("after an interrupted rollback: %+v", resumed)
	}
	o.upgrade(t, configMap, nil)
	if next := run[revision](t, o.executor, o.request(opRollback)); next.RollbackRevision != resumed.Revision {
		t.Fatalf("after a new upgrade: %+v", next)
	}
}

func TestHistoryStaysShort(t *testing.T) {
	o := newOffline(t)
	for range defaultHistoryMax + 3 {
		o.upgrade(t, configMap, nil)
	}
	history := run[revisions](t, o.executor, o.request(opHistory))
	if len(history.Revisions) != defaultHistoryMax {
		t.Fatalf("%d revisions are kept, expected %d", len(history.Revisions), defaultHistoryMax)
	}
}

func TestLabelsAndDescriptionAreRecorded(t *testing.T) {
	o := newOffline(t)
	r := o.request(opUpgrade)
	r.Chart.Archive = demoChart(t, configMap)
	r.Labels = map[string]string{"slipway.dev/deployment": "d1"}
	r.Description = "Deployment d1"
	done := run[revision](t, o.executor, r)
	if done.Labels["slipway.dev/deployment"] != "d1" || done.Description != "Deployment d1" {
		t.Fatalf("%+v", done)
	}
}

// A worker that dies in the middle leaves what this test makes: the newest revision in a passing state.
func TestAnInterruptedReleaseIsSettled(t *testing.T) {
	for _, status := range []common.Status{
		common.StatusPendingInstall, common.StatusPendingUpgrade, common.StatusPendingRollback, common.StatusUninstalling,
	} {
		for _, op := range []string{opUpgrade, opRollback, opUninstall, opRecover} {
			o := newOffline(t)
			o.upgrade(t, configMap, nil)
			o.upgrade(t, configMap, nil)
			o.interrupt(t, status)
			r := o.request(op)
			r.Chart.Archive = demoChart(t, configMap)
			result, err := o.executor.execute(context.Background(), r)
			if err != nil {
				t.Fatalf("%s of a release that is %s: %v", op, status, err)
			}
			settled := map[string]func() int{
				opUpgrade:   func() int { return result.(revision).Recovered },
				opRollback:  func() int { return result.(revision).Recovered },
				opUninstall: func() int { return result.(uninstalled).Recovered },
				opRecover:   func() int { return result.(recovered).Revision },
			}[op]()
			if settled != 2 {
				t.Errorf("%s of a release that is %s: recovered %d, expected 2", op, status, settled)
			}
			for _, left := range run[revisions](t, o.executor, o.request(opHistory)).Revisions {
				if strings.HasPrefix(left.Status, "pending") || left.Status == "uninstalling" {
					t.Errorf("%s of a release that is %s: revision %d is left %s", op, status, left.Revision, left.Status)
				}
			}
		}
	}
}

func TestAPendingReleaseIsLeftAloneWhenAsked(t *testing.T) {
	o := newOffline(t)
	o.upgrade(t, configMap, nil)
	o.interrupt(t, common.StatusPendingUpgrade)
	r := o.request(opUpgrade)
	r.Chart.Archive = demoChart(t, configMap)
	r.RefusePending = true
	if found := refused(t, o.executor, r); found.Code != "release-busy" || found.Kind != kindRetry {
		t.Fatalf("%+v", found)
	}
	status := run[revisions](t, o.executor, o.request(opStatus))
	if status.Revisions[0].Status != "pending-upgrade" {
		t.Fatalf("the record was changed: %+v", status.Revisions[0])
	}
}

func TestAFailedFirstInstallCanBeUpgraded(t *testing.T) {
	o := newOffline(t)
	o.upgrade(t, configMap, nil)
	o.interrupt(t, common.StatusPendingInstall)
	if done := o.upgrade(t, configMap, nil); done.Revision != 2 || done.Status != "deployed" {
		t.Fatalf("%+v", done)
	}
}

func TestRollbackWithoutAGoodRevisionIsRefused(t *testing.T) {
	o := newOffline(t)
	if found := refused(t, o.executor, o.request(opRollback)); found.Code != "release-not-found" {
		t.Fatalf("without a release: %+v", found)
	}
	o.upgrade(t, configMap, nil)
	if found := refused(t, o.executor, o.request(opRollback)); found.Code != "revision-not-found" {
		t.Fatalf("with one revision: %+v", found)
	}
}

func TestWhatAChartGetsWrongIsNamed(t *testing.T) {
	o := newOffline(t)
	for template, code := range map[string]string{
		`{{ fail "not today" }}`:      "template-failed",
		`{{ .Values.a.b.c.d }}`:       "template-failed",
		`{{ if }}`:                    "template-failed",
		`{{ include "missing" . }}`:   "template-failed",
		"kind: [unclosed":             "manifest-invalid",
		`{{ env "HOME" }}`:            "template-failed",
		`{{ required "color" .nix }}`: "template-failed",
	} {
		r := o.request(opUpgrade)
		r.Chart.Archive = demoChart(t, template)
		if found := refused(t, o.executor, r); found.Code != code || found.Kind != kindPermanent {
			t.Errorf("%s: %+v, expected %s", template, found, code)
		}
	}
}

func TestTemplatesSeeNeitherClusterNorHost(t *testing.T) {
	o := newOffline(t)
	r := o.request(opRender)
	r.Chart.Archive = demoChart(t, `kind: ConfigMap
lookup: {{ lookup "v1" "Secret" "shop" "db" | toJson }}
address: {{ getHostByName "localhost" | quote }}
`)
	done := run[rendered](t, o.executor, r)
	if !strings.Contains(done.Manifest, "lookup: {}") || !strings.Contains(done.Manifest, `address: ""`) {
		t.Fatal(done.Manifest)
	}
}

func TestAnOperationEndsWithItsTime(t *testing.T) {
	o := newOffline(t)
	entered := make(chan struct{})
	configure := o.executor.configure
	o.executor.configure = func(s *session) (*action.Configuration, error) {
		select {
		case <-entered:
		default:
			close(entered)
			<-s.ctx.Done()
		}
		if s.ctx.Err() != nil {
			return nil, context.Cause(s.ctx)
		}
		return configure(s)
	}
	r := o.request(opUpgrade)
	r.Chart.Archive = demoChart(t, configMap)
	r.TimeoutMS = 20
	if found := refused(t, o.executor, r); found.Code != "timeout" || found.Kind != kindRetry {
		t.Fatalf("%+v", found)
	}
}

func TestACanceledOperationSaysSo(t *testing.T) {
	o := newOffline(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	o.executor.configure = func(s *session) (*action.Configuration, error) {
		cancel(errCanceled)
		return nil, errors.New("the API server hung up")
	}
	_, err := o.executor.execute(ctx, o.request(opUninstall))
	if err == nil || classify(err).Kind != kindCanceled {
		t.Fatalf("%v, expected a cancellation", err)
	}
}

func TestAKubeconfigThatRunsAProgramIsRefused(t *testing.T) {
	program := `user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/true, interactiveMode: Never}}`
	where := cluster{Kubeconfig: writeKubeconfig(t, program), Context: "demo"}
	open := newConnections()
	if _, err := open.to(where); codeOf(t, err) != "kubeconfig-runs-program" {
		t.Fatalf("%v", err)
	}
	where.AllowExec = true
	if _, err := open.to(where); err != nil {
		t.Fatal(err)
	}
	where.Context = "other"
	if _, err := open.to(where); codeOf(t, err) != "kubeconfig-invalid" {
		t.Fatalf("%v", err)
	}
}

func TestAClusterThatIsGoneIsForLater(t *testing.T) {
	e := newExecutor()
	r := &request{Op: opUpgrade, Namespace: "shop", Release: "demo",
		Cluster: cluster{Kubeconfig: writeKubeconfig(t, "user: {}"), Context: "demo"}}
	r.Chart.Archive = demoChart(t, configMap)
	begin := time.Now()
	if found := refused(t, e, r); found.Code != "cluster-unreachable" || found.Kind != kindRetry {
		t.Fatalf("%+v", found)
	}
	if took := time.Since(begin); took > patience {
		t.Fatalf("it took %s to say so", took)
	}
}

func (o *offline) interrupt(t *testing.T, status common.Status) {
	t.Helper()
	op, err := o.executor.begin(context.Background(), o.request(opStatus))
	if err != nil {
		t.Fatal(err)
	}
	last, err := op.newest()
	if err != nil {
		t.Fatal(err)
	}
	last.Info.Status = status
	if err := op.configuration.Releases.Update(last); err != nil {
		t.Fatal(err)
	}
}
