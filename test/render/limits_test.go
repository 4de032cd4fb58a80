package render_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// The chart has every limit of the backend, with the same default and bounds.
func TestLimitsOfChartMatchBackend(t *testing.T) {
	const chart = chartDir + "/charts/backend"
	var values struct {
		Config struct {
			Limits map[string]int `json:"limits"`
		} `json:"config"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, chart+"/values.yaml")), &values))
	var schema struct {
		Properties struct {
			Config struct {
				Properties struct {
					Limits struct {
						Properties map[string]struct {
							Minimum, Maximum int
						} `json:"properties"`
					} `json:"limits"`
				} `json:"properties"`
			} `json:"config"`
		} `json:"properties"`
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, chart+"/values.schema.json")), &schema))

	field := regexp.MustCompile(`(?m)^    ((?:chat_messages|task_changes|tasks|conversations|messages|chats)_\w+): int = Field\(default=([\d_]+), ge=(\d+), le=([\d_]+)\)$`)
	fields := field.FindAllStringSubmatch(read(t, "../../images/backend/app/core/config.py"), -1)
	assert.Len(t, fields, len(values.Config.Limits))
	assert.Len(t, schema.Properties.Config.Properties.Limits.Properties, len(fields))
	configMap := read(t, chart+"/templates/configmap.yaml")
	for _, f := range fields {
		words := strings.Split(f[1], "_")
		for i := range words[1:] {
			words[i+1] = strings.ToUpper(words[i+1][:1]) + words[i+1][1:]
		}
		key := strings.Join(words, "")
		bounds := schema.Properties.Config.Properties.Limits.Properties[key]
		assert.Equal(t, number(t, f[2]), values.Config.Limits[key], key)
		assert.Equal(t, number(t, f[3]), bounds.Minimum, key)
		assert.Equal(t, number(t, f[4]), bounds.Maximum, key)
		assert.Contains(t, configMap, strings.ToUpper(f[1])+": {{ ."+key+" | quote }}")
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.ReplaceAll(text, "_", ""))
	require.NoError(t, err)
	return n
}
