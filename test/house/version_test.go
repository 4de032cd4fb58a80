package house

import (
	"fmt"
	"io/fs"
	"regexp"
	"testing"
)

// versionSource is the file whose version all others repeat.
const versionSource = "helm/todo-chatbot/Chart.yaml"

// versions are the places of the project's version, by file. The first group of
// each match is a version.
var versions = map[string]*regexp.Regexp{
	versionSource: regexp.MustCompile(`(?m)^(?:version|appVersion|    version): "?([^"\s]+)"?$`),
	"helm/todo-chatbot/charts/backend/Chart.yaml":    regexp.MustCompile(`(?m)^(?:version|appVersion): "?([^"\s]+)"?$`),
	"helm/todo-chatbot/charts/frontend/Chart.yaml":   regexp.MustCompile(`(?m)^(?:version|appVersion): "?([^"\s]+)"?$`),
	"helm/todo-chatbot/charts/postgresql/Chart.yaml": regexp.MustCompile(`(?m)^(?:version|appVersion): "?([^"\s]+)"?$`),
	"images/backend/pyproject.toml":                  regexp.MustCompile(`(?m)\A\[project\]\n(?:.+\n)*?version = "([^"]+)"$`),
	"images/backend/app/main.py":                     regexp.MustCompile(`(?m)^        version="([^"]+)",$`),
	"images/backend/openapi.json":                    regexp.MustCompile(`(?s)\A\{.*?"info": \{[^{}]*?"version": "([^"]+)"`),
	"images/frontend/package.json":                   regexp.MustCompile(`(?m)\A\{\n(?:  .+\n)*?  "version": "([^"]+)",$`),
	"images/frontend/package-lock.json":              regexp.MustCompile(`(?m)^(?:  "version"|      "name": "[^"]+",\n      "version"): "([^"]+)",$`),
}

// oneVersion wants every part of the project to have the version of the chart.
func oneVersion(t *testing.T, project fs.FS) []string {
	source := versions[versionSource].FindStringSubmatch(read(t, project, versionSource))
	if source == nil {
		return []string{versionSource + ": has no version"}
	}
	var violations []string
	for name, place := range versions {
		found := place.FindAllStringSubmatch(read(t, project, name), -1)
		if len(found) == 0 {
			violations = append(violations, name+": has no version")
		}
		for _, match := range found {
			if match[1] != source[1] {
				violations = append(violations, fmt.Sprintf("%s: has version %s, and %s has version %s", name, match[1], versionSource, source[1]))
			}
		}
	}
	return violations
}

func TestAllPartsHaveOneVersion(t *testing.T) {
	keeps(t, oneVersion)
	subchart := "apiVersion: v2\nversion: 1.2.3\nappVersion: 1.2.3\n"
	tree := func(changes map[string]string) map[string]string {
		all := map[string]string{
			versionSource: subchart + "dependencies:\n  - name: a\n    version: 1.2.3\n",
			"helm/todo-chatbot/charts/backend/Chart.yaml":    subchart,
			"helm/todo-chatbot/charts/frontend/Chart.yaml":   subchart,
			"helm/todo-chatbot/charts/postgresql/Chart.yaml": subchart,
			"images/backend/pyproject.toml":                  "[project]\nname = \"a\"\nversion = \"1.2.3\"\n",
			"images/backend/app/main.py":                     "    app = FastAPI(\n        version=\"1.2.3\",\n",
			"images/backend/openapi.json":                    `{"openapi": "3.1.0", "info": {"title": "a", "version": "1.2.3"}}`,
			"images/frontend/package.json":                   "{\n  \"name\": \"a\",\n  \"version\": \"1.2.3\",\n  \"dependencies\": {}\n}\n",
			"images/frontend/package-lock.json":              "{\n  \"version\": \"1.2.3\",\n  \"packages\": {\n    \"\": {\n      \"name\": \"a\",\n      \"version\": \"1.2.3\",\n",
		}
		for name, content := range changes {
			all[name] = content
		}
		return all
	}
	refuses(t, oneVersion, tree(nil))
	const and = ", and " + versionSource + " has version 1.2.3"
	refuses(t, oneVersion, tree(map[string]string{
		versionSource: subchart + "dependencies:\n  - name: a\n    version: 1.2.4\n",
		"helm/todo-chatbot/charts/backend/Chart.yaml": "version: 1.2.3\nappVersion: 0.1.0\n",
		"images/backend/pyproject.toml":               "[project]\nname = \"a\"\n\n[tool.b]\nversion = \"1.2.3\"\n",
		"images/backend/openapi.json":                 `{"info": {"version": "1.0.0"}}`,
		"images/frontend/package-lock.json":           "{\n  \"version\": \"1.2.3\",\n  \"packages\": {\n    \"\": {\n      \"name\": \"a\",\n      \"version\": \"2.0.0\",\n",
	}),
		versionSource+": has version 1.2.4"+and,
		"helm/todo-chatbot/charts/backend/Chart.yaml: has version 0.1.0"+and,
		"images/backend/pyproject.toml: has no version",
		"images/backend/openapi.json: has version 1.0.0"+and,
		"images/frontend/package-lock.json: has version 2.0.0"+and)
}
