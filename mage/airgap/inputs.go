package airgap

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ingredients are the inputs of a recipe.
type ingredients struct {
	version  string // of the recipe's code
	config   v1.Config
	rootfs   []rootfs
	programs []program
	sources  []string // folders below the project's root, compiled in or copied
	files    fs.FS    // embedded files; may be nil
	more     []string
}

// key digests ingredients.
func (s *Supply) key(of ingredients) (string, error) {
	config, err := json.Marshal(of.config)
	if err != nil {
		return "", err
	}
	parts := []string{of.version, string(config), suite}
	for _, r := range of.rootfs {
		parts = append(parts, r.digest())
	}
	for _, p := range of.programs {
		parts = append(parts, p.packages...)
		parts = append(parts, p.arguments()...)
		of.sources = append(of.sources, p.folder())
	}
	for _, folder := range of.sources {
		texts, err := treeInputs(os.DirFS(filepath.Join(s.opts.Root, filepath.FromSlash(folder))))
		if err != nil {
			return "", fmt.Errorf("read sources in %q: %w", folder, err)
		}
		parts = append(parts, texts...)
	}
	if of.files != nil {
		texts, err := treeInputs(of.files)
		if err != nil {
			return "", fmt.Errorf("read embedded files: %w", err)
		}
		parts = append(parts, texts...)
	}
	return inputs(append(parts, of.more...)...), nil
}

// inputs digests the parts of a result. Every part is written with its length,
// so that a byte that moves from one part to the next changes the digest.
func inputs(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// treeInputs lists the files of a folder with their bytes, sorted by path. Of Go
// sources it takes the code without comments, and no tests.
func treeInputs(folder fs.FS) ([]string, error) {
	var parts []string
	err := fs.WalkDir(folder, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := fs.ReadFile(folder, path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".go") {
			content = goCode(content)
		}
		parts = append(parts, path, string(content))
		return nil
	})
	return parts, err
}

// goCode is a Go source without layout and comments. Directives (//go:…) stay,
// as they change the program.
func goCode(source []byte) []byte {
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(source)), source, nil, scanner.ScanComments)
	var code []byte
	for {
		_, tok, literal := s.Scan()
		switch {
		case tok == token.EOF && s.ErrorCount > 0:
			return source // not Go
		case tok == token.EOF:
			return code
		case tok == token.COMMENT && !strings.HasPrefix(literal, "//go:"):
		case tok == token.SEMICOLON:
			code = append(code, ";\n"...) // written or at the end of a line
		default:
			code = append(code, tok.String()+" "+literal+"\n"...)
		}
	}
}
