package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const keyFromKey = "pipeline.agent.keyFrom"

// unread are variables that other tools for OpenAI's protocol read by themselves.
// The pipeline reads a key where an environment names its variable, and no other:
// a release must not depend on the shell that a deploy runs in.
var unread = []struct{ name, instead string }{
	{"OPENAI_API_KEY", "`" + keyFromKey + ": OPENAI_API_KEY` in %s passes it to the backend"},
	{"OPENAI_BASE_URL", "backend.config.openai.baseUrl in %s sets the address of the model"},
	{"OPENAI_MODEL", "backend.config.openai.model in %s sets the name of the model"},
}

// variableName is what POSIX promises of a name. Capitals alone are taken, so
// that a key which somebody writes in the place of a name is refused.
var variableName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,63}$`)

// setKeyFrom does not repeat what is not a name: it may be the key itself.
func setKeyFrom(e *Environment, v given) error {
	if !variableName.MatchString(v.text) {
		return errors.New("is not the name of an environment variable: want capitals, digits and _, such as OPENAI_API_KEY; the key itself does not belong in a file")
	}
	e.Agent.KeyFrom = v.text
	return nil
}

// readKey reads the variable that the environment names. One that is not set is
// no mistake yet: only a deploy needs the key, and AgentKey says so there.
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

// AgentKey is the key to deploy with, empty where the environment names no
// variable. A variable that is named and not set is an Error: to deploy without
// the key would take it from the people who use the chat.
func (e *Environment) AgentKey() (Secret, error) {
	if e.Agent.KeyFrom == "" || e.Agent.APIKey != "" {
		return e.Agent.APIKey, nil
	}
	missing := e.keyFrom
	missing.Message = fmt.Sprintf("environment variable %s is empty: set it to the key, or remove keyFrom, and the deploy removes the key from the cluster", e.Agent.KeyFrom)
	return "", &Invalid{Environment: e.Name, Problems: []Problem{missing}}
}

// UnusedVariables says, a sentence each, which variables of the model are set and
// have no effect on this environment, and what to write to use them.
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
