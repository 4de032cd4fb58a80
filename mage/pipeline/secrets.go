package pipeline

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/config"
	"todo-chatbot/mage/database"
	"todo-chatbot/mage/release"
)

// Keys of the Secret with the credentials that the pipeline generates.
const (
	databasePassword = "database-password" // of the role that owns the database
	frontendPassword = "frontend-database-password"
	backendPassword  = "backend-database-password"
	authSecret       = "auth-secret"
)

var (
	databasePasswords = []string{databasePassword, frontendPassword, backendPassword}
	credentialKeys    = append([]string{authSecret}, databasePasswords...)
)

// agentKey is the key of the model's API key in the same Secret. It exists as long as
// the environment names a variable for it (pipeline.agent.keyFrom).
const agentKey = "openai-api-key"

// credentialsSecret is the name of the Secret.
func (p *Pipeline) credentialsSecret() string { return p.env.Release + "-credentials" }

// ensureCredentials generates missing credentials, and sets or removes the model's API
// key. stale is true if running pods have other values.
func (p *Pipeline) ensureCredentials(ctx context.Context, client kubernetes.Interface) (stale bool, err error) {
	key, err := p.modelKey()
	if err != nil {
		return false, err
	}
	keys, err := p.neededKeys()
	if err != nil {
		return false, err
	}
	had, err := release.HasCredential(ctx, client, p.env.Namespace, p.credentialsSecret(), agentKey)
	if err != nil {
		return false, err
	}
	stale, err = release.EnsureCredentials(ctx, client, p.env.Namespace, p.credentialsSecret(), keys, map[string]string{agentKey: key.Reveal()})
	if err != nil {
		return false, err
	}
	switch {
	case key != "":
		p.opts.Progress.Start("agent", "key from "+p.env.Agent.KeyFrom).Done("used", "in Secret "+p.credentialsSecret())
	case had:
		p.opts.Progress.Start("agent", "key").Done("removed", "pipeline.agent.keyFrom names no variable")
	}
	return stale, nil
}

// modelKey returns the API key of the chat's model, empty if the environment names no
// variable for it. It refuses an environment whose backend would read the key from
// another Secret or key than the one that a deploy writes.
func (p *Pipeline) modelKey() (config.Secret, error) {
	key, err := p.env.AgentKey()
	if err != nil || p.env.Agent.KeyFrom == "" {
		return key, err
	}
	const setting = "backend.config.openai.apiKeySecret"
	for _, other := range []struct {
		setting, wanted string
		path            []string
	}{
		{setting + ".name", p.credentialsSecret(), []string{"backend", "config", "openai", "apiKeySecret", "name"}},
		{setting + ".key", agentKey, []string{"backend", "config", "openai", "apiKeySecret", "key"}},
		{"global.credentialsSecret", p.credentialsSecret(), []string{"global", "credentialsSecret"}},
	} {
		set, err := p.value(other.path...)
		if err != nil {
			return "", err
		}
		if set != "" && set != other.wanted {
			return "", usageError(fmt.Errorf("values/%s.yaml: pipeline.agent.keyFrom writes the key of the model to key %q of Secret %q, but %s is %q, so the backend reads another value: remove one of the two settings",
				p.env.Name, agentKey, p.credentialsSecret(), other.setting, set))
		}
	}
	return key, nil
}

// neededKeys returns the keys of the credentials that the chart reads. The roles of
// frontend and backend have their own passwords only if they are separate, as
// todo-chatbot.separateRoles in the chart decides.
func (p *Pipeline) neededKeys() ([]string, error) {
	roles, err := p.value("global", "database", "roles")
	if err != nil || roles == "separate" {
		return credentialKeys, err
	}
	shared := roles == "single"
	for _, path := range [][]string{{"global", "database", "host"}, {"global", "database", "passwordSecret", "name"}, {"global", "credentialsSecret"}} {
		set, err := p.value(path...)
		if err != nil {
			return nil, err
		}
		shared = shared || set != ""
	}
	if shared {
		return []string{authSecret, databasePassword}, nil
	}
	return credentialKeys, nil
}

// value returns a text in the environment's values for the chart, empty if it is not set.
func (p *Pipeline) value(path ...string) (string, error) {
	values, err := p.values(nil)
	if err != nil {
		return "", err
	}
	text, _, err := unstructured.NestedString(values.Map(), path...)
	if err != nil {
		return "", usageError(fmt.Errorf("values/%s.yaml: %w", p.env.Name, err))
	}
	return text, nil
}

