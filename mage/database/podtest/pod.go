// Package podtest implements database.Shell with a PostgreSQL pod in memory, for
// tests. It behaves like the scripts in the pod: it reads the standard input, writes
// output, ends with a status, and stores databases, passwords and a volume of
// backups. A test can cut the connection at any command, before or after its work.
package podtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"todo-chatbot/mage/database"
)

// Names of the databases.
const (
	App      = "todo"
	Aside    = "todo_restore"
	Replaced = "todo_replaced"
)

// Data holds the rows of a database by table. The row of alembic_version is the
// schema revision.
type Data map[string][]string

// Pod is the server's pod. It also answers for the backend's revisions.
type Pod struct {
	mu        sync.Mutex
	Databases map[string]Data
	Volume    map[string][]byte // files of the backup volume
	Revisions []string          // revisions that the backend knows
	Ran       []string          // names of the scripts that ran, in order

	// Before and After are called around a script with its name. An error of Before is
	// a connection that fails before the script does anything. An error of After is a
	// connection that fails when the script has finished.
	Before, After func(script string) error
	// Cut ends the output of a script after a number of bytes, without an error, as a
	// lost connection can. The script itself finishes.
	Cut map[string]int

	// verifiers holds the password hashes of the roles. A server of an earlier release
	// has only the owner.
	verifiers map[string]string
}

// New returns a pod with a complete database. All roles have the same password.
func New(password string) *Pod {
	p := &Pod{Databases: map[string]Data{App: Complete()}, Volume: map[string][]byte{}, Revisions: []string{"0001"}}
	salt := []byte("0123456789abcdef")
	p.verifiers = map[string]string{}
	for _, role := range Roles {
		p.verifiers[role] = verifier(password, salt, 4096)
	}
	return p
}

// Complete returns the data of an application in use.
func Complete() Data {
	data := Data{}
	for _, table := range database.Tables {
		data[table] = []string{}
	}
	data["alembic_version"] = []string{"0001"}
	data["user"] = []string{"ada"}
	data["task"] = []string{"buy milk", "call Bob"}
	return data
}

// Archive encodes data as this pod's pg_dump does: a header, the tables, an end.
func Archive(data Data) []byte {
	body, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return slices.Concat([]byte(magic), body, []byte(end))
}

const (
	magic = "PGDMP"
	end   = "\nend\n"
)

// AddToVolume writes a backup with its checksum file, as the chart's hook does.
func (p *Pod) AddToVolume(name string, archive []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Volume[name] = archive
	p.Volume[name+".sha256"] = fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(archive), name)
}

// Roles lists the roles by the component that uses them.
var Roles = []string{"owner", "frontend", "backend"}

// WithoutRoles removes the roles that an earlier release does not have.
func (p *Pod) WithoutRoles() {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.verifiers, "frontend")
	delete(p.verifiers, "backend")
}

// Takes reports whether the owner can log in with a password.
func (p *Pod) Takes(password string) bool { return p.TakesOf("owner", password) }

// TakesOf reports whether a role can log in with a password.
func (p *Pod) TakesOf(role, password string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takes(role, password)
}

func (p *Pod) takes(role, password string) bool {
	parts := strings.FieldsFunc(p.verifiers[role], func(r rune) bool { return r == '$' || r == ':' })
	if len(parts) != 5 || parts[0] != "SCRAM-SHA-256" {
		return false
	}
	rounds, err := strconv.Atoi(parts[1])
	salt, saltErr := base64.StdEncoding.DecodeString(parts[2])
	return err == nil && saltErr == nil && verifier(password, salt, rounds) == p.verifiers[role]
}

