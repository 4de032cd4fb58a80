package chart

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLookUpFindsEveryFieldByItsName(t *testing.T) {
	fields := 0
	for _, m := range manifests(t) {
		for _, leaf := range leaves(m.doc, nil, nil) {
			for i := range leaf {
				path := leaf[:i+1]
				want, there := follow(m.doc, path)
				require.True(t, there, path)
				got, there := lookUp(m.doc, fieldOf(m.doc, path))
				assert.True(t, there, path)
				assert.Equal(t, want, got, path)
				fields++
			}
		}
	}
	assert.Greater(t, fields, 1000)
}

func TestFieldNamesHaveTheFormOfKubectl(t *testing.T) {
	doc := map[string]any{"a": []any{map[string]any{"b.c/d": []any{1.0}}}}
	for name, path := range map[string][]string{
		"a":                {"a"},
		"a[0]":             {"a", "0"},
		"a[0][b.c/d]":      {"a", "0", "b.c/d"},
		"a[0][b.c/d][0]":   {"a", "0", "b.c/d", "0"},
		"a[0].missing.too": {"a", "0", "missing", "too"},
		"a[7].missing":     {"a", "7", "missing"},
	} {
		assert.Equal(t, name, fieldOf(doc, path))
		assert.Equal(t, path, tokens(name))
	}
	for _, absent := range []string{"b", "a[1]", "a[-1]", "a[x]", "a.b", "a[0].missing", "a[0][b.c/d][0].e"} {
		_, there := lookUp(doc, absent)
		assert.False(t, there, absent)
	}
}
