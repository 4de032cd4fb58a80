package pipeline

import (
	"errors"

	"todo-chatbot/mage/database"
	"todo-chatbot/mage/release"
)

// Exit codes of the targets.
const (
	ExitBroken = 1 // something broke
	ExitUsage  = 2 // wrong usage or configuration: the user can fix it
	ExitRed    = 3 // the application runs but fails its checks
)

// Error is an error with an exit code.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string   { return e.Err.Error() }
func (e *Error) Unwrap() error   { return e.Err }
func (e *Error) ExitStatus() int { return e.Code }

// ExitCode returns the exit code of a target that ends with err.
func ExitCode(err error) int {
	var coded interface{ ExitStatus() int }
	switch {
	case err == nil:
		return 0
	case errors.As(err, &coded):
		return coded.ExitStatus()
	default:
		return ExitBroken
	}
}

// usageError marks an error that the user can fix by other arguments or files: its
// exit code is 2. nil stays nil.
func usageError(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: ExitUsage, Err: err}
}

// withExitCode marks the errors of package database and package release that are
// usage errors.
func withExitCode(err error) error {
	var (
		taken   *database.Taken
		refused *database.Refused
		absent  *database.Absent
		smaller *database.Smaller
		foreign *release.ForeignCredentials
	)
	if errors.As(err, &taken) || errors.As(err, &refused) || errors.As(err, &absent) || errors.As(err, &smaller) || errors.As(err, &foreign) {
		return usageError(err)
	}
	return err
}
