package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/config"
)

func loadMirrors(t *testing.T, block string, variables map[string]string) (*config.Environment, error) {
	t.Helper()
	content := "pipeline:\n  url: {port: 8080}\n" + block + "frontend: {service: {nodePort: 30080}}\n"
	root := project(t, map[string]string{"values/dev.yaml": content, "values/staging.yaml": staging})
	return config.Load(root, "dev", func(name string) string { return variables[name] })
}

func TestMirrorsComeFromTheFileOrTheVariable(t *testing.T) {
	want := map[string]string{"docker.io": "harbor.example.com/hub", "registry.k8s.io": "mirror.localhost:5000"}
	file := "  mirrors: {docker.io: harbor.example.com/hub, registry.k8s.io: \"mirror.localhost:5000\"}\n  insecureRegistries: [plain.example.com, \"10.0.0.1:5000\"]\n"
	env, err := loadMirrors(t, file, nil)
	require.NoError(t, err)
	assert.Equal(t, want, env.Mirrors)
	assert.Equal(t, []string{"plain.example.com", "10.0.0.1:5000"}, env.InsecureRegistries)

	env, err = loadMirrors(t, "", map[string]string{
		"TODO_MIRRORS": "docker.io=harbor.example.com/hub, registry.k8s.io=mirror.localhost:5000", "TODO_INSECURE_REGISTRIES": "plain.example.com, 10.0.0.1:5000",
	})
	require.NoError(t, err)
	assert.Equal(t, want, env.Mirrors)
	assert.Equal(t, []string{"plain.example.com", "10.0.0.1:5000"}, env.InsecureRegistries)
}

func TestFaultyMirrorsAreNamedWithTheirPlace(t *testing.T) {
	_, err := loadMirrors(t, "  mirrors: {docker.io: \"https://harbor.example.com\"}\n  insecureRegistries: [harbor.example.com/hub]\n", nil)
	assert.ErrorContains(t, err, `values/dev.yaml:3: pipeline.mirrors: mirror of index.docker.io: "https://harbor.example.com" is not the name of an image registry`)
	assert.ErrorContains(t, err, `values/dev.yaml:4: pipeline.insecureRegistries: insecure registry "harbor.example.com/hub"`)
	_, err = loadMirrors(t, "", map[string]string{"TODO_MIRRORS": "harbor.example.com"})
	assert.ErrorContains(t, err, "TODO_MIRRORS")
	assert.ErrorContains(t, err, `"harbor.example.com" is not REGISTRY=MIRROR`)
}
