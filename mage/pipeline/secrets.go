package pipeline

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/config"
	"todo-chatbot/mage/database"
	"todo-chatbot/mage/release"
)

// The credentials that an installation makes for itself.
const (
	databasePassword = "database-password" // of the role that owns the database
	frontendPassword = "frontend-database-password"
	backendPassword  = "backend-database-password"
	authSecret       = "auth-secret"
)

// databasePasswords are those of the database's roles, credentialKeys all of them.
var (
	databasePasswords = []string{databasePassword, frontendPassword, backendPassword}
	credentialKeys    = append([]string{authSecret}, databasePasswords...)
)

// agentKey is the key of the model in the same Secret. It is there as long as the
// environment names a variable for it (pipeline.agent.keyFrom).
const agentKey = "openai-api-key"

// ensureCredentials completes the credentials, and sets or removes the model's key
// as the environment says. stale tells whether running pods have read other values.
func (p *Pipeline) ensureCredentials(ctx context.Context, clients kubernetes.Interface) (stale bool, err error) {
	key, err := p.modelKey()
	if err != nil {
		return false, err
	}
	keys, err := p.neededKeys()
	if err != nil {
		return false, err
	}
	had, err := release.HasCredential(ctx, clients, p.env.Namespace, p.credentialsSecret(), agentKey)
	if err != nil {
		return false, err
	}
	stale, err = release.EnsureCredentials(ctx, clients, p.env.Namespace, p.credentialsSecret(), keys, map[string]string{agentKey: key.Reveal()})
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

// modelKey is the key of the chat's model, empty where the environment names no
// variable for it. It refuses an environment whose backend would read the key from
// another place than the one that a deploy writes it to.
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
			return "", usage(fmt.Errorf("values/%s.yaml: pipeline.agent.keyFrom writes the key of the model to key %q of Secret %q, but %s is %q, so the backend reads it elsewhere: remove one of the two settings",
				p.env.Name, agentKey, p.credentialsSecret(), other.setting, set))
		}
	}
	return key, nil
}

// neededKeys are the keys that the chart reads from the credentials. The roles of
// frontend and backend have a password of their own only if they are separate, as
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

// value is a text in the environment's values for the chart, empty if not set.
func (p *Pipeline) value(path ...string) (string, error) {
	values, err := p.values(nil)
	if err != nil {
		return "", err
	}
	text, _, err := unstructured.NestedString(values.Map(), path...)
	if err != nil {
		return "", usage(fmt.Errorf("values/%s.yaml: %w", p.env.Name, err))
	}
	return text, nil
}

// credentialsSecret is the Secret that holds them.
func (p *Pipeline) credentialsSecret() string { return p.env.Release + "-credentials" }

// RotateSecrets gives the database's roles and the sessions' signature new
// secrets, without losing data. Everyone has to sign in again: the cookies and
// tokens that they hold are signed with the old one, which makes them strangers
// to frontend and backend, and no error. Nothing in the database depends on it.
func (p *Pipeline) RotateSecrets(ctx context.Context) (done Deployment, err error) {
	err = p.exclusive(ctx, "secrets:rotate", func(ctx context.Context) error {
		return p.withDatabase(ctx, func(db *database.Database, c *cluster.Cluster) error {
			if err := p.rotate(ctx, c.Clients.Clientset, db); err != nil {
				return err
			}
			done, err = p.ready(c, db.Replaced)(ctx)
			return err
		})
	})
	return done, err
}

// rotate makes new values and tells everyone. First it looks whether it can.
func (p *Pipeline) rotate(ctx context.Context, clients kubernetes.Interface, db *database.Database) error {
	step := p.opts.Progress.Start("secrets", p.env.Namespace+"/"+p.credentialsSecret())
	if err := p.ownCredentials(ctx, db); err != nil {
		return step.Fail(err)
	}
	begun, err := release.BeginRotation(ctx, clients, p.env.Namespace, p.credentialsSecret(), credentialKeys)
	if err != nil {
		return step.Fail(err)
	}
	if err := p.finishRotation(ctx, clients, db, begun); err != nil {
		return step.Fail(fmt.Errorf("%w; the next `mage secrets:rotate -env=%s` goes on from there, until then what runs keeps running", err, p.env.Name))
	}
	step.Done("rotated", "everyone signs in again")
	return nil
}

// ownCredentials makes sure that there is a database whose passwords can be set,
// and that the pods read from the Secret that would change.
func (p *Pipeline) ownCredentials(ctx context.Context, db *database.Database) error {
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

// finishRotation tells everyone of new values, in an order in which every step
// may be the last one for a while, and be done again:
//
// The Secret holds the new values and the mark of the rotation, written at once.
// What runs has read the old ones, which the database still takes. Then come new
// pods beside the old ones, which wait in their migration until the database
// takes their passwords; they have a head start over the old ones' next
// connection. Then the database takes the new passwords, all or none: they are
// set over the server's socket, where none is asked for, so neither this nor a
// later run has to know the old ones. At last the mark goes.
func (p *Pipeline) finishRotation(ctx context.Context, clients kubernetes.Interface, db *database.Database, r *release.Rotation) error {
	if err := db.Restart(ctx, r.ID); err != nil {
		return err
	}
	err := db.SetPasswords(ctx, database.Passwords{
		Owner: r.Value(databasePassword), Frontend: r.Value(frontendPassword), Backend: r.Value(backendPassword),
	})
	if err != nil {
		return err
	}
	return release.EndRotation(ctx, clients, p.env.Namespace, p.credentialsSecret(), r)
}

// takeUpRotation finishes a rotation that a run began and was killed in.
func (p *Pipeline) takeUpRotation(ctx context.Context, clients kubernetes.Interface, db *database.Database) error {
	begun, err := release.PendingRotation(ctx, clients, p.env.Namespace, p.credentialsSecret())
	if err != nil || begun == nil {
		return err
	}
	step := p.opts.Progress.Start("secrets", p.env.Namespace+"/"+p.credentialsSecret())
	if err := p.finishRotation(ctx, clients, db, begun); err != nil {
		return step.Fail(fmt.Errorf("finish a rotation of the credentials that was stopped: %w", err))
	}
	step.Done("rotated", "as a run had begun that was stopped")
	return nil
}

// mendRotation is takeUpRotation on the way of a deploy, which may be what gets
// the database to run at all: where it cannot be done yet, the deploy goes on.
func (p *Pipeline) mendRotation(ctx context.Context, c *cluster.Cluster, clients kubernetes.Interface) error {
	db := p.database(c)
	if err := p.takeUpRotation(ctx, clients, db); err != nil {
		if ctx.Err() != nil {
			return err
		}
		p.opts.Progress.Note("%v: where pods do not become ready for it, deploy again", err)
	}
	return nil
}
