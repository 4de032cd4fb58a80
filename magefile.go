//go:build mage

// The commands of this project. They are written in mage/targets; this file
// only names them for mage.
package main

import (
	//mage:import
	targets "todo-chatbot/mage/targets"
)

// Aliases are short names that mage reads from this file alone.
var Aliases = map[string]any{
	"clean": targets.Clean.Deployed,
}