// RotateSecrets gives the database's roles new passwords and the sessions a new secret,
// without losing data. Everyone has to sign in again, because the cookies and tokens
// that people have are signed with the old secret.
func (p *Pipeline) RotateSecrets(ctx context.Context) (done Deployment, err error) {
	err = p.exclusive(ctx, "secrets:rotate", func(ctx context.Context) error {
		return p.withTarget(ctx, func(_ *services, t target) error {
			if err := p.rotate(ctx, t); err != nil {
				return withExitCode(err)
			}
			done, err = p.settle(ctx, t, t.database.Replaced)
			return withExitCode(err)
		})
	})
	return done, err
}

// rotate generates new values and distributes them, after it checked that it can.
func (p *Pipeline) rotate(ctx context.Context, t target) error {
	step := p.opts.Progress.Start("secrets", p.env.Namespace+"/"+p.credentialsSecret())
	if err := p.checkCredentialUse(ctx, t.database); err != nil {
		return step.Fail(err)
	}
	rotation, err := release.BeginRotation(ctx, t.kubernetes, p.env.Namespace, p.credentialsSecret(), credentialKeys)
	if err != nil {
		return step.Fail(err)
	}
	if err := p.finishRotation(ctx, t, rotation); err != nil {
		return step.Fail(fmt.Errorf("%w; the application keeps running; the next `mage secrets:rotate -env=%s` continues the rotation", err, p.env.Name))
	}
	step.Done("rotated", "everyone signs in again")
	return nil
}

// checkCredentialUse makes sure that there is a database whose passwords can be set,
// and that the pods read from the Secret that would change.
func (p *Pipeline) checkCredentialUse(ctx context.Context, db PasswordSetter) error {
	if err := db.Ready(ctx); err != nil {
		return err
	}
	for _, wanted := range []struct {
		variable string
		keys     []string
	}{
		{database.PasswordVariable, databasePasswords}, {database.AuthSecretVariable, []string{authSecret}},
	} {
		all, err := db.Reads(ctx, wanted.variable)
		if err != nil {
			return err
		}
		for _, from := range all {
			if from.Secret != p.credentialsSecret() || !slices.Contains(wanted.keys, from.Key) {
				return &release.ForeignCredentials{Namespace: p.env.Namespace, Name: from.Secret}
			}
		}
	}
	return nil
}

// finishRotation distributes new values. A run may end after each step, and a later
// run repeats the steps:
//
//  1. The Secret has the new values and the mark of the rotation, from one request.
//     Running pods have the old values, which the database still accepts.
//  2. New pods start next to the old ones. They wait in their migration until the
//     database accepts their passwords.
//  3. The database accepts the new passwords, all or none. They are set over the
//     server's socket, which asks for no password, so no run needs the old ones.
//  4. The mark is removed.
func (p *Pipeline) finishRotation(ctx context.Context, t target, r *release.Rotation) error {
	if err := t.database.Restart(ctx, r.ID); err != nil {
		return err
	}
	err := t.database.SetPasswords(ctx, database.Passwords{
		Owner: r.Value(databasePassword), Frontend: r.Value(frontendPassword), Backend: r.Value(backendPassword),
	})
	if err != nil {
		return err
	}
	return release.EndRotation(ctx, t.kubernetes, p.env.Namespace, p.credentialsSecret(), r)
}

// resumeRotation finishes a rotation of a run that was killed.
func (p *Pipeline) resumeRotation(ctx context.Context, t target) error {
	rotation, err := release.PendingRotation(ctx, t.kubernetes, p.env.Namespace, p.credentialsSecret())
	if err != nil || rotation == nil {
		return err
	}
	step := p.opts.Progress.Start("secrets", p.env.Namespace+"/"+p.credentialsSecret())
	if err := p.finishRotation(ctx, t, rotation); err != nil {
		return step.Fail(fmt.Errorf("finish an interrupted rotation of the credentials: %w", err))
	}
	step.Done("rotated", "finished an interrupted rotation")
	return nil
}

// tryResumeRotation is resumeRotation for a deploy. The database may not run before the
// deploy repairs it, so an error is only noted.
func (p *Pipeline) tryResumeRotation(ctx context.Context, t target) error {
	if err := p.resumeRotation(ctx, t); err != nil {
		if ctx.Err() != nil {
			return err
		}
		p.opts.Progress.Note("%v: if pods do not become ready because of this, deploy again", err)
	}
	return nil
}
