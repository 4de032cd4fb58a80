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

// SetPassword gives the application's role a password, whatever it had before.
// Connections that are open stay so. Only a hash leaves this machine. The
// password must be ASCII, which every one that the pipeline makes is: another
// would have to be normalized first (RFC 4013).
func (d *Database) SetPassword(ctx context.Context, password string) error {
	s, err := d.server(ctx)
	if err != nil {
		return err
	}
	verifier, err := scram(password, salt())
	if err != nil {
		return fmt.Errorf("hash the database's password: %w", err)
	}
	if _, err := d.tell(ctx, s.container, strings.NewReader(verifier+"\n"), script("password")); err != nil {
		return fmt.Errorf("set the password of the role that owns database %q: %w", s.database, err)
	}
	return nil
}

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
