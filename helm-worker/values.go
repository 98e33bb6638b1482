package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"
)

// valuesFile is a file of values, and how a person calls it.
type valuesFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// setValue is one value by its path, as `--set-json` takes it.
type setValue struct {
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

// interpolation says what `{{NAME}}` in a value stands for.
type interpolation struct {
	Variables map[string]string `json:"variables"`
	// Secrets are the names that have a value which no release record may hold.
	Secrets []string `json:"secrets"`
}

// reference is a variable's name between braces; see `references` of slipway-core.
var reference = regexp.MustCompile(`\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}`)

// mergedValues are the values of the request as Helm merges them: the files in order, `values`, then `set`.
func (r *request) mergedValues() (map[string]any, error) {
	merged := map[string]any{}
	for _, file := range r.ValuesFiles {
		values, err := loader.LoadValues(strings.NewReader(file.Text))
		if err != nil {
			return nil, permanent("values-invalid", fmt.Sprintf("the values file %s: %v", file.Name, err))
		}
		if err := r.interpolate(file.Name, values); err != nil {
			return nil, err
		}
		merged = loader.MergeMaps(merged, values)
	}
	if err := r.interpolate("values", r.Values); err != nil {
		return nil, err
	}
	merged = loader.MergeMaps(merged, r.Values)
	for _, set := range r.Set {
		if err := r.applySet(set, merged); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

func (r *request) applySet(set setValue, merged map[string]any) error {
	var value any
	if err := json.Unmarshal(set.Value, &value); err != nil {
		return permanent("request-invalid", fmt.Sprintf("set.%s: %v", set.Path, err))
	}
	value, err := r.interpolated("set."+set.Path, value)
	if err != nil {
		return err
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return permanent("request-invalid", fmt.Sprintf("set.%s: %v", set.Path, err))
	}
	// A comma would begin the next pair, an equals sign the value: one path is expected.
	plain := strings.NewReplacer(`\\`, "", `\,`, "", `\=`, "").Replace(set.Path)
	if strings.ContainsAny(plain, ",=") || strings.Count(plain, "[") != strings.Count(plain, "]") {
		return permanent("values-invalid", fmt.Sprintf(
			`set.%s: one path expected, such as "image.tag" or "hosts[0].name"; a comma or equals sign in it is written \, or \=`, set.Path))
	}
	if err := strvals.ParseJSON(set.Path+"="+string(encoded), merged); err != nil {
		return permanent("values-invalid", fmt.Sprintf("set.%s: %v", set.Path, err))
	}
	return nil
}

// interpolate puts variables into every text of a mapping.
func (r *request) interpolate(place string, values map[string]any) error {
	if r.Interpolation == nil {
		return nil
	}
	for key, value := range values {
		replaced, err := r.interpolated(place+"."+key, value)
		if err != nil {
			return err
		}
		values[key] = replaced
	}
	return nil
}

func (r *request) interpolated(place string, value any) (any, error) {
	if r.Interpolation == nil {
		return value, nil
	}
	switch known := value.(type) {
	case string:
		return r.Interpolation.text(place, known)
	case map[string]any:
		return known, r.interpolate(place, known)
	case []any:
		for index, inner := range known {
			replaced, err := r.interpolated(fmt.Sprintf("%s[%d]", place, index), inner)
			if err != nil {
				return nil, err
			}
			known[index] = replaced
		}
	}
	return value, nil
}

// text puts variables into one text. What is not defined and not all in capitals is the chart's own: legends of
// dashboards and functions of templates are written in the same braces.
func (i *interpolation) text(place, text string) (string, error) {
	var refusal error
	replaced := reference.ReplaceAllStringFunc(text, func(match string) string {
		name := reference.FindStringSubmatch(match)[1]
		value, known := i.Variables[name]
		switch {
		case known:
			return value
		case slices.Contains(i.Secrets, name):
			refusal = permanent("value-secret", fmt.Sprintf(
				"%s uses {{%s}}, which is secret: a release record would hold it; name the existing Secret "+
					"{{SLIPWAY_SECRET_NAME}}, which has it under the key %s, where the chart takes one", place, name, name))
		case name == strings.ToUpper(name):
			refusal = permanent("value-undefined", fmt.Sprintf("%s uses {{%s}}, which is not defined", place, name))
		}
		return match
	})
	return replaced, refusal
}
