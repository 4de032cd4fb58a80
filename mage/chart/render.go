package chart

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

// Options describe the release that a chart is rendered for.
type Options struct {
	Release     string   // name; required
	Namespace   string   // required
	KubeVersion string   // for example "1.36.3"; "" means NewestKubernetes
	OneVersion  bool     // Check renders for KubeVersion alone, which is faster
	NoHelmLint  bool     // Check leaves out Helm's own lint, which depends on the chart more than on values
	Capacity    Capacity // of the cluster
	RequireTLS  bool     // the gate refuses entry points without TLS, because people reach the cluster over a network

	given map[string]bool // all strings in the user's values
}

// Manifest is one rendered resource.
type Manifest struct {
	File       string // its template, such as "todo-chatbot/charts/backend/templates/service.yaml"
	APIVersion string
	Kind       string
	Name       string
	Hook       string // value of the helm.sh/hook annotation; "" if it is not a hook
	YAML       string

	doc   map[string]any // the parsed YAML
	twice []string       // duplicate keys in the YAML
}

// object names the resource in findings.
func (m Manifest) object() string { return strings.TrimSpace(m.Kind + " " + m.Name) }

// Render returns the chart's resources, including hooks, sorted by template. The
// result depends only on the arguments. If a template uses a value that is not set,
// Render returns an error, where Helm renders nothing. Render does not validate
// values against the schemas; Check does.
func Render(c *chart.Chart, values Values, opts Options) ([]Manifest, error) {
	caps, err := capabilities(opts.KubeVersion)
	if err != nil {
		return nil, err
	}
	if err := chartutil.ValidateReleaseName(opts.Release); err != nil {
		return nil, fmt.Errorf("render chart %q: release name %q: %w", c.Name(), opts.Release, err)
	}
	if want := c.Metadata.KubeVersion; want != "" && !satisfies(want, caps.KubeVersion.Version) {
		return nil, fmt.Errorf("render chart %q: it requires Kubernetes %s, and the cluster has %s", c.Name(), want, caps.KubeVersion.Version)
	}
	files, err := execute(c, values.Map(), opts, caps)
	if err != nil {
		return nil, fmt.Errorf("render chart %q: %w", c.Name(), err)
	}
	return split(files)
}

// execute runs the templates and returns their output by file. The error is a
// *templateError if a template is the cause.
func execute(c *chart.Chart, user map[string]any, opts Options, caps *chartutil.Capabilities) (map[string]string, error) {
	c = clone(c)
	if err := chartutil.ProcessDependenciesWithMerge(c, user); err != nil {
		return nil, err
	}
	scope, err := chartutil.ToRenderValuesWithSchemaValidation(c, user, chartutil.ReleaseOptions{
		Name: opts.Release, Namespace: opts.Namespace, Revision: 1,
		IsInstall: true,
	}, caps, true)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(c, scope)
	if err != nil {
		return nil, &templateError{err}
	}
	return files, nil
}

func capabilities(kubeVersion string) (*chartutil.Capabilities, error) {
	caps := chartutil.DefaultCapabilities.Copy()
	v, err := chartutil.ParseKubeVersion(cmp.Or(kubeVersion, NewestKubernetes))
	if err != nil {
		return nil, fmt.Errorf("parse Kubernetes version %q: %w", kubeVersion, err)
	}
	caps.KubeVersion = *v
	return caps, nil
}

func satisfies(constraint, version string) bool {
	return chartutil.IsCompatibleRange(constraint, version)
}

// split parses rendered files into resources. It skips partials and notes, which
// contain none.
func split(files map[string]string) ([]Manifest, error) {
	var manifests []Manifest
	for file, content := range files {
		if strings.HasPrefix(path.Base(file), "_") || strings.HasSuffix(file, "NOTES.txt") {
			continue
		}
		docs := releaseutil.SplitManifests(content)
		keys := make([]string, 0, len(docs))
		for key := range docs {
			keys = append(keys, key)
		}
		sort.Sort(releaseutil.BySplitManifestsOrder(keys))
		for _, key := range keys {
			m, err := parseManifest(file, docs[key])
			if err != nil {
				return nil, err
			}
			if m.YAML != "" {
				manifests = append(manifests, m)
			}
		}
	}
	slices.SortStableFunc(manifests, func(a, b Manifest) int { return cmp.Compare(a.File, b.File) })
	return manifests, nil
}

// parseManifest parses one document. A document that contains only comments gives a
// Manifest without YAML.
func parseManifest(file, doc string) (Manifest, error) {
	var content map[string]any
	var twice []string
	if strict := yaml.UnmarshalStrict([]byte(doc), &content); strict != nil {
		content = nil
		if err := yaml.Unmarshal([]byte(doc), &content); err != nil {
			return Manifest{}, fmt.Errorf("parse the output of template %q: %w", file, err)
		}
		twice = doubleKey.FindAllString(strict.Error(), -1)
	}
	if len(content) == 0 {
		return Manifest{}, nil
	}
	m := Manifest{File: file, YAML: strings.TrimSpace(doc) + "\n", doc: content, twice: twice}
	for _, head := range []struct {
		field string
		into  *string
	}{{"apiVersion", &m.APIVersion}, {"kind", &m.Kind}, {"metadata.name", &m.Name}, {"metadata.annotations[helm.sh/hook]", &m.Hook}} {
		value, _ := lookUp(content, head.field)
		text, isText := value.(string)
		if value != nil && !isText {
			return Manifest{}, fmt.Errorf("parse the output of template %q: %s is of type %s, must be string", file, head.field, kindOf(value))
		}
		*head.into = text
	}
	return m, nil
}

// doubleKey matches the duplicate keys in an error of the YAML parser.
var doubleKey = regexp.MustCompile(`key "[^"]*"`)
