package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestValuesAreMergedAsHelmMergesThem(t *testing.T) {
	r := &request{
		ValuesFiles: []valuesFile{
			{Name: "one", Text: "image: {tag: one, name: app}\nlist: [1, 2]\nenabled: yes\n"},
			{Name: "two", Text: "image: {tag: '{{TAG}}'}\nlist: [3]\n"},
		},
		Values: map[string]any{"image": map[string]any{"pull": "{{ TAG }}-{{pod}}"}},
		Set: []setValue{
			{"image.name", []byte(`"{{TAG}}"`)}, {"ports[0].port", []byte("80")}, {`notes.a\.b`, []byte("null")},
		},
		Interpolation: &interpolation{Variables: map[string]string{"TAG": "a, \"b\"\n"}},
	}
	merged, err := r.mergedValues()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"image":   map[string]any{"tag": "a, \"b\"\n", "name": "a, \"b\"\n", "pull": "a, \"b\"\n-{{pod}}"},
		"list":    []any{3.0},
		"enabled": true,
		"ports":   []any{map[string]any{"port": 80.0}},
		"notes":   map[string]any{"a.b": nil},
	}
	if !reflect.DeepEqual(merged, want) {
		t.Errorf("got %#v\nwant %#v", merged, want)
	}
}

func TestTextInBracesStaysWhereNothingIsToBePutIn(t *testing.T) {
	r := &request{Values: map[string]any{"args": []any{"{{TOKEN}}"}}}
	merged, err := r.mergedValues()
	if err != nil || !reflect.DeepEqual(merged, r.Values) {
		t.Errorf("%v %v", merged, err)
	}
}

func TestAValueThatMayNotBeIsRefusedWithItsPlace(t *testing.T) {
	variables := &interpolation{Variables: map[string]string{"A": "a"}, Secrets: []string{"TOKEN"}}
	for _, refusal := range []struct {
		request request
		code    string
		words   string
	}{
		{request{Values: map[string]any{"a": []any{map[string]any{"b": "x{{TOKEN}}"}}}}, "value-secret", "values.a[0].b uses {{TOKEN}}, which is secret"},
		{request{Set: []setValue{{"a.b", []byte(`"{{NOWHERE}}"`)}}}, "value-undefined", "set.a.b uses {{NOWHERE}}"},
		{request{ValuesFiles: []valuesFile{{"values/x.yaml", "a: {b: '{{TOKEN}}'}"}}}, "value-secret", "values/x.yaml.a.b"},
		{request{ValuesFiles: []valuesFile{{"values/x.yaml", "a: ["}}}, "values-invalid", "the values file values/x.yaml"},
		{request{Set: []setValue{{"a=1,b", []byte("2")}}}, "values-invalid", "one path expected"},
		{request{Set: []setValue{{"a[", []byte("2")}}}, "values-invalid", "set.a[: one path expected"},
	} {
		refusal.request.Interpolation = variables
		_, err := refusal.request.mergedValues()
		if err == nil {
			t.Errorf("%s: no failure", refusal.words)
			continue
		}
		failed := classify(err)
		if failed.Code != refusal.code || !strings.Contains(failed.Message, refusal.words) {
			t.Errorf("%+v", failed)
		}
	}
}

func TestWhatHelmignoreNamesIsLeftOut(t *testing.T) {
	files := map[string]string{
		"Chart.yaml":          "apiVersion: v2\nname: demo\nversion: 1.2.3\n",
		".helmignore":         "broken/\n*.bak\n",
		"templates/demo.yaml": configMap,
		"templates/old.bak":   "{{ not a template",
		"broken/Chart.yaml":   "[",
		"values.yaml":         "color: red\n",
	}
	r := &request{Op: opRender, Namespace: "shop", Release: "demo", Chart: chartSource{Archive: pack(t, files), Ignore: true}}
	if done := run[rendered](t, newExecutor(), r); !strings.Contains(done.Manifest, "color: red") {
		t.Error(done.Manifest)
	}
	r.Chart.Ignore = false
	if failed := refused(t, newExecutor(), r); failed.Code != "template-failed" {
		t.Errorf("as it is, it does not render: %+v", failed)
	}
}

func TestARecordThatNoSecretHoldsIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	o := newOffline(t)
	r := o.request(opCheck)
	r.Chart.Archive = demoChart(t, configMap)
	small := run[checked](t, o.executor, r)
	if small.RecordBytes == 0 || len(small.Objects) != 1 {
		t.Fatalf("%+v", small)
	}
	r.Chart.Archive = demoChart(t, configMap+"  many: {{ randBytes 900000 }}\n")
	if failed := refused(t, o.executor, r); failed.Code != "release-too-large" {
		t.Errorf("%+v", failed)
	}
	if list := run[revisions](t, o.executor, o.request(opList)); len(list.Revisions) != 0 {
		t.Errorf("something was written: %+v", list)
	}
}
