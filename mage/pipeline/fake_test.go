package pipeline

import "context"

// fixedServices is a factory of given services; nil means that there is no engine.
type fixedServices struct{ services *services }

func (f fixedServices) start(context.Context) (*services, error) { return f.services, nil }
func (f fixedServices) find(context.Context) (*services, error)  { return f.services, nil }
func (f fixedServices) daemon() EngineProcess                    { return stoppedDaemon{} }

// stoppedDaemon is an engine that the pipeline did not start.
type stoppedDaemon struct{}

func (stoppedDaemon) Noted() string                                { return "" }
func (stoppedDaemon) Stop(context.Context) (string, string, error) { return "", "", nil }
