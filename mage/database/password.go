package database

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// Passwords are those of the roles that use the database. An empty one is left as it is.
type Passwords struct {
	Owner, Frontend, Backend string
}

// Format keeps them out of whatever they are printed to.
func (p Passwords) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, "passwords") }

// SetPasswords gives the roles passwords, all of them or none, whatever they had
// before. A role that the server does not have is left out: where frontend and
// backend are the owner there are none, and the server makes one that it lacks
// with the Secret's. Connections that are open stay so. Only hashes leave this
// machine. The passwords must be ASCII, which every one that the pipeline makes
// is: another would have to be normalized first (RFC 4013).
func (d *Database) SetPasswords(ctx context.Context, passwords Passwords) error {
	s, err := d.server(ctx)
	if err != nil {
		return err
	}
	lines, err := passwords.lines()
	if err != nil {
		return fmt.Errorf("hash the database's passwords: %w", err)
	}
	if _, err := d.tell(ctx, s.container, strings.NewReader(lines), script("password")); err != nil {
		return fmt.Errorf("set the passwords of the roles of database %q, of which none was changed: %w", s.database, err)
	}
	return nil
}

// lines are what the script reads: a role and a hash each, and an end, without
// which what arrived is not all.
func (p Passwords) lines() (string, error) {
	var text strings.Builder
	for _, one := range []struct{ role, password string }{{"owner", p.Owner}, {"frontend", p.Frontend}, {"backend", p.Backend}} {
		if one.password == "" {
			continue
		}
		verifier, err := scram(one.password, salt())
		if err != nil {
			return "", err
		}
		text.WriteString(one.role + " " + verifier + "\n")
	}
	return text.String() + lastWord + "\n", nil
}

const lastWord = "end"

const (
	scramRounds = 4096 // PostgreSQL's own number
	saltBytes   = 16
)

func salt() []byte {
	value := make([]byte, saltBytes)
	_, _ = rand.Read(value) // never returns an error: crypto/rand ends the program instead
	return value
}

// scram is a SCRAM-SHA-256 verifier (RFC 5803) as PostgreSQL keeps it in
// pg_authid, and takes it in place of a password.
func scram(password string, salt []byte) (string, error) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramRounds, sha256.Size)
	if err != nil {
		return "", err
	}
	keyed := func(what string) []byte {
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte(what))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(keyed("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramRounds, encode(salt), encode(stored[:]), encode(keyed("Server Key"))), nil
}
