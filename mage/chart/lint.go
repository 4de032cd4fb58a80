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

// Check is the whole gate before a deploy: it loads the chart in dir, lints it
// with values, renders it for opts and validates the manifests; and the same for
// the oldest and the newest Kubernetes, because templates may ask which it is,
// unless opts say otherwise.
// It returns the manifests for opts.KubeVersion, or everything that is wrong in
// one error.
func Check(dir string, values Values, opts Options) ([]Manifest, error) {
	c, err := Load(dir)
	if err != nil {
		return nil, err
	}
	found, err := Lint(dir, values, opts)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == ruleValues || f.Rule == ruleTemplate }) {
		return nil, found.Err() // Helm renders no wrong values, and would write to the terminal what it skips
	}
	opts.given = texts(values.Map())
	var manifests []Manifest
	seen := map[place]bool{}
	for _, version := range opts.versions() {
		opts.KubeVersion = version
		if manifests, err = Render(c, values, opts); err != nil {
			return nil, cmp.Or(found.Err(), err) // what lint found is the cause, said better
		}
		all, err := Validate(manifests, opts)
		if err != nil {
			return nil, err
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
		return nil, err
	}
	return manifests, nil
}

// versions are the Kubernetes versions that Check looks at; the one that is asked
// for comes last.
func (o Options) versions() []string {
	own := cmp.Or(o.KubeVersion, NewestKubernetes)
	if o.KubeOnly {
		return []string{own}
	}
	others := slices.DeleteFunc([]string{NewestKubernetes, OldestKubernetes}, func(v string) bool { return v == own })
	return append(others, own)
}

// Lint checks the chart in dir and values: the schemas, Helm's own lint at its
// strictest, and that no template uses a function whose result changes from
// one rendering to the next. The error is for what keeps it from looking.
func Lint(dir string, values Values, opts Options) (Findings, error) {
	c, err := Load(dir)
	if err != nil {
		return nil, err
	}
	caps, err := capabilities(opts.KubeVersion)
	if err != nil {
		return nil, err
	}
	found, err := CheckValues(c, values)
	if err != nil {
		return nil, err
	}
	found = append(found, fickle(c)...)
	if len(found) > 0 {
		// Helm's lint would say the same again without the origins.
		return found.sorted(), nil
	}
	_, err = execute(c, values.Map(), opts, caps)
	if broken, ok := errors.AsType[*templateError](err); ok {
		// Helm's lint renders past what a template requires, with nothing in its
		// place: it would write so to the terminal and find fault with the nothing.
		return append(found, blame(c, values, opts, broken.finding(c))), nil
	}
	if opts.Linted {
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
	// changing are Helm's functions that depend on chance, time or the cluster.
	changing = regexp.MustCompile(`(?:^|[\s(|])(rand[A-Z]\w*|shuffle|now|date\w*|ago|uuidv4|gen[A-Z]\w*|htpasswd|bcrypt|encryptAES|lookup|getHostByName)\b`)
)

// fickle finds templates that would render differently the next time: a deploy
// of unchanged sources would then change the release.
func fickle(c *chart.Chart) Findings {
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
					Message: fmt.Sprintf("uses %q, which gives another result each time; pass the value in", m[1]),
				})
			}
		}
	}
	for _, d := range c.Dependencies() {
		found = append(found, fickle(d)...)
	}
	return found
}
