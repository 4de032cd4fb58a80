package render_test

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/chart"
)

// schema is the used part of a JSON schema.
type schema struct {
	Ref                  string             `json:"$ref"`
	AllOf                []schema           `json:"allOf"`
	Properties           map[string]schema  `json:"properties"`
	AdditionalProperties any                `json:"additionalProperties"`
	Definitions          map[string]*schema `json:"definitions"`

	never bool // the schema accepts nothing
}

func (s *schema) UnmarshalJSON(data []byte) error {
	if string(data) == "false" {
		s.never = true
		return nil
	}
	type plain schema
	return json.Unmarshal(data, (*plain)(s))
}

// resolved follows a reference into the definitions of root.
func (s schema) resolved(root schema) schema {
	if len(s.AllOf) > 0 {
		s = s.AllOf[0]
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/definitions/"); ok {
		return *root.Definitions[name]
	}
	return s
}

// tables returns the paths of all tables with named keys.
func (s schema) tables(root schema, at string) []string {
	s = s.resolved(root)
	if s.AdditionalProperties != false {
		return nil
	}
	found := []string{at}
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		found = append(found, s.Properties[key].tables(root, path.Join(at, key))...)
	}
	return found
}

// schemas returns the schemas by subchart; the chart's own has the name "".
func schemas(t *testing.T) (map[string]schema, *helmchart.Chart) {
	t.Helper()
	c, err := chart.Load(chartDir)
	require.NoError(t, err)
	all := map[string]schema{}
	for name, c := range charts(c) {
		var s schema
		require.NoError(t, json.Unmarshal(c.Schema, &s), name)
		all[name] = s
	}
	return all, c
}

func charts(c *helmchart.Chart) map[string]*helmchart.Chart {
	all := map[string]*helmchart.Chart{"": c}
	for _, sub := range c.Dependencies() {
		all[sub.Name()] = sub
	}
	return all
}

// nested returns the table {a: {b: leaf}} for the path a/b.
func nested(at string, leaf map[string]any) map[string]any {
	if at == "" {
		return leaf
	}
	head, rest, _ := strings.Cut(at, "/")
	return map[string]any{head: nested(rest, leaf)}
}

func TestUnknownKeyIsRefusedAtEveryLevel(t *testing.T) {
	all, _ := schemas(t)
	levels := 0
	for name, s := range all {
		for _, at := range s.tables(s, name) {
			levels++
			values := nested(at, map[string]any{"surprise": 1})
			_, err := helmInstall(t, values, "todo", "todo-test")
			require.Error(t, err, "helm accepts an unknown key in %q", at)
			assert.Contains(t, err.Error(), "surprise")

			text, err := yaml.Marshal(values)
			require.NoError(t, err)
			key := strings.ReplaceAll(path.Join(at, "surprise"), "/", ".")
			assert.Contains(t, refused(t, string(text)), key+": unknown key", "the gate names the key and its place")
		}
	}
	assert.Greater(t, levels, 40, "the schemas were not read")
}

// Every key of the schema has a default, and therefore a comment and a row in the
// documentation. Keys inside lists and free-form tables have none.
func TestEveryKeyOfSchemasHasDefault(t *testing.T) {
	all, c := schemas(t)
	optional := []string{"initialDelaySeconds", "ephemeral-storage", "nodeAffinity", "podAffinity", "podAntiAffinity"}
	for name, sub := range charts(c) {
		var walk func(s schema, defaults map[string]any, at string)
		walk = func(s schema, defaults map[string]any, at string) {
			for key, property := range s.resolved(all[name]).Properties {
				where := path.Join(at, key)
				if property.never || slices.Contains(optional, key) || name != "" && where == "global" ||
					name == "" && (where == chart.PipelineKey || where == "frontend" || where == "backend") {
					continue
				}
				value, there := defaults[key]
				assert.True(t, there, "%s: %s", name, where)
				if table, ok := value.(map[string]any); ok {
					walk(property, table, where)
				}
			}
		}
		walk(all[name], sub.Values, "")
	}
}