// verifier returns the hash of a password that a server stores (RFC 5803).
func verifier(password string, salt []byte, rounds int) string {
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		panic(err)
	}
	hash := func(text string) []byte {
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(hash("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, encode(salt), encode(stored[:]), encode(hash("Server Key")))
}

// Run runs a command of package database.
func (p *Pod) Run(ctx context.Context, in database.Container, command []string, stdin io.Reader, stdout io.Writer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	script, args := scriptOf(in, command)
	p.Ran = append(p.Ran, script)
	if p.Before != nil {
		if err := p.Before(script); err != nil {
			return err
		}
	}
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	input, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	failed := p.do(script, args, input, &out)
	shown := out.Bytes()
	if n, cut := p.Cut[script]; cut {
		shown, failed = shown[:min(n, len(shown))], nil
	}
	if stdout != nil {
		if _, err := stdout.Write(shown); err != nil {
			return err
		}
	}
	if failed != nil {
		return &database.Exit{Status: 1, Stderr: failed.Error()}
	}
	if p.After != nil {
		return p.After(script)
	}
	return nil
}

// scriptOf returns the script name in a command. The backend is only asked for its
// revisions.
func scriptOf(in database.Container, command []string) (string, []string) {
	if in.Name == "backend" && command[0] == "python" {
		return "revisions", nil
	}
	return command[3], command[4:]
}

func (p *Pod) do(script string, args []string, input []byte, out io.Writer) error {
	if script == "dump" {
		_, err := out.Write(Archive(p.Databases[App]))
		return err
	}
	var err error
	switch script {
	case "list":
		p.list(out)
	case "check":
		_, err = p.read(args, input)
	case "load":
		err = p.load(args, input, out)
	case "swap":
		err = p.swap()
	case "forget":
		delete(p.Databases, map[string]string{"aside": Aside, "replaced": Replaced}[args[0]])
	case "password":
		err = p.setPasswords(string(input))
	case "revisions":
		fmt.Fprintln(out, strings.Join(p.Revisions, "\n"))
	default:
		return fmt.Errorf("sh: %s: not found", script)
	}
	if err == nil {
		fmt.Fprintln(out, "done")
	}
	return err
}

func (p *Pod) setPasswords(input string) error {
	lines, whole := strings.CutSuffix(input, "end\n")
	if !whole {
		return errors.New("the connection ended before all passwords arrived")
	}
	for line := range strings.Lines(lines) {
		role, verifier, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !slices.Contains(Roles, role) {
			return fmt.Errorf("unknown role: %s", role)
		}
		if _, there := p.verifiers[role]; there {
			p.verifiers[role] = verifier
		}
	}
	return nil
}

func (p *Pod) list(out io.Writer) {
	for _, name := range slices.Sorted(maps.Keys(p.Volume)) {
		if !strings.HasSuffix(name, ".dump") {
			continue
		}
		sum := "missing"
		if stored, there := p.Volume[name+".sha256"]; there {
			sum = "wrong"
			if strings.HasPrefix(string(stored), fmt.Sprintf("%x", sha256.Sum256(p.Volume[name]))) {
				sum = "ok"
			}
		}
		fmt.Fprintf(out, "%s\t%d\t%d\t%s\n", name, len(p.Volume[name]), 1767225600, sum)
	}
}

// read parses an archive from the volume or the standard input, as pg_restore does.
func (p *Pod) read(args []string, input []byte) (Data, error) {
	if len(args) > 0 {
		input = p.Volume[args[0]]
	}
	body, is := bytes.CutPrefix(input, []byte(magic))
	if !is {
		return nil, errors.New("pg_restore: error: input file does not appear to be a valid archive")
	}
	body, whole := bytes.CutSuffix(body, []byte(end))
	var data Data
	if !whole || json.Unmarshal(body, &data) != nil {
		return nil, errors.New("pg_restore: error: could not read from input file: end of file")
	}
	return data, nil
}

func (p *Pod) load(args []string, input []byte, out io.Writer) error {
	password, archive, _ := bytes.Cut(input, []byte("\n"))
	p.Databases[Aside] = Data{}
	if !p.takes("owner", string(password)) {
		return errors.New(`pg_restore: error: connection to server failed: FATAL:  password authentication failed for user "todo"`)
	}
	data, err := p.read(args, archive)
	if err != nil {
		return err
	}
	p.Databases[Aside] = data
	for _, table := range slices.Sorted(maps.Keys(data)) {
		fmt.Fprintln(out, "table", table)
	}
	for _, revision := range data["alembic_version"] {
		fmt.Fprintln(out, "revision", revision)
	}
	return nil
}

func (p *Pod) swap() error {
	restored, there := p.Databases[Aside]
	if !there {
		return fmt.Errorf("ERROR:  database %q does not exist", Aside)
	}
	p.Databases[Replaced], p.Databases[App] = p.Databases[App], restored
	delete(p.Databases, Aside)
	return nil
}
