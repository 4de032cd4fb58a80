package chart

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

// Rendered is a chart with values that passed the gate.
type Rendered struct {
	Environment string       // named in the findings of Fit; the caller of Check sets it
	Chart       *chart.Chart // as Load returned it: the chart to install
	Values      Values
	Options     Options
	Manifests   []Manifest // for Options.KubeVersion
}

// Check is the whole gate before a deploy. It loads the chart in dir, once,
// lints it with values, renders it for opts and validates the manifests. Because
// templates may depend on the Kubernetes version, it does the same for the oldest
// and the newest version, unless opts say otherwise. The error holds all findings.
func Check(dir string, values Values, opts Options) (Rendered, error) {
	c, err := Load(dir)
	if err != nil {
		return Rendered{}, err
	}
	found, err := lintChart(c, dir, values, opts)
	if err != nil {
		return Rendered{}, err
	}
	if slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == ruleValues || f.Rule == ruleTemplate }) {
		return Rendered{}, found.Err() // rendering would log values that Helm skips
	}
	rendered := Rendered{Chart: c, Values: values, Options: opts}
	opts.given = texts(values.Map())
	seen := map[place]bool{}
	for _, version := range opts.versions() {
		opts.KubeVersion = version
		if rendered.Manifests, err = Render(c, values, opts); err != nil {
			return Rendered{}, cmp.Or(found.Err(), err) // a finding of the lint is the cause, and clearer
		}
		all, err := validate(rendered.Manifests, opts)
		if err != nil {
			return Rendered{}, err
		}
		fresh := slices.DeleteFunc(all, func(f Finding) bool { return seen[f.place()] })
		for _, f := range fresh {
			seen[f.place()] = true
		}
		if len(fresh) > 0 {
			found = append(found, trace(c, values, opts, fresh)...)
		}
	}
	if err := found.sorted().Err(); err != nil {
		return Rendered{}, err
	}
	return rendered, nil
}

// versions returns the Kubernetes versions that Check renders for, with
// o.KubeVersion last.
func (o Options) versions() []string {
	own := cmp.Or(o.KubeVersion, NewestKubernetes)
	if o.OneVersion {
		return []string{own}
	}
	others := slices.DeleteFunc([]string{NewestKubernetes, OldestKubernetes}, func(v string) bool { return v == own })
	return append(others, own)
}

// lintChart checks chart c, which was loaded from dir, and values: the schemas,
// Helm's own lint at its strictest, and that no template uses a function whose
// result changes from one rendering to the next.
func lintChart(c *chart.Chart, dir string, values Values, opts Options) (Findings, error) {
	caps, err := capabilities(opts.KubeVersion)
	if err != nil {
		return nil, err
	}
	found, err := checkValues(c, values)
	if err != nil {
		return nil, err
	}
	found = append(found, unstable(c)...)
	if len(found) > 0 {
		return found.sorted(), nil // Helm's lint would repeat them without their origins
	}
	_, err = execute(c, values.Map(), opts, caps)
	if broken, ok := errors.AsType[*templateError](err); ok {
		// Helm's lint replaces a missing required value by nothing, logs that, and
		// then reports the consequences instead of the cause.
		return append(found, blame(c, values, opts, broken.finding(c))), nil
	}
	if opts.NoHelmLint {
		return nil, nil
	}
	linter := lint.AllWithKubeVersion(dir, values.Map(), opts.Namespace, &caps.KubeVersion)
	for _, m := range linter.Messages {
		if m.Severity >= support.WarningSev {
			found = append(found, Finding{Rule: ruleLint, File: path.Join(c.Name(), m.Path), Message: strings.TrimSpace(m.Err.Error())})
		}
	}
	return found.sorted(), nil
}

var (
	action   = regexp.MustCompile(`(?s)\{\{-?\s*(.*?)\}\}`)
	literals = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	// changing matches template functions that depend on chance, time or the cluster.
	changing = regexp.MustCompile(`(?:^|[\s(|])(rand[A-Z]\w*|shuffle|now|date\w*|ago|uuidv4|gen[A-Z]\w*|htpasswd|bcrypt|encryptAES|lookup|getHostByName)\b`)
)

// unstable finds templates that render differently each time, so that a deploy of
// unchanged sources would change the release.
func unstable(c *chart.Chart) Findings {
	var found Findings
	for _, t := range c.Templates {
		text := string(t.Data)
		for _, at := range action.FindAllStringSubmatchIndex(text, -1) {
			code := text[at[2]:at[3]]
			if strings.HasPrefix(code, "/*") {
				continue
			}
			if m := changing.FindStringSubmatch(literals.ReplaceAllString(code, `""`)); m != nil {
				found = append(found, Finding{
					Rule: ruleStable, File: path.Join(c.ChartFullPath(), t.Name), Line: strings.Count(text[:at[0]], "\n") + 1,
					Message: fmt.Sprintf("uses %q, whose result changes from one rendering to the next; pass it in as a value", m[1]),
				})
			}
		}
	}
	for _, d := range c.Dependencies() {
		found = append(found, unstable(d)...)
	}
	return found
}
