package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const keyFromKey = "pipeline.agent.keyFrom"

// unread are variables that other tools for OpenAI's protocol read. The pipeline reads
// only the variable that the environment names, so that a release does not depend on
// the shell of a deploy.
var unread = []struct{ name, instead string }{
	{"OPENAI_API_KEY", "`" + keyFromKey + ": OPENAI_API_KEY` in %s passes it to the backend"},
	{"OPENAI_BASE_URL", "backend.config.openai.baseUrl in %s sets the address of the model"},
	{"OPENAI_MODEL", "backend.config.openai.model in %s sets the name of the model"},
}

// variableName is a name that POSIX allows, in capitals only: this refuses a key that
// somebody writes in place of a name.
var variableName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,63}$`)

// setKeyFrom does not repeat a wrong value, which may be the key itself.
func setKeyFrom(e *Environment, v given) error {
	if !variableName.MatchString(v.text) {
		return errors.New("is not the name of an environment variable: want capitals, digits and _, such as OPENAI_API_KEY; the key itself does not belong in a file")
	}
	e.Agent.KeyFrom = v.text
	return nil
}

// readKey reads the variable that the environment names. A variable that is not set
// is not reported here, because only a deploy needs the key: see AgentKey.
func (e *Environment) readKey(getenv func(string) string, f *faults) {
	if e.Agent.KeyFrom == "" {
		return
	}
	e.keyFrom = f.origin[keyFromKey]
	value := getenv(e.Agent.KeyFrom)
	key := strings.TrimSpace(value)
	if value != "" && (key == "" || strings.ContainsAny(key, " \t\r\n")) {
		f.found = append(f.found, Problem{Variable: e.Agent.KeyFrom, Key: keyFromKey,
			Message: "holds blanks: give the key alone, or remove " + keyFromKey + " to use the built-in model"})
		return
	}
	e.Agent.APIKey = Secret(key)
}

// AgentKey is the key to deploy with, empty if the environment names no variable. A
// variable that is named and not set is an Error: a deploy without the key removes it
// from the cluster.
func (e *Environment) AgentKey() (Secret, error) {
	if e.Agent.KeyFrom == "" || e.Agent.APIKey != "" {
		return e.Agent.APIKey, nil
	}
	missing := e.keyFrom
	missing.Message = fmt.Sprintf("environment variable %s is empty: set it to the key, or remove keyFrom, and the deploy removes the key from the cluster", e.Agent.KeyFrom)
	return "", &Invalid{Environment: e.Name, Problems: []Problem{missing}}
}

// UnusedVariables lists the variables of the model that are set and have no effect on
// this environment. Each sentence names the setting to use instead.
func (e *Environment) UnusedVariables(getenv func(string) string) []string {
	var notes []string
	for _, v := range unread {
		named := v.name == "OPENAI_API_KEY" && e.Agent.KeyFrom != ""
		if getenv(v.name) != "" && !named {
			notes = append(notes, v.name+" is set and not used: "+fmt.Sprintf(v.instead, valuesDir+"/"+e.Name+suffix))
		}
	}
	return notes
}
