package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"todo-chatbot/mage/outside"
)

// setMirrors takes a table from the file, or REGISTRY=MIRROR pairs with commas
// between them from the variable.
func setMirrors(e *Environment, v given) error {
	mirrors := v.table
	if len(mirrors) == 0 {
		mirrors = map[string]string{}
		for pair := range strings.SplitSeq(v.text, ",") {
			host, mirror, found := strings.Cut(strings.TrimSpace(pair), "=")
			if !found {
				return fmt.Errorf("%q is not REGISTRY=MIRROR, such as registry.example.com=harbor.example.com/hub", pair)
			}
			mirrors[host] = mirror
		}
	}
	var problems []error
	for _, host := range slices.Sorted(maps.Keys(mirrors)) {
		problems = append(problems, outside.CheckMirror(host, mirrors[host]))
	}
	e.Mirrors = mirrors
	return errors.Join(problems...)
}

// setInsecure takes a list from the file, or hosts with commas between them from
// the variable.
func setInsecure(e *Environment, v given) error {
	hosts := v.list
	if len(hosts) == 0 {
		hosts = strings.Split(strings.ReplaceAll(v.text, " ", ""), ",")
	}
	var problems []error
	for _, host := range hosts {
		problems = append(problems, outside.CheckInsecure(host))
	}
	e.InsecureRegistries = hosts
	return errors.Join(problems...)
}