func TestInvalidValuesAreRefused(t *testing.T) {
	for values, want := range map[string]string{
		"frontend: {service: {nodePort: 80}}":                                "frontend.service.nodePort",
		"frontend: {service: {nodePort: '30080'}}":                           "is of type string, must be integer",
		"frontend: {service: {type: Nodeport}}":                              `must be one of "ClusterIP", "NodePort", "LoadBalancer"`,
		"backend: {replica: 2}":                                              `did you mean "replicas"?`,
		"backend: {resources: {limits: {memory: 512MB}}}":                    "backend.resources.limits.memory",
		"backend: {config: {logLevel: critical}}":                            "backend.config.logLevel",
		"backend: {tolerations: [{keey: a}]}":                                "unknown key",
		"backend: {networkPolicy: {from: [{podSelectr: {}}]}}":               "unknown key",
		"backend: {networkPolicy: {from: [{}]}}":                             "backend.networkPolicy.from.0",
		"backend: {podLabels: {app.kubernetes.io/name: mine}}":               "backend.podLabels.app.kubernetes.io/name",
		"frontend: {service: {loadBalancerSourceRanges: [anyone]}}":          "frontend.service.loadBalancerSourceRanges.0",
		"postgresql: {persistence: {size: 0Gi}}":                             "postgresql.persistence.size",
		"postgresql: {backup: {keep: 0}}":                                    "postgresql.backup.keep",
		"global: {database: {user: 'to\"do'}}":                               "global.database.user",
		"global: {networkPolicy: {dns: []}}":                                 "global.networkPolicy.dns",
		"global: {networkPolicy: {database: [{ipBlock: {cidr: 10.0.0.7}}]}}": "global.networkPolicy.database.0.ipBlock.cidr",
		"backend: {networkPolicy: {from: [{ipBlock: {cidr: any}}]}}":         "backend.networkPolicy.from.0.ipBlock.cidr",
		"frontend: {networkPolicy: {from: [{ipBlock: {cdir: 10.0.0.0/8}}]}}": "unknown key",
		"frontend: {ingress: {host: 'http://todo.test'}}":                    "frontend.ingress.host",
		"frontend: {ingress: {host: 'todo.test:8080'}}":                      "frontend.ingress.host",
		"frontend: {httpRoute: {hostnames: [Todo.test]}}":                    "frontend.httpRoute.hostnames.0",
		"frontend: {resources: {limits: {memory: 512}}}":                     "frontend.resources.limits.memory",
		"frontend: {resources: {requests: {memory: 512m}}}":                  "frontend.resources.requests.memory",
		"frontend: {resources: {requests: {cpu: 1Gi}}}":                      "frontend.resources.requests.cpu",
		"global: {credentialsSecret: Mine}":                                  "global.credentialsSecret",
		"global: {imagePullSecrets: [registry_login]}":                       "global.imagePullSecrets.0",
		"global: {database: {passwordSecret: {name: 'a b'}}}":                "global.database.passwordSecret.name",
		"frontend: {ingress: {className: 'Nginx Class'}}":                    "frontend.ingress.className",
		"frontend: {ingress: {tlsSecretName: My_cert}}":                      "frontend.ingress.tlsSecretName",
		"postgresql: {persistence: {storageClass: 'Fast SSD'}}":              "postgresql.persistence.storageClass",
		"postgresql: {priorityClassName: High}":                              "postgresql.priorityClassName",
		"backend: {config: {limits: {tasksPerUser: 2001}}}":                  "backend.config.limits.tasksPerUser",
		"backend: {config: {chatTimeoutSeconds: 301}}":                       "backend.config.chatTimeoutSeconds",
		"global: {database: {host: 'db.test:5432'}}":                         "global.database.host",
		"global: {database: {host: 'postgresql://db.test'}}":                 "global.database.host",
	} {
		got := refused(t, values)
		assert.Contains(t, got, want)
		assert.Contains(t, got, "values/test.yaml")
	}
	assert.Contains(t, refused(t, "frontend: {httpRoute: {enabled: true}}"), "frontend.httpRoute.parentRefs", "a default that contradicts a value")
}

func TestContradictingValuesAreRefusedWithSentence(t *testing.T) {
	external := "postgresql: {enabled: false}\nglobal: {database: {host: db.test, sslMode: verify-full}}"
	for values, want := range map[string]string{
		"postgresql: {enabled: false}":                                                    "set global.database.host to the host of an external database",
		"global: {database: {host: db.test}}":                                             "set postgresql.enabled to false",
		"global: {database: {sslMode: require}}":                                          "the PostgreSQL of this chart does not support TLS",
		external:                                                                          "set global.database.caSecret.name to the Secret with the certificate authority",
		"frontend: {rollingUpdate: {maxSurge: 0}}":                                        "frontend.rollingUpdate: maxSurge and maxUnavailable are both 0",
		"backend: {rollingUpdate: {maxSurge: 0%, maxUnavailable: 0%}}":                    "backend.rollingUpdate: maxSurge and maxUnavailable are both 0",
		"frontend: {terminationGracePeriodSeconds: 30}":                                   "frontend.terminationGracePeriodSeconds is 30: set it to at least 68",
		"backend: {config: {chatTimeoutSeconds: 90}}":                                     "frontend.terminationGracePeriodSeconds is 70: ",
		"backend: {preStopSeconds: 30}":                                                   "backend.terminationGracePeriodSeconds is 70: ",
		"backend: {migrationSeconds: 600}":                                                "backend.progressDeadlineSeconds is 240: set it to more than 660",
		"frontend: {probes: {startup: {initialDelaySeconds: 30, failureThreshold: 120}}}": "frontend.progressDeadlineSeconds is 240: set it to more than 300",
	} {
		got := refused(t, values)
		assert.Contains(t, got, want)
		assert.Regexp(t, `\(values/test\.yaml:\d `, got, "the place of the values")
		var table map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(values), &table))
		_, err := helmInstall(t, table, "todo", "todo-test")
		assert.ErrorContains(t, err, want, "helm reports it too")
	}
}
