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

// Passwords are the new passwords of the database roles. An empty one is not changed.
type Passwords struct {
	Owner, Frontend, Backend string
}

// Format keeps the passwords out of printed text.
func (p Passwords) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, "passwords") }

// SetPasswords sets the passwords of all roles, or of none if it fails. It does not
// need the old passwords. It skips a role that does not exist: with a single role
// frontend and backend have none, and the server creates a missing role with the
// password in the Secret. Open connections stay open. Only hashes leave this machine.
// The passwords must be ASCII, as those that the pipeline makes are, because it does
// not normalize others (RFC 4013).
func (d *Database) SetPasswords(ctx context.Context, passwords Passwords) error {
	s, err := d.server(ctx)
	if err != nil {
		return err
	}
	lines, err := passwords.lines()
	if err != nil {
		return fmt.Errorf("hash the database's passwords: %w", err)
	}
	if _, err := d.run(ctx, s.container, strings.NewReader(lines), script("password")); err != nil {
		return fmt.Errorf("set the passwords of the roles of database %q (none was changed): %w", s.database, err)
	}
	return nil
}

// lines returns the input of the script: one line with a role and a hash for each
// password, and a last line, whose absence shows that the connection ended early.
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
	scramRounds = 4096 // PostgreSQL's default
	saltBytes   = 16
)

func salt() []byte {
	value := make([]byte, saltBytes)
	_, _ = rand.Read(value) // crypto/rand never returns an error
	return value
}

// scram returns the SCRAM-SHA-256 verifier (RFC 5803) of a password. PostgreSQL
// stores it in pg_authid and accepts it in place of the password.
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
