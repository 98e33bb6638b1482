package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
)

// The table is what the server's own reader of ranges is held to (crates/core/src/version_range); here it is held to
// what Helm resolves ranges with. UPDATE_TABLE=1 writes the answers anew.
func TestTheTableOfVersionRangesIsWhatHelmSays(t *testing.T) {
	path := filepath.Join("testdata", "version-ranges.txt")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	var written []string
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case versions == nil:
			versions = strings.Split(line, " ")
		default:
			text, _, _ := strings.Cut(line, "\t")
			line = text + "\t" + admitted(t, text, versions)
		}
		written = append(written, line)
	}
	expected := strings.Join(written, "\n") + "\n"
	if os.Getenv("UPDATE_TABLE") != "" {
		if err := os.WriteFile(path, []byte(expected), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if expected != string(content) {
		t.Errorf("the table is not what Masterminds/semver says:\n%s", expected)
	}
}

func admitted(t *testing.T, text string, versions []string) string {
	t.Helper()
	constraint, err := semver.NewConstraint(text)
	if err != nil {
		return "invalid"
	}
	var those []string
	for _, version := range versions {
		parsed, err := semver.NewVersion(version)
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		if constraint.Check(parsed) {
			those = append(those, version)
		}
	}
	return strings.Join(those, " ")
}
